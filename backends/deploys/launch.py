"""Starting a runner, and asking one to end; neither without a leave (`leave_to_start`)."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from backends.api.actions import Refused
from backends.api.errors import TimedOut
from backends.api.runs import Run, RunState
from backends.deploys.folder import ABORT, OUTPUT, RunFolders, Written, write_plan
from backends.deploys.leave_to_start import Leave
from backends.deploys.runner import STARTED, Handed

SETTLING = 1.0
"""Seconds within which a runner whose run has ended is gone, and one that was started has begun."""
ANSWER = 8.0
"""Seconds in which a runner has to say that it has begun."""


def start(runs: RunFolders, written: Written, environment: Mapping[str, str], leave: Leave) -> None:
    """Start the run, and return once the first line of its journal is on the disk. Blocks.

    Raises `Refused` where nothing was started: one is running already (who, since when, which step), the disk
    does not take its journal, its runner does not answer, or nobody waits for it any more; `TimedOut` where the
    runner has been heard of but does not say: it may begin while it holds the deploy's lock.
    """
    try:
        runs.make()
        lock = _locked(runs)
        try:
            _refuse_beside_orphans(runs)
            _start(runs[written.run], written, environment, lock, leave)
            with contextlib.suppress(OSError):
                runs.clear()
        finally:
            os.close(lock)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Refused(f"nothing was started: {where}{error.strerror}") from None


def abort(folder: Path, by: str, leave: Leave) -> None:
    """Ask a run's runner to end it. Blocks. Raises OSError, `Refused`."""
    fresh = folder / f"{ABORT}.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(by)
    leave.use()
    fresh.rename(folder / ABORT)


def _start(folder: Path, written: Written, environment: Mapping[str, str], lock: int, leave: Leave) -> None:
    if folder.exists():
        raise Refused(f"{written.run} was started before", "ask for a new plan")
    try:
        write_plan(folder, written, leave.until)
        leave.use()
        answer = _run(folder, msgspec.json.encode(Handed(environment, lock)), lock)
    except TimedOut as error:
        if _withdrawn(folder):
            raise Refused(f"nothing was started: {error.reason}", "ask for a new plan") from None
        raise
    except (OSError, Refused):
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
    try:
        with process.stdout:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(handed)
            return _line(process.stdout.fileno(), folder.name)
    finally:
        # It leaves as soon as it has begun, and a process that is nobody's child goes on. A slow one is collected
        # all the same.
        threading.Thread(target=process.wait, name="runner", daemon=True).start()


def _withdrawn(folder: Path) -> bool:
    """Whether a runner that has not said anything can't begin any more: its first act is to make this file, and
    only one can. The folder stays, or it could be made in one that is half removed."""
    try:
        os.close(os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    return True


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
        running = next((row for row in runs.look_at_all().values() if row.state is RunState.RUNNING), None)
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
    """A command whose runner was killed, or what no abort could end, may still be at it."""
    for row in runs.look_at_all().values():
        if row.state is RunState.INTERRUPTED or row.left:
            processes = runs.left_running(row.key)
            if processes:
                pid = processes[0].pid
                raise Refused(
                    f"{row.key} was {row.state.value}, and its command (pid {pid}) still runs",
                    f"see what it does; if it is to stay, remove {runs[row.key]}, "
                    f"else end it: midwatch signal {pid} TERM",
                )
