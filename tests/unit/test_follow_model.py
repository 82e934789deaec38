"""Following against a model: whatever happens to the files between looks, every record once and in order, or
counted in a note."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.logs import file_reader, follow, generations
from tests.unit.following import Following

LOST = re.compile(r"([\d,]+) bytes are lost")
LINE = b"line %08d\n"
STEPS = (
    "write",
    "write",
    "rotate",
    "rotate",
    "look",
    "look",
    "look to the end",
    "wait",
    "wait long",
    "delete",
    "unlink",
)


class Production:
    """One log with one way of rotation, and a follower that looks when it is told to."""

    def __init__(self, folder: Path, way: str, pattern: str) -> None:
        self.folder, self.way = folder, way
        self.log = folder / "app.log"
        self.log.write_bytes(b"begin\n")
        self.written = self.rotations = 0
        self.copied = False
        self.known = True
        self.seen: set[int] = set()
        """Inodes that were there at the last look: what was not can't be read once it is deleted."""
        self.following = Following(folder / pattern)
        self.look(1)

    def step(self, what: str) -> None:
        if what == "write":
            self.write(200)
        elif what == "rotate" and self.log.exists():
            self.rotate()
        elif what.startswith("look"):
            self.look(1 if what == "look" else 1_000)
        elif what.startswith("wait"):
            self.following.now += 0.6 if what == "wait" else 70.0
        elif what == "delete" and not self.copied:
            self.delete([path for path in self.folder.iterdir() if path != self.log])
        elif what == "unlink" and self.way != "copytruncate" and self.log.exists():
            self.delete([self.log])

    def write(self, lines: int) -> None:
        with self.log.open("ab") as file:
            file.write(b"".join(LINE % number for number in range(self.written, self.written + lines)))
        self.written += lines

    def rotate(self) -> None:
        if self.way == "copytruncate" and (self.copied or not self.known):
            # What stands in one copy alone may be lost where there is another one, which the note says, and a
            # log of which nothing was read can't be told from one that was truncated.
            self.look(1_000)
        self.rotations += 1
        if self.way == "up":
            self.log.rename(self.folder / f"app.log.{self.rotations}")
            return
        for old in range(self.rotations - 1, 0, -1):
            path = self.folder / f"app.log.{old}"
            if path.exists():
                path.rename(self.folder / f"app.log.{old + 1}")
        if self.way == "down":
            self.log.rename(self.folder / "app.log.1")
            return
        shutil.copyfile(self.log, self.folder / "app.log.1")
        os.truncate(self.log, 0)
        self.copied, self.known = True, False

    def delete(self, paths: list[Path]) -> None:
        seen = [path for path in paths if path.stat().st_ino in self.seen]
        if seen:
            oldest = min(seen, key=lambda path: path.stat().st_mtime_ns)
            # The next file may be given its number, and was never looked at.
            self.seen.discard(oldest.stat().st_ino)
            oldest.unlink()

    def look(self, most: int) -> None:
        self.following.look(most=most)
        assert self.following.last is not None
        if not self.following.last.more:
            self.copied, self.known = False, self.log.exists() and self.log.stat().st_size > 0
        self.seen = {path.stat().st_ino for path in self.folder.iterdir()}

    def numbers(self) -> list[int]:
        return [int(line.split()[1]) for line in self.following.lines if line.startswith("line")]

    def by_path(self) -> dict[str, list[int]]:
        """A file that a glob finds once nobody had its old name any more is a log of its own."""
        found: dict[str, list[int]] = {}
        for line, origin in zip(self.following.lines, self.following.origins, strict=True):
            if line.startswith("line"):
                found.setdefault(origin, []).append(int(line.split()[1]))
        return found

    def lost(self) -> int:
        counts = [match[1] for note in self.following.notes for match in LOST.finditer(note)]
        return sum(int(count.replace(",", "")) for count in counts) // len(LINE % 0)


@example("up", "app.log", 4, ["rotate", "wait long", "write", "rotate", "look", "delete", "write", "unlink"])
@example("up", "app.log*", 4, ["rotate", "wait long", "delete", "look", "write", "rotate", "look", "write"])
@settings(max_examples=150, deadline=None)
@given(
    way=st.sampled_from(["up", "down", "copytruncate"]),
    pattern=st.sampled_from(["app.log", "app.log*"]),
    limit=st.sampled_from([4, 1_000]),
    steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=40),
)
def test_every_record_once_and_in_order_or_counted(way: str, pattern: str, limit: int, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_reader, "CHUNK", 512)
        patch.setattr(follow, "FILE_BYTES", 1_000)
        patch.setattr(generations, "open_files_most", lambda: limit)
        production = Production(Path(folder), way, pattern)
        try:
            for what in steps:
                production.step(what)
            for _ in range(3):
                production.step("wait")
                production.step("look to the end")
            numbers = production.numbers()
            assert len(numbers) == len(set(numbers))
            for read in production.by_path().values():
                assert read == sorted(read)
            assert len(numbers) + production.lost() == production.written, production.following.notes
        finally:
            production.following.follower.close()
