"""The journal of one run: a line of JSON for each thing that is about to happen or has happened, made to last.

Its runner is the only writer. Whoever else reads it takes whole lines: the last one may be half written.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from backends.api.runs import RunState, Step
from backends.deploys.identity import Identity
from backends.no_json import NO_JSON

JOURNAL, RESERVE = "journal.jsonl", "reserve"
RESERVED = 64 << 10
"""Bytes of disk that are held for the last words of a run whose disk has become full."""


class What(enum.StrEnum):
    STARTED = "started"
    """The first line; `process` is the runner."""
    STEP = "step"
    COMMAND = "command"
    """The step's command is about to run; `process` is it."""
    LEFT = "left"
    """What was to end and could not be ended, and why, in `message`."""
    STEP_ENDED = "step-ended"
    ENDED = "ended"


class Entry(Struct, frozen=True, omit_defaults=True):
    """One line. `state` and `message` say how a step, or the run, ended."""

    at: datetime
    what: What
    name: str = ""
    state: RunState = RunState.RUNNING
    message: str = ""
    process: Identity | None = None


class Journal:
    """Opened by the runner, once: there must be none yet. It is locked for as long as the runner lives.

    Raises OSError where it, or the reserve beside it, can't be written: then nothing may be started.
    """

    def __init__(self, folder: Path, first: Entry) -> None:
        self._folder = folder
        self._file = _new(folder / JOURNAL)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        reserve = _new(folder / RESERVE)
        try:
            _write(reserve, b"\0" * RESERVED)
        finally:
            os.close(reserve)
        self.write(first)
        _sync_folder(folder)

    def write(self, entry: Entry) -> None:
        """Append a line and make it last. Raises OSError; the journal is whole then, without it."""
        size = os.fstat(self._file).st_size
        try:
            _write(self._file, msgspec.json.encode(entry) + b"\n")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise

    def write_last(self, entry: Entry) -> None:
        """Append the last line; on a full disk with the space that was held for it. Raises OSError."""
        try:
            self.write(entry)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            os.unlink(self._folder / RESERVE)
            self.write(entry)
        with contextlib.suppress(OSError):
            os.unlink(self._folder / RESERVE)


def _new(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Whether the runner of a run lives: it holds its journal locked, and the kernel lets go when it dies."""
    with open(folder / JOURNAL, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def parse(data: bytes) -> tuple[list[Entry], int]:
    """The entries of a journal, and how many of its lines can't be read. What follows its last LF is no line."""
    entries, damaged = [], 0
    for line in data.split(b"\n")[:-1]:
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except NO_JSON:
            damaged += 1
    return entries, damaged


def steps_of(entries: Sequence[Entry], *, alive: bool) -> tuple[Step, ...]:
    """The steps that a journal tells of. One that nobody ended is interrupted where its runner is gone."""
    steps: list[Step] = []
    for entry in entries:
        if entry.what is What.STEP:
            steps.append(Step(entry.name, None, RunState.RUNNING, entry.at))
        elif entry.what is What.STEP_ENDED and steps:
            last = steps[-1]
            steps[-1] = msgspec.structs.replace(last, state=entry.state, ended=entry.at, message=entry.message)
    if not alive and steps and steps[-1].ended is None:
        steps[-1] = msgspec.structs.replace(steps[-1], state=RunState.INTERRUPTED)
    return tuple(steps)
