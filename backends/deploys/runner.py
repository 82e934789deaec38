"""`python -P -m backends.deploys.runner RUNDIR`: carries out one plan, in a process and a session of its own.

It is handed `Handed` on standard input, answers with one line (`STARTED`, or why not), and lets go of whoever
started it. From then on its journal says what happens, and only a file `abort` in its folder, or SIGTERM, ends it
early.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from backends.api.runs import PlannedStep, RunState
from backends.deploys.command import Command, CommandEnd, NotNoted, how
from backends.deploys.folder import ABORT, OUTPUT, Rejected, Written, read_plan
from backends.deploys.identity import Identity
from backends.deploys.journal import Entry, Journal, What
from backends.deploys.step_marks import Marks

STARTED = "started"


class Handed(Struct, frozen=True):
    """What a runner gets from whoever starts it, and nobody else ever sees: the values of its environment, and
    the descriptor of its deploy's lock, which is let go of with its last breath."""

    environment: Mapping[str, str]
    lock: int


class Runner:
    def __init__(self, folder: Path, written: Written, environment: Mapping[str, str]) -> None:
        """Opens the journal. Raises OSError where it can't be written: then nothing may be started."""
        self._folder, self._plan, self._environment = folder, written.plan, environment
        self._until = time.monotonic() + written.plan.timeout
        self._asked = False
        self._silent = ""
        # First: whoever started this takes it back by making that file (`launch`).
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._output = os.open(folder / OUTPUT, flags, 0o600)
        self._marks = Marks(folder / OUTPUT)
        # Last: with its first line the run has begun.
        self._journal = Journal(folder, Entry(_now(), What.STARTED, process=Identity.of(os.getpid())))

    def run(self) -> RunState:
        """Every step in its order, until one does not end well."""
        # A handler and not SIG_IGN, which the commands would inherit.
        signal.signal(signal.SIGHUP, lambda number, frame: None)
        signal.signal(signal.SIGTERM, self._on_term)
        state, message = RunState.DONE, ""
        for step in self._plan.steps:
            state, message = self._step(step)
            if state is not RunState.DONE:
                break
        text = f"{message}; {self._silent}".strip("; ")
        self._journal.write_last(Entry(_now(), What.ENDED, state=state, message=text))
        return state

    def _step(self, step: PlannedStep) -> tuple[RunState, str]:
        try:
            self._journal.write(Entry(_now(), What.STEP, step.name))
        except OSError as error:
            return RunState.FAILED, f"{step.name} was not started: its journal can't be written: {error.strerror}"
        try:
            command = Command(
                step.argv,
                self._plan.directory,
                self._environment,
                self._output,
                lambda identity: self._journal.write(Entry(_now(), What.COMMAND, step.name, process=identity)),
            )
        except OSError as error:
            state, message = RunState.FAILED, f"{error.filename or step.argv[0]}: {error.strerror}"
        except NotNoted:
            state, message = RunState.FAILED, f"{step.name} was not started: its journal can't be written"
        except ValueError:
            # Without the error's words: a secret may be among them.
            why = "no program can be given its arguments, or its environment"
            state, message = RunState.FAILED, f"{step.name} was not started: {why}"
        else:
            ended = command.watch(self._look, self._note_left)
            self._take_marks(final=True)
            state, message = _judged(ended)
        self._note(Entry(_now(), What.STEP_ENDED, state=state, message=message))
        return state, message

    def _note_left(self, reason: str, left: str) -> None:
        self._note(Entry(_now(), What.LEFT, message=_in_vain(reason, left)))

    def _look(self) -> str:
        self._take_marks()
        if self._asked:
            return "the runner was asked to end (SIGTERM)"
        if time.monotonic() > self._until:
            return f"timed out after {self._plan.timeout:g} s"
        return _aborted(self._folder / ABORT)

    def _take_marks(self, *, final: bool = False) -> None:
        """A command that says what it is at makes steps of its own."""
        try:
            names = self._marks.read(final=final)
        except OSError as error:
            self._silent = f"its steps could not all be read: {error.strerror}"
            return
        for name in names:
            now = _now()
            self._note(Entry(now, What.STEP_ENDED, state=RunState.DONE))
            self._note(Entry(now, What.STEP, name))

    def _note(self, entry: Entry) -> None:
        """A command goes on whether or not that can be written down; that it could not is said at the end."""
        try:
            self._journal.write(entry)
        except OSError as error:
            self._silent = f"not all of it is in its journal: {error.strerror}"

    def _on_term(self, number: int, frame: object) -> None:
        self._asked = True


def _judged(ended: CommandEnd) -> tuple[RunState, str]:
    if not ended.reason or ended.outlived:
        state = RunState.DONE if ended.status == 0 else RunState.FAILED
        words = [how(ended.status)] if ended.status else []
        words += [_in_vain(ended.reason, ended.left)] if ended.outlived else []
        return state, "; ".join(words)
    state = RunState.FAILED if ended.reason.startswith("timed out") else RunState.ABORTED
    return state, f"{ended.reason}: {how(ended.status)}" + (f"; {ended.left}" if ended.left else "")


def _in_vain(reason: str, left: str) -> str:
    return f"{reason}, in vain: {left}"


def _aborted(wish: Path) -> str:
    """Who wants the run to end; empty where nobody does."""
    try:
        by = wish.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
    except OSError:
        by = ""
    return f"aborted by {by}" if by else "aborted"


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> int:
    """0 once a run has ended, whatever its end; 1 where none was begun."""
    folder = Path(sys.argv[1])
    handed = msgspec.json.decode(sys.stdin.buffer.read(), type=Handed)
    os.set_inheritable(handed.lock, False)
    # Nobody's child and in nobody's session: who started it has nothing to wait for, and no terminal to lose.
    if os.fork():
        os._exit(0)
    os.setsid()
    try:
        written = read_plan(folder)
        _let_go(folder)
        runner = Runner(folder, written, {**os.environ, **handed.environment})
    except (Rejected, OSError) as error:
        _answer(error.strerror or str(error) if isinstance(error, OSError) else str(error))
        return 1
    _answer(STARTED)
    runner.run()
    return 0


def _let_go(folder: Path) -> None:
    """Of the folder one stood in, and of standard input and error; what a bug would print is kept."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    errors = os.open(folder / "runner.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(errors, 2)
    os.close(null)
    os.close(errors)


def _answer(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, line.encode() + b"\n")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


if __name__ == "__main__":
    sys.exit(main())
