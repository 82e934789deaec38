"""What is written to the terminal: never waits for it on the loop, and knows how far behind the terminal is."""

from __future__ import annotations

import os
import select
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from widgets.substitutes import SUBSTITUTES

PIECE = 4096
"""Bytes of one write."""
BYTES_AHEAD = 4096
"""Bytes by which we may be ahead of what the terminal says it has drawn: links keep much more than that, and a
key would be answered only behind all of it."""
ANSWER_LOST = 15.0
"""Seconds after which an answer of the terminal does not come any more."""
ANSWER = 1.0
"""Seconds that the end waits for answers under way."""
PATIENCE = 0.3
"""Seconds that the end waits for a terminal that reads nothing."""


class Output(threading.Thread):
    """Takes the place of Textual's writer thread, whose queue is full after 30 writes, and then blocks the loop.

    A frame should be made only when `ready` calls for it, so that frames which nobody would see are not made.
    """

    def __init__(self, file: IO[str]) -> None:
        super().__init__(daemon=True, name="textual-output")
        self._file = file
        self._fd = _own_handle(file.fileno())
        self._encoding: str = getattr(file, "encoding", None) or "utf-8"
        self._more = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._writing = self._ending = self._given_up = False
        self._written = 0
        """Bytes since the last question."""
        self._asked: deque[tuple[int, float]] = deque()
        """Bytes since the question before, and when we asked."""
        self._mute: float | None = None
        """When a terminal that has answered before was last asked in vain: another one may be looking now."""
        self._then: Callable[[], object] | None = None

    # What Textual calls

    def write(self, text: str) -> None:
        with self._more:
            self._waiting.append(text.encode(self._encoding, SUBSTITUTES))
            self._written += len(self._waiting[-1])
            self._more.notify_all()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def flush(self) -> None:
        """The thread writes as soon as it can."""

    def stop(self) -> None:
        """Write what waits and end; where the terminal reads nothing, leave out the frame that it is stuck in."""
        with self._more:
            self._ending = True
            self._more.notify_all()
        self.join(PATIENCE)
        if self.is_alive():
            self._given_up = True
            with suppress(termios.error):
                termios.tcflush(self._fd, termios.TCOFLUSH)
            self.join(PATIENCE)

    # How far the terminal is

    def ready(self, then: Callable[[], object]) -> bool:
        """Whether a frame would be drawn soon. If not, `then` is called, from a thread, once it would."""
        with self._more:
            self._then = then if self._behind() else None
            return self._then is None

    def ask(self, question: str) -> None:
        """Write what the terminal answers once it has drawn all that was written before it."""
        with self._more:
            now = time.monotonic()
            if not self._written or (self._mute is not None and now - self._mute < ANSWER_LOST):
                return
            self.write(question)
            if self._mute is None:
                self._asked.append((self._written, now))
            else:
                self._mute = now
            self._written = 0

    def answered(self) -> None:
        with self._more:
            self._mute = None
            if self._asked:
                self._asked.popleft()
            self._more.notify_all()
        self._free()

    def settle(self) -> None:
        """Wait a moment for answers under way: who reads the terminal next would take them for keys."""
        with self._more:
            self._more.wait_for(lambda: not self._asked, ANSWER)

    def _behind(self) -> bool:
        if self._asked and time.monotonic() - self._asked[0][1] > ANSWER_LOST:
            self._asked.clear()
            self._mute = time.monotonic()
        return bool(self._writing or self._waiting) or sum(size for size, _ in self._asked) > BYTES_AHEAD

    def _free(self) -> None:
        with self._more:
            if self._then is None or self._behind():
                return
            then, self._then = self._then, None
        then()

    # The thread

    def run(self) -> None:
        while (data := self._next()) is not None:
            self._put(data)
            with self._more:
                self._writing = False
            self._free()
        if self._fd != self._file.fileno():
            os.close(self._fd)

    def _next(self) -> bytes | None:
        with self._more:
            self._more.wait_for(lambda: self._waiting or self._ending)
            if not self._waiting:
                return None
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._writing = True
            return data

    def _put(self, data: bytes) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        left, stuck_before = memoryview(data), self._given_up
        try:
            while left:
                room = poll.poll(50)
                if self._given_up and not (room and stuck_before):
                    return
                if room:
                    try:
                        left = left[os.write(self._fd, left[:PIECE]) :]
                    except BlockingIOError:
                        time.sleep(0.01)  # There is room, but for less than a line's end takes.
        except OSError:
            pass  # It is gone; whoever watches for that ends us.


def _own_handle(fd: int) -> int:
    """The same terminal by a handle that does not block: one that the shell does not share."""
    try:
        os.tcgetpgrp(fd)  # Fails where it is not the terminal that /dev/tty stands for.
        return os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return fd
