"""Following against a model: whatever happens to the files between looks, every record once and in order, or
counted in a note."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backends.logs import follow, turn
from tests.unit.following import Following

LOST = re.compile(r"([\d,]+) bytes are lost")
LINE = 100


class Rotations(RuleBasedStateMachine):
    """One log, one way of rotation, and a follower that looks when it pleases."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="midwatch-follow-"))
        self.log = self.folder / "app.log"
        self.log.write_bytes(b"begin\n")
        self.written = 0
        self.rotations = 0
        self.copies = 0
        self.seen: set[int] = set()
        """Inodes that were there at the last look: what was not can't be read once it is deleted."""

    @initialize(
        way=st.sampled_from(["up", "down", "copytruncate"]),
        pattern=st.sampled_from(["app.log", "app.log*"]),
        limit=st.sampled_from([4, 1_000]),
    )
    def begin(self, way: str, pattern: str, limit: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(follow, "FILE_BYTES", 300_000)
        # Copies of a log that grows are no generations that could be lost for want of descriptors.
        self.patch.setattr(turn, "at_once", lambda: limit)
        self.way = way
        self.following = Following(self.folder / pattern)
        self.look(1)

    @rule(size=st.sampled_from([1, 3, 50, 3_000, 9_000]))
    def write(self, size: int) -> None:
        with self.log.open("ab") as file:
            for number in range(self.written, self.written + size):
                file.write(b"line %08d %s\n" % (number, b"x" * (LINE - 15)))
        self.written += size

    @rule()
    def rotate(self) -> None:
        if not self.log.exists():
            return
        if self.way == "copytruncate" and self.copies:
            self.look(1_000)  # It can lose what stands in one copy when there is another one.
        self.rotations += 1
        name = self.folder / f"app.log.{self.rotations}"
        if self.way != "up":
            for old in range(self.rotations - 1, 0, -1):
                path = self.folder / f"app.log.{old}"
                if path.exists():
                    path.rename(self.folder / f"app.log.{old + 1}")
            name = self.folder / "app.log.1"
        if self.way == "copytruncate":
            shutil.copyfile(self.log, name)
            os.truncate(self.log, 0)
            self.copies += 1
        else:
            self.log.rename(name)

    @rule(newest=st.booleans())
    def delete(self, newest: bool) -> None:
        paths = [path for path in self.folder.iterdir() if path != self.log and path.stat().st_ino in self.seen]
        if paths and not (self.way == "copytruncate" and self.copies):
            min(paths, key=lambda path: path.stat().st_mtime_ns * (-1 if newest else 1)).unlink()

    @precondition(lambda self: self.way != "copytruncate")
    @rule()
    def delete_the_log_itself(self) -> None:
        if self.log.exists() and self.log.stat().st_ino in self.seen:
            self.log.unlink()

    @rule(looks=st.sampled_from([1, 1, 2, 1_000]))
    def look(self, looks: int) -> None:
        self.following.look(most=looks)
        assert self.following.last is not None
        if not self.following.last.more:
            self.copies = 0
        self.seen = {path.stat().st_ino for path in self.folder.iterdir()}

    @rule(seconds=st.sampled_from([0.5, 2.0, 15.0, 70.0, 3_600.0]))
    def wait(self, seconds: float) -> None:
        self.following.now += seconds

    @invariant()
    def in_order(self) -> None:
        if hasattr(self, "following"):
            numbers = self._numbers()
            assert numbers == sorted(set(numbers))

    def teardown(self) -> None:
        try:
            if hasattr(self, "following"):
                for _ in range(3):
                    self.wait(2.0)
                    self.look(1_000)
                self.in_order()
                counts = [match[1] for note in self.following.notes for match in LOST.finditer(note)]
                lost = sum(int(count.replace(",", "")) for count in counts)
                assert len(self._numbers()) + lost // LINE == self.written, self.following.notes
                self.following.follower.close()
                self.patch.undo()
        finally:
            shutil.rmtree(self.folder)

    def _numbers(self) -> list[int]:
        return [int(line.split()[1]) for line in self.following.lines if line.startswith("line")]


Rotations.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_every_record_once_and_in_order_or_counted = Rotations.TestCase
