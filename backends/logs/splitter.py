"""Bytes as they come, cut into records; and a FIFO that is followed, which gives such bytes."""

from __future__ import annotations

import os

from backends.api.logs import LogBlock
from backends.logs.record_limits import RECORD, open_file

CHUNK = 256 << 10


class Splitter:
    """Whole records out of a stream of bytes; what follows the last LF waits for the rest, up to `RECORD`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> LogBlock | None:
        """The records that are whole now. A record longer than `RECORD` bytes comes in pieces."""
        end = data.rfind(b"\n")
        if end < 0 and self._size + len(data) < RECORD:
            self._keep(data)
            return None
        whole = self._taken() + (data if end < 0 else data[:end])
        if end >= 0:
            self._keep(data[end + 1 :])
        return LogBlock(self.origin, whole, whole.count(b"\n") + 1)

    def rest(self) -> LogBlock | None:
        """The last record, which came without its LF, once nothing more will come."""
        whole = self._taken()
        return LogBlock(self.origin, whole, 1) if whole else None

    def _keep(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)

    def _taken(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts, self._size = [], 0
        return whole


class Pipe:
    """A FIFO that is followed: read whenever something is in it, kept open while no writer has it."""

    def __init__(self, path: str) -> None:
        self.splitter = Splitter(path)
        self.handle = open_file(path)

    def read(self, budget: int) -> tuple[list[LogBlock], bool]:
        """The records in it now, and whether there may be more. A writer that closes ends its last record."""
        blocks: list[LogBlock] = []
        while budget > 0:
            try:
                data = os.read(self.handle, CHUNK)
            except BlockingIOError:
                return blocks, False
            block = self.splitter.feed(data) if data else self.splitter.rest()
            if block is not None:
                blocks.append(block)
            if not data:
                return blocks, False
            budget -= len(data)
        return blocks, True

    def close(self) -> None:
        os.close(self.handle)
