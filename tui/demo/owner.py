"""The side of the person who asked for a demo: gets the servers, starts the keeper, waits until it is done."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from itertools import chain
from pathlib import Path
from typing import IO

from tui.demo.getting import get
from tui.demo.packages.command import Missing
from tui.demo.request import DETACH, FOLDER_IS, REFUSED, UP, Request
from tui.demo.servers import chosen
from tui.demo.state import Demo, Refused, clean_up

GOODBYE = 30.0
"""Seconds that the keeper may take to stop everything; 2 are usual."""


class Interrupted(BaseException):
    """A signal that ends us; everything is cleared away on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def raise_on_signals() -> None:
    """Let the first signal that would end us unwind what was begun. A closing terminal sends two at once, and the
    second must not interrupt the clearing away."""

    def on_signal(number: int, frame: object) -> None:
        ignore_signals()
        raise Interrupted(number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, on_signal)


def ignore_signals() -> None:
    """From here on only what must be cleared away counts. Not by SIG_IGN: Python complains of a signal that came
    in before the change and is to be handled after it."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, frame: None)


def fetch(only: Collection[str] = ()) -> dict[str, str]:
    """Get every program that the chosen servers need; those that can't be had, with the reason. It happens here,
    not in the keeper, so that ctrl-c ends apt as well."""
    missing: dict[str, str] = {}
    for server in chain.from_iterable(chosen(only)):
        for program in server.programs:
            try:
                get(program, lambda text: say(f"  {text}"))
            except Missing as error:
                missing[program.name] = str(error)
    return missing


class Ownership:
    """A keeper that ends when we do, until we let go of it."""

    def __init__(self, request: Request) -> None:
        self.folder: Path | None = None
        # A session of its own: neither ctrl-c nor a hang-up of our terminal reaches it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.demo.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout
        self._rest = b""
        with contextlib.suppress(BrokenPipeError):
            self._to.write(request.line())
            self._to.flush()

    def follow(self) -> bool:
        """Repeat what the keeper says until the demo is up; False when it ended instead. Raises `Refused`."""
        while (text := self._line(None)) is not None:
            if text.startswith(FOLDER_IS):
                self.folder = Path(text.removeprefix(FOLDER_IS))
            elif text.startswith(REFUSED):
                raise Refused(text.removeprefix(REFUSED))
            elif text == UP:
                return True
            else:
                say(text)
        return False

    def detach(self) -> None:
        """Leave the demo alone: it stays until `midwatch demo down`."""
        with contextlib.suppress(BrokenPipeError):
            self._to.write(DETACH)
            self._to.close()

    def end(self) -> bool:
        """Have everything stopped and cleared away, and wait for it; True when nothing is left."""
        with contextlib.suppress(OSError):
            self._to.close()
        deadline = time.monotonic() + GOODBYE
        while (text := self._line(deadline)) is not None:
            say(text)
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Nothing is there any more, unless somebody has killed the keeper.
        left = Demo.load(self.folder) if self.folder is not None else None
        return left is None or clean_up(left)

    def _line(self, deadline: float | None) -> str | None:
        """The keeper's next line; None at its end, and past the deadline."""
        while b"\n" not in self._rest:
            patience = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._from], [], [], patience)[0]:
                return None
            data = os.read(self._from.fileno(), 4096)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace")


def say(text: str) -> None:
    """One line to the user, whose terminal may be gone."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
