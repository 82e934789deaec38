"""A program on a terminal whose bytes carry the time at which they came."""

from __future__ import annotations

import os
import select
import threading
import time
from bisect import bisect_left, bisect_right
from types import TracebackType
from typing import Self

from tests.outside.pty_program import Dashboard


class Stamped(Dashboard):
    """Read by a thread as fast as it comes: what draws it (pyte) is slower than what is measured."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._times: list[float] = []
        self._ends: list[int] = []
        self._bytes = bytearray()
        self._drawn = 0
        self._came = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        self._thread.join()
        super().__exit__(kind, error, trace)

    def _listen(self) -> None:
        while not self._stop:
            if not select.select([self.master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            now = time.monotonic()
            with self._came:
                self._bytes += data
                self._times.append(now)
                self._ends.append(len(self._bytes))
                self._came.notify_all()

    def read(self, seconds: float = 0.05, most: int = 1 << 40) -> bytes:
        """What has come since the last call, drawn; waits for it at most so long."""
        with self._came:
            self._came.wait_for(lambda: len(self._bytes) > self._drawn, seconds)
            got = bytes(self._bytes[self._drawn : self._drawn + most])
            self._drawn += len(got)
        self._stream.feed(got)
        return got

    @property
    def sent(self) -> int:
        """How many bytes have come until now."""
        return len(self._bytes)

    def when(self, text: bytes, since: float) -> float | None:
        """When this text had come, of what came at or after a moment; None where it has not."""
        with self._came:
            first = bisect_left(self._times, since)
            found = self._bytes.find(text, self._ends[first - 1] if first else 0)
            if found < 0:
                return None
            return self._times[bisect_left(self._ends, found + len(text))]

    def since(self, moment: float) -> list[tuple[float, bytes]]:
        """What came after a moment, in the pieces in which it did."""
        with self._came:
            first = bisect_right(self._times, moment)
            starts = [self._ends[first - 1] if first else 0, *self._ends[first:]]
            return [
                (at, bytes(self._bytes[start:end]))
                for at, start, end in zip(self._times[first:], starts, self._ends[first:], strict=False)
            ]

    def shown(self, text: bytes, since: float, seconds: float = 20.0) -> float:
        """When this text had come, of what came at or after a moment; waits for it."""
        end = time.monotonic() + seconds
        while (at := self.when(text, since)) is None:
            left = end - time.monotonic()
            if left <= 0:
                self.read(0)
                raise AssertionError(f"waited {seconds:g} s for {text!r}; the terminal shows:\n{self.text}")
            with self._came:
                self._came.wait(min(left, 0.02))
        return at

    def answer(self, keys: str, text: bytes, seconds: float = 5.0) -> float:
        """Seconds from these keys until this text has come."""
        began = time.monotonic()
        self.send(keys)
        return self.shown(text, began, seconds) - began


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]
