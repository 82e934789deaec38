"""What is typed while Python still imports, with its times: escape and a letter a moment later are two keys, but
read in one go they are alt and that letter."""

from __future__ import annotations

import os
import select
import threading
import time


class TypedAtStart:
    """Reads the terminal from now on, until what came is taken."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._came: list[tuple[float, bytes]] = []
        self._enough, self._end = os.pipe()
        self._thread = threading.Thread(target=self._read, name="typed-ahead", daemon=True)
        self._thread.start()

    def take(self) -> list[tuple[float, bytes]]:
        """What came and when, once; the next bytes are whoever's reads next."""
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
            self._thread.join()
        came, self._came = self._came, []
        return came

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._enough, 0)
        try:
            while all(fd != self._enough for fd, _ in poll.poll()):
                data = os.read(self._fd, 4096)
                if not data:
                    break
                self._came.append((time.monotonic(), data))
        except OSError:
            pass  # Whoever reads next will find so, too.
        os.close(self._enough)
