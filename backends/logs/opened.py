"""The files that a source holds open, and what has to be said about those that it can't open."""

from __future__ import annotations

import stat

from backends.logs.file_reader import FileReader
from backends.logs.paths import refusal
from backends.logs.position import Key
from backends.logs.record_limits import open_file
from backends.logs.rotation import packed

NOTES = 10_000
"""Different notes that are remembered as told."""


class Opened:
    """Open files by device and inode: no file is open twice, whatever names lead to it."""

    def __init__(self) -> None:
        self.readers: dict[Key, FileReader] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        """The paths that may not be read: why, and what would help."""
        self._notes: list[str] = []
        self._told: set[str] = set()

    def open(self, path: str) -> int | None:
        """A descriptor, which the caller closes or gives to a FileReader; None, and a note, where there is none.
        A file that is not there is no matter for a note."""
        try:
            return open_file(path)
        except PermissionError:
            self.refuse(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            self.say_once(f"{path}: {error.strerror}")
        return None

    def refuse(self, path: str) -> None:
        self.refused[path] = refusal(path)
        self.say_once(f"{path}: {self.refused[path][0]}")

    def reads(self, path: str, mode: int, *, named: bool, odd: str) -> bool:
        """Whether what a path leads to, whose mode this is, is a file to be read. Says why not of a file, and of
        what is `named` without a wildcard: `odd` of what is neither a file nor a directory."""
        is_file = stat.S_ISREG(mode)
        if is_file and not packed(path):
            return True
        if is_file:
            self.say_once(f"{path}: compressed, not read")
        elif named:
            self.say_once(f"{path}: is {'a directory; name its files' if stat.S_ISDIR(mode) else odd}")
        return False

    def say(self, note: str) -> None:
        self._notes.append(note)

    def say_once(self, note: str) -> None:
        if note not in self._told and len(self._told) < NOTES:
            self._told.add(note)
            self._notes.append(note)

    def say_truncated(self, reader: FileReader) -> None:
        self.say(f"{reader.origin}: was truncated (copytruncate) while it was read")

    def notes(self) -> tuple[str, ...]:
        """What was said since the last call."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def close(self) -> None:
        for reader in self.readers.values():
            reader.close()
        self.readers = {}
