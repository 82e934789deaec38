"""The dashboard on a pseudo-terminal, as a person's terminal sees it: bytes in, bytes out, and what they draw."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

from tests.outside.program import PROGRAM

SYNCHRONIZES = {2026: 2}
"""A terminal that says, when it is asked, that it can synchronize its output."""
XTERM = {2026: 0, 2048: 0}
"""One that knows neither that mode nor the one in which it tells its size, and says so."""
QUESTION, LONGEST = re.compile(rb"\x1b\[\?(\d+)\$p"), 16
"""Whether the terminal has a mode, and more bytes than that takes."""


class Dashboard:
    """`midwatch` with these words, on a terminal of so many columns and rows."""

    def __init__(
        self,
        *words: str,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
        ignore_hangup: bool = False,
        answers: Mapping[int, int] | None = None,
        program: Sequence[str] | None = None,
    ) -> None:
        self._words, self._size, self._env = words, size, dict(env or {})
        self._ignore_hangup = ignore_hangup
        self._answers, self._unasked = answers or {}, b""
        self._program = program or [PROGRAM]
        self.raw = b""
        self.screen = pyte.Screen(*(size if all(size) else (80, 24)))
        self._stream = pyte.ByteStream(self.screen)
        self.process: subprocess.Popen[bytes]
        self.master = -1
        self._slave = -1

    def __enter__(self) -> Self:
        self.master, self._slave = pty.openpty()
        columns, rows = self._size
        self._tell_size(columns, rows)
        self.before = termios.tcgetattr(self._slave)
        env = {**os.environ, "TERM": "xterm-256color", **self._env}
        slave = self._slave

        def prepare() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if self._ignore_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [*self._program, *self._words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
            preexec_fn=prepare,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for handle in (self.master, self._slave):
            if handle >= 0:
                os.close(handle)
        self.master = self._slave = -1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def read(self, seconds: float = 0.05, most: int = 65536) -> bytes:
        """What comes within so many seconds, drawn as well; until nothing comes, or `most` bytes have."""
        end = time.monotonic() + seconds
        got = b""
        while (left := end - time.monotonic()) > 0 and len(got) < most:
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                data = os.read(self.master, most - len(got))
            except OSError:
                break
            got += data
            # pyte knows no private mode reports; what asks for them draws nothing.
            self._stream.feed(data)
            self._answer(data)
        self.raw += got
        return got

    def drip(self, rate: int) -> None:
        """Read for a twentieth of a second, as a link does that carries so many bytes a second."""
        due = time.monotonic() + 0.05
        self.read(0.05, rate // 20)
        time.sleep(max(0.0, due - time.monotonic()))

    def trickle(self, rate: int, until: Callable[[], object], seconds: float) -> int:
        """Read so many bytes a second, as a slow link does, until that holds; how many bytes it took."""
        before, end = len(self.raw), time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.raw) - before} bytes came; the terminal shows:\n{self.text}")
            self.drip(rate)
        return len(self.raw) - before

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, what: str | Callable[[], object], seconds: float = 15.0) -> None:
        holds = what if callable(what) else lambda: what in self.text
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"waited for {what!r}; the terminal shows:\n{self.text}")
            self.read()

    def ended(self, seconds: float = 5.0) -> int:
        """Wait for the program's end, reading what it still says."""
        self.until(lambda: self.process.poll() is not None, seconds)
        self.read(0.1)
        assert self.process.returncode is not None
        return self.process.returncode

    def resize(self, columns: int, rows: int) -> None:
        """What stood on the screen goes: a program draws all of it anew."""
        self.screen.resize(rows, columns)
        self.screen.erase_in_display(2)
        self._tell_size(columns, rows)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def _answer(self, data: bytes) -> None:
        said = self._unasked + data
        asked = list(QUESTION.finditer(said))
        for mode in (int(question[1]) for question in asked):
            if mode in self._answers:
                os.write(self.master, b"\x1b[?%d;%d$y" % (mode, self._answers[mode]))
        self._unasked = said[asked[-1].end() if asked else 0 :][-LONGEST:]

    def _tell_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """The terminal vanishes, as when an SSH connection breaks."""
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1


def restored(board: Dashboard) -> bool:
    """The main screen, a visible cursor, no mouse, no raw mode."""
    tail = board.raw[-400:]
    return (
        tail.rfind(b"\x1b[?1049l") > tail.rfind(b"\x1b[?1049h")
        and tail.rfind(b"\x1b[?25h") > tail.rfind(b"\x1b[?25l")
        and board.attributes[:4] == board.before[:4]
    )
