"""A follower of files under test: one look at a time, and all that it has given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.logs import follow
from backends.logs.follow import Follower, Look
from backends.logs.position import Cursor

Begin = Callable[..., "Following"]


class Following:
    """A follower, and every line that it has given so far."""

    def __init__(self, *patterns: Path | str, cursor: Cursor | None = None) -> None:
        self.follower = Follower([str(pattern) for pattern in patterns], cursor)
        self.lines: list[str] = []
        self.raws: list[bytes] = []
        self.origins: list[str] = []
        self.notes: list[str] = []
        self.last: Look | None = None

    def look(self) -> list[str]:
        """The lines that one look brings, or as many looks as it says it needs."""
        new: list[str] = []
        while True:
            self.last = self.follower.look()
            for block in self.last.blocks:
                assert block.count == len(block.lines())
                self.raws += block.lines()
                new += [line.decode("utf-8", "replace") for line in block.lines()]
                self.origins += [os.path.basename(block.origin)] * block.count
            self.notes += self.last.notes
            if not self.last.more:
                self.lines += new
                return new

    @property
    def cursor(self) -> Cursor:
        assert self.last is not None
        return self.last.cursor


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    # A directory that has changed is looked at with the next look, however busy the machine is.
    monkeypatch.setattr(follow, "CHEAP", float("inf"))
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
