"""A log that is copied and truncated while it is looked at, in every order: no record is told twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.following import Following

STEPS = ("write", "write", "copy", "copy half", "finish", "truncate", "look", "look", "wait")


class Copied:
    """`app.log`, its copies, and a follower of both."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.copy = folder, folder / "app.log", folder / "app.log.1"
        self.log.write_bytes(b"begin\n")
        self.written = self.rotations = 0
        self.copying, self.whole = False, True
        self.following = Following(folder / "app.log*")
        self.following.look()

    def step(self, what: str) -> None:
        if what == "write":
            with self.log.open("ab") as file:
                file.write(b"".join(b"line %08d\n" % number for number in range(self.written, self.written + 20)))
            self.written += 20
        elif what.startswith("copy") and not self.copying:
            self.begin(half=what == "copy half")
        elif what == "finish" and self.copying:
            self.finish()
        elif what == "truncate" and self.copying:
            self.finish()
            os.truncate(self.log, 0)
            self.copying = False
        elif what == "look":
            self.following.look()
        elif what == "wait" and not self.copying:
            self.following.now += 2

    def begin(self, *, half: bool) -> None:
        for old in range(self.rotations, 0, -1):
            (self.folder / f"app.log.{old}").rename(self.folder / f"app.log.{old + 1}")
        data = self.log.read_bytes()
        self.copy.write_bytes(data[: len(data) // 2] if half else data)
        self.rotations, self.copying = self.rotations + 1, True
        self.whole = not half

    def finish(self) -> None:
        """As a copying program does: up to the end that the log has at that moment."""
        if not self.whole:
            with self.copy.open("ab") as file:
                file.write(self.log.read_bytes()[self.copy.stat().st_size :])
        self.whole = True


@example(["copy", "truncate", "write", "copy", "look"])
@example(["copy", "truncate", "copy half", "write", "look"])
@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=25))
def test_whatever_stands_at_a_look(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copied = Copied(Path(folder))
        try:
            for what in [*steps, "truncate", "wait", "look", "wait", "look"]:
                copied.step(what)
            lines = [line for line in copied.following.lines if line.startswith("line")]
            assert len(lines) == len(set(lines))
        finally:
            copied.following.follower.close()
