"""The output of runs as log blocks: each run is an origin. All of it blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from backends.api.logs import LogBatch, LogBlock
from backends.api.runs import RunRows, RunState
from backends.deploys.folder import OUTPUT, RunFolders
from backends.logs.file_reader import CHUNK
from backends.logs.record_limits import RECORD

TAIL = 4 << 20
"""Bytes of an output's end with which following begins; attaching to a run shows all of it."""


class Output:
    """One run's output. `offset` is the byte after the last record that was given out."""

    def __init__(self, path: Path, origin: str, offset: int = 0) -> None:
        self._path, self._origin, self.offset = path, origin, offset

    def skip(self, left: int) -> int:
        """Leave out all but about the last `left` bytes; how many bytes that is."""
        size = self._size()
        if size > left:
            with open(self._path, "rb") as file:
                file.seek(size - left)
                file.readline(RECORD)
                self.offset = file.tell()
        return self.offset

    def read(self, *, final: bool = False) -> LogBlock | None:
        """The next whole records, about a quarter of a MiB; None where there are none yet. `final`: nothing more
        will be written, so that the last one counts without its LF."""
        left = self._size() - self.offset
        if left <= 0:
            return None
        with open(self._path, "rb") as file:
            data = os.pread(file.fileno(), CHUNK, self.offset)
            if b"\n" not in data and left > CHUNK:
                data = os.pread(file.fileno(), RECORD, self.offset)
        end = data.rfind(b"\n")
        if end < 0:
            if not (final or len(data) >= RECORD):
                return None
            self.offset += len(data)
            return LogBlock(self._origin, data, 1, self.offset - len(data))
        first, self.offset = self.offset, self.offset + end + 1
        return LogBlock(self._origin, data[:end], data.count(b"\n", 0, end) + 1, first)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0


def follow(runs: RunFolders, rows: RunRows, cursor: object) -> LogBatch:
    """What has come since the cursor, from each run at most one block. Without one it begins with the newest run,
    its end if it is long; runs that begin later are read from their first byte. Raises OSError."""
    offsets = cursor if isinstance(cursor, Mapping) else None
    newest = next(reversed(list(rows)), "")
    blocks: list[LogBlock] = []
    notes: list[str] = []
    ends: dict[str, int] = {}
    for name, row in rows.items():
        output = Output(runs[name] / OUTPUT, name, 0 if offsets is None else offsets.get(name, 0))
        if offsets is None and name != newest:
            output.skip(0)
        elif offsets is None and (skipped := output.skip(TAIL)):
            notes.append(f"{name}: its first {skipped} bytes are left out here; midwatch run attach {name}")
        block = output.read(final=row.state is not RunState.RUNNING)
        blocks += [] if block is None else [block]
        ends[name] = output.offset
    return LogBatch(tuple(blocks), MappingProxyType(ends), tuple(notes), len(ends))
