"""A follower under test: every line that it has given so far, and a clock that the test owns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.logs import finding
from backends.logs.follow import Follower, Look
from backends.logs.position import Cursor

Begin = Callable[..., "Following"]


class Following:
    """A follower, and every line that it has given so far. `now` is its clock, in seconds."""

    def __init__(self, *patterns: Path | str, cursor: Cursor | None = None) -> None:
        self.now = 0.0
        self.follower = Follower([str(pattern) for pattern in patterns], cursor, clock=lambda: self.now)
        self.lines: list[str] = []
        self.raws: list[bytes] = []
        self.origins: list[str] = []
        self.notes: list[str] = []
        self.last: Look | None = None

    def look(self, *, most: int = 1_000_000) -> list[str]:
        """The lines that one look brings, or as many looks as it says it needs, at most `most` of them. They
        come a quarter of a second after the last ones."""
        self.now += 0.25
        new: list[str] = []
        for _ in range(most):
            self.last = self.follower.look()
            for block in self.last.blocks:
                assert block.count == len(block.lines())
                self.raws += block.lines()
                new += [line.decode("utf-8", "replace") for line in block.lines()]
                self.origins += [os.path.basename(block.origin)] * block.count
            self.notes += self.last.notes
            if not self.last.more:
                break
        self.lines += new
        return new

    def look_again(self) -> list[str]:
        """A look that expands the globs, as if the last time had been long ago."""
        self.follower.finding.expanded = float("-inf")
        return self.look()

    @property
    def missing(self) -> str:
        assert self.last is not None
        return self.last.missing

    @property
    def cursor(self) -> Cursor:
        assert self.last is not None
        return self.last.cursor


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    # A directory that has changed is looked at with the next look, however busy the machine is.
    monkeypatch.setattr(finding, "GLOB_CHEAP", float("inf"))
    begun: list[Following] = []

    def start(*patterns: Path | str, cursor: Cursor | None = None) -> Following:
        begun.append(Following(*patterns, cursor=cursor))
        return begun[-1]

    yield start
    for following in begun:
        following.follower.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def add(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("ab") as file:
        file.write("".join(f"{line}{end}" for line in lines).encode())
