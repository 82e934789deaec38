"""Starting a runner, and asking one to end."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from backends.api.actions import Refused
from backends.api.errors import TimedOut
from backends.api.runs import Run, RunState
from backends.deploys.folder import ABORT, RunFolders, Written, write_plan
from backends.deploys.runner import STARTED, Handed

SETTLING = 1.0
"""Seconds within which a runner whose run has ended is gone, and one that was started has begun."""
ANSWER = 8.0
"""Seconds in which a runner has to say that it has begun."""


def start(runs: RunFolders, written: Written, environment: Mapping[str, str]) -> None:
    """Start the run, and return once the first line of its journal is on the disk. Blocks.

    Raises `Refused` where nothing was started: one is running already (who, since when, which step), or the disk
    does not take its journal; `TimedOut` where the runner does not say.
    """
    try:
        runs.make()
        lock = _locked(runs)
        try:
            _refuse_beside_orphans(runs)
            runs.clear()
            _start(runs[written.run], written, environment, lock)
        finally:
            os.close(lock)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Refused(f"nothing was started: {where}{error.strerror}") from None


def abort(folder: Path, by: str) -> None:
    """Ask a run's runner to end it. Blocks. Raises OSError."""
    fresh = folder / f"{ABORT}.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(by)
    fresh.rename(folder / ABORT)


def _start(folder: Path, written: Written, environment: Mapping[str, str], lock: int) -> None:
    if folder.exists():
        raise Refused(f"{written.run} was started before", "ask for a new plan")
    try:
        write_plan(folder, written)
        answer = _run(folder, msgspec.json.encode(Handed(environment, lock)), lock)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if answer != STARTED:
        shutil.rmtree(folder, ignore_errors=True)
        raise Refused(f"nothing was started: {answer or 'its runner ended without a word'}")


def _run(folder: Path, handed: bytes, lock: int) -> str:
    """The runner's answer. Of all that we have open it gets the lock alone."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "backends.deploys.runner", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock,),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(handed)
        line = _line(process.stdout.fileno(), folder.name)
    # It leaves at once, and a process that is nobody's child goes on.
    process.wait()
    return line


def _line(handle: int, run: str) -> str:
    data, until = b"", time.monotonic() + ANSWER
    while not data.endswith(b"\n"):
        if not select.select([handle], [], [], max(0.0, until - time.monotonic()))[0]:
            raise TimedOut(f"its runner said nothing within {ANSWER:g} s", where=run)
        more = os.read(handle, 4096)
        if not more:
            break
        data += more
    return data.decode("utf-8", "replace").strip()


def _locked(runs: RunFolders) -> int:
    """The deploy's lock. Raises `Refused` where it is taken: who, since when, which step."""
    until = time.monotonic() + SETTLING
    while (lock := runs.lock()) is None:
        running = next((row for row in runs.look().values() if row.state is RunState.RUNNING), None)
        if running is not None:
            raise Refused(_told(running), f"midwatch run attach {running.key}")
        if time.monotonic() > until:
            raise Refused("another run of it is being started this very moment")
        time.sleep(0.02)
    return lock


def _told(run: Run) -> str:
    step = f", in step {run.step.name}" if run.step is not None else ""
    return f"{run.key} is running: started by {run.by} at {run.started.astimezone():%H:%M:%S}{step}"


def _refuse_beside_orphans(runs: RunFolders) -> None:
    """A command whose runner was killed may still be at it."""
    for row in runs.look().values():
        if row.state is RunState.INTERRUPTED:
            process = runs.left_running(row.key)
            if process is not None:
                raise Refused(
                    f"{row.key} was interrupted, and its command (pid {process.pid}) still runs",
                    f"see what it does, and end it: midwatch signal {process.pid} TERM",
                )
