"""The runs of one deploy on disk: a folder for each in `$XDG_STATE_HOME/midwatch/runs/CONTEXT/`, for its owner.

A run's folder holds `plan.json` and `permit.json`, written by whoever starts it, then the runner's
`journal.jsonl` and the command's `output.log`. A file `abort` in it asks the runner to end.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import msgspec
from msgspec import Struct

from backends.api.actions import Permit
from backends.api.runs import Plan, Run, RunRows, RunState
from backends.deploys import journal
from backends.deploys.identity import Identity
from backends.deploys.journal import JOURNAL, Entry, What
from backends.no_json import NO_JSON
from backends.state import check_private, private_folder

PLAN, PERMIT, OUTPUT, ABORT = "plan.json", "permit.json", "output.log", "abort"
RUNS_KEPT = 50
"""Runs of a deploy that are kept; older ones go when a new one starts."""


class Written(Struct, frozen=True):
    """What is written of a run before it starts: all but its secrets."""

    run: str
    context: str
    by: str
    host: str
    plan: Plan


class RunPermit(Struct, frozen=True):
    """Leave for one runner to carry out one plan, as one user, begun soon and once: a journal is its receipt.

    `digest` is that of `plan.json`, byte by byte; `until` in unix seconds, `Permit.LIFE` from the consent.
    """

    digest: str
    uid: int
    until: float


class Rejected(Exception):
    """A plan that its permit is not for; why, in words."""


def new_id(deploy: str) -> str:
    return f"{deploy}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


def write_plan(folder: Path, written: Written, until: float) -> None:
    """Make a run's folder with its plan and its permit, which is good `until` (unix seconds). Raises OSError:
    `FileExistsError` where it ran before."""
    folder.mkdir(mode=0o700)
    data = msgspec.json.encode(written)
    import hashlib

    permit = RunPermit(hashlib.sha256(data).hexdigest(), os.geteuid(), until)
    for name, content in ((PLAN, data), (PERMIT, msgspec.json.encode(permit))):
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)


def read_plan(folder: Path) -> Written:
    """The plan of a run, if its permit is for it, for us, and for now. Raises `Rejected`, OSError."""
    check_private(folder)
    data = (folder / PLAN).read_bytes()
    try:
        permit = msgspec.json.decode((folder / PERMIT).read_bytes(), type=RunPermit)
        written = msgspec.json.decode(data, type=Written)
    except NO_JSON as error:
        raise Rejected(f"its plan or its permit can't be read: {error}") from None
    import hashlib

    if hashlib.sha256(data).hexdigest() != permit.digest or written.run != folder.name:
        raise Rejected("its permit is for another plan")
    if permit.uid != os.geteuid():
        raise Rejected("its permit is for another user")
    if time.time() > permit.until:
        raise Rejected(f"its permit is older than {Permit.LIFE:g} s")
    return written


class RunFolders:
    """The runs of one deploy of one context. Its methods block.

    Another configuration may have a context and a deploy of the same names (each demo does): what ran elsewhere
    than in `directory` and has ended is not listed, without one all is. Lock, and how many are kept, are for all.
    """

    def __init__(self, state: Path, context: str, deploy: str, source: str, directory: str = "") -> None:
        # A context may be called anything; "." and ".." are no names of a folder.
        name = quote(context, safe="")
        self.context = context
        self._state = state
        self.path = state / "runs" / (f"%2E{name[1:]}" if name.startswith(".") else name)
        self._deploy, self._source, self._directory = deploy, source, directory
        self._name = re.compile(rf"{re.escape(deploy)}-\d{{8}}-\d{{6}}-[0-9a-f]{{4}}")
        self._known: dict[str, tuple[tuple[int, int], Run]] = {}
        self._orphans: dict[str, tuple[Identity, ...]] = {}
        self._looking = threading.Lock()
        # Read at each look, for up to fifty runs of mostly one place.
        self._real = lru_cache(RUNS_KEPT)(os.path.realpath)

    def __getitem__(self, run: str) -> Path:
        """A run's folder, whether it is there or not. Raises `KeyError` for what is no run's name."""
        if not self._name.fullmatch(run):
            raise KeyError(run)
        return self.path / run

    def make(self) -> None:
        """Raises OSError where it can't be made, or others could look into it."""
        private_folder(self._state, "runs", self.path.name)

    def lock(self) -> int | None:
        """The lock that this deploy's one run holds, as a descriptor; None where it is taken. Raises OSError."""
        handle = os.open(self.path / f"{self._deploy}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def is_starting(self) -> bool:
        """Whether a start of this deploy may still become a run: somebody holds its lock, and no run is running.
        Raises OSError."""
        handle = self.lock()
        if handle is not None:
            os.close(handle)
            return False
        return all(row.state is not RunState.RUNNING for row in self.look_at_all().values())

    def names(self) -> list[str]:
        """Oldest first, by the time that is in the name: when the run was planned."""
        try:
            return sorted(name for name in os.listdir(self.path) if self._name.fullmatch(name))
        except FileNotFoundError:
            return []

    def look(self) -> RunRows:
        """The newest runs by id, in the order in which they started. Raises OSError.

        One that did not change is the same object.
        """
        rows = self.look_at_all()
        if not self._directory:
            return rows
        here = self._real(self._directory)
        return MappingProxyType(
            {key: row for key, row in rows.items() if _goes_on(row) or self._real(row.directory) == here}
        )

    def look_at_all(self) -> RunRows:
        """Those of other configurations too. Raises OSError."""
        with self._looking:
            found = {name: self._look(name) for name in self.names()[-RUNS_KEPT:]}
            begun = sorted((row for row in found.values() if row is not None), key=lambda row: row.started)
            rows = {row.key: row for row in begun}
            self._known = {name: item for name, item in self._known.items() if name in rows}
        return MappingProxyType(rows)

    def _look(self, name: str) -> Run | None:
        folder = self.path / name
        try:
            info = os.stat(folder / JOURNAL)
            mark = (info.st_size, info.st_mtime_ns)
            before = self._known.get(name)
            if before is not None and before[0] == mark and before[1].ended is not None:
                return before[1]
            # In this order: a journal with a line in it was locked before that, and once it is not held any more
            # nothing is added to it.
            if not info.st_size:
                return None
            alive = journal.is_held(folder)
            if alive and before is not None and before[0] == mark:
                return before[1]
            row = self._read(folder, alive)
        except FileNotFoundError:
            return None
        if row is not None:
            if before is not None and before[1] == row:
                row = before[1]
            self._known[name] = (mark, row)
        return row

    def _read(self, folder: Path, alive: bool) -> Run | None:
        entries, damaged = journal.parse((folder / JOURNAL).read_bytes())
        try:
            written = msgspec.json.decode((folder / PLAN).read_bytes(), type=Written)
        except NO_JSON:
            return None
        if not entries:
            return None
        last = entries[-1]
        ended = last if last.what is What.ENDED else None
        left = next((entry.message for entry in entries if entry.what is What.LEFT), "")
        if ended is not None:
            message = ended.message
        elif alive:
            message = left
        else:
            message = _lost(entries, written, self._left_running(folder.name, entries))
        if damaged:
            message = f"{message}; {damaged} damaged lines in its journal".removeprefix("; ")
        state = ended.state if ended is not None else RunState.RUNNING if alive else RunState.INTERRUPTED
        return Run(
            key=folder.name,
            source=self._source,
            deploy=self._deploy,
            state=state,
            by=written.by,
            started=entries[0].at,
            params=written.plan.params,
            ended=None if ended is None else ended.at,
            steps=journal.steps_of(entries, alive=alive),
            message=message,
            runner=str(entries[0].process or ""),
            call=written.plan.call,
            left=left,
            directory=written.plan.directory,
        )

    def journal(self, run: str) -> str:
        """The journal as it is. Raises OSError."""
        return (self[run] / JOURNAL).read_text("utf-8", "replace")

    def left_running(self, run: str) -> tuple[Identity, ...]:
        """What still runs of the last command of a run that is over, oldest first: nobody watches it.

        Raises OSError.
        """
        entries, _ = journal.parse((self[run] / JOURNAL).read_bytes())
        return self._left_running(run, entries)

    def _left_running(self, run: str, entries: list[Entry]) -> tuple[Identity, ...]:
        """All of /proc is read once, and again when all that was found has ended: its children may be there.
        Where none are, none will come."""
        known = self._orphans.get(run)
        here = tuple(process for process in known or () if process.is_alive())
        if known is None or (known and not here):
            commands = (entry.process for entry in reversed(entries) if entry.what is What.COMMAND)
            leader = next(commands, None)
            here = () if leader is None else leader.session()
        self._orphans[run] = here
        return here

    def clear(self) -> None:
        """Remove what is too old to be kept. The newest are never removed, whatever their state."""
        for name in self.names()[:-RUNS_KEPT]:
            shutil.rmtree(self.path / name, ignore_errors=True)


def _goes_on(run: Run) -> bool:
    """Whether it may still do something, wherever: that is for everybody to see, and to end."""
    return run.state in (RunState.RUNNING, RunState.INTERRUPTED) or bool(run.left)


def _lost(entries: list[Entry], written: Written, orphans: tuple[Identity, ...]) -> str:
    """What is known of a run whose runner is gone."""
    runner = entries[0].process
    gone = f"its runner (pid {runner.pid} on {written.host}) is gone" if runner else "its runner is gone"
    step = next((entry.name for entry in reversed(entries) if entry.what is What.STEP), "")
    if not orphans:
        return f"{gone}; it was in {step}" if step else gone
    pid = orphans[0].pid
    leads = any(entry.process == orphans[0] for entry in entries)
    what = f"whose command (pid {pid})" if leads else f"of whose command a child (pid {pid})"
    return f"{gone}; in {step}, {what} still runs with nobody to watch it"
