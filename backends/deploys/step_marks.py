"""What a command says of its own steps: a line `::step NAME` of its output begins one, ends the one before."""

from __future__ import annotations

from pathlib import Path

from backends.clean import clean

MARK = b"::step "
LONGEST = 200
"""Bytes of a name; the rest of such a line is cut."""
STEPS_MOST = 1_000
"""Steps that are told; a command that floods gets no further ones."""
CHUNK = 1 << 20


class Marks:
    """Reads the output as it grows. Its methods block."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self._rest = b""
        self._count = 0

    def read(self, *, final: bool = False) -> list[str]:
        """The names of steps that have begun since the last look. `final`: nothing more will come."""
        names: list[str] = []
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            while data := file.read(CHUNK):
                self._offset += len(data)
                names += self._names((self._rest + data).split(b"\n"))
        if final and self._rest:
            names += self._names([self._rest, b""])
        return names

    def _names(self, lines: list[bytes]) -> list[str]:
        # Of a line that has not ended no more is kept than tells whether it is a mark.
        self._rest = lines.pop()[: len(MARK) + LONGEST]
        found = []
        for line in lines:
            if line.startswith(MARK) and self._count < STEPS_MOST:
                self._count += 1
                name = line[len(MARK) :][:LONGEST].decode("utf-8", "replace").strip()
                found.append(clean(name) or "step")
        return found
