"""Between the lines in memory and their history: when there is a reason to go from the one to the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backends.api import tail
from backends.api.logs import LogBatch
from backends.api.tail import Tail
from tests.clock import START, FakeClock
from tests.unit.test_log_history import Source, of
from tui.screens.logs import history
from tui.screens.logs import pager as module
from tui.screens.logs.pager import Pager
from tui.screens.logs.progress import Progress
from widgets.logs.feeder import Feeder
from widgets.logs.lines import LogLines


class View:
    """Lines without a screen."""

    def __init__(self) -> None:
        self.lines = LogLines()
        self.cursor = -1
        self.sheet = SimpleNamespace(placed=[])
        self.clock = FakeClock()

    def go_to(self, index: int) -> None:
        self.cursor = min(index, len(self.lines.rows) - 1)

    def show(self, feeders: Sequence[Feeder]) -> None:
        self.lines.show(feeders)
        self.settle()

    def grew(self, settled: tuple[int, int] | None, *, back: bool) -> None:
        self.lines.grew(settled)
        self.settle()

    async def show_history(
        self,
        feeders: Sequence[Feeder],
        settled: tuple[int, int] | None,
        on: Callable[[LogLines], int],
        line: int = 0,
    ) -> None:
        self.lines.show(feeders, settled)
        self.settle()
        self.cursor = on(self.lines)

    def settle(self) -> None:
        while self.lines.filtering:
            self.lines.go_on()


def in_memory(source: Source, first: int) -> Feeder:
    """With its blocks from one of them on in memory."""
    kept = Tail()
    kept.take(LogBatch(tuple(source.blocks[first:]), None))
    return Feeder(f"s/{source.name}", kept, source)


def pager(*feeders: Feeder) -> tuple[Pager, list[str]]:
    said: list[str] = []
    made = Pager(cast("Any", View()), Progress(), said.append)
    made.show(feeders)
    return made, said


def test_a_time_before_a_file_began_is_in_memory_where_the_others_go_back_so_far() -> None:
    long, short = Source("long", [n * 1.0 for n in range(30)]), Source("short", [25.0, 26.0, 27.0])
    made, _ = pager(in_memory(long, 3), in_memory(short, 0))
    assert made.older
    assert not made.lacks(START + timedelta(seconds=15))
    assert made.lacks(START + timedelta(seconds=5))


async def test_behind_a_file_that_can_not_be_read_on_its_part_stays() -> None:
    """What is in memory may be far behind what could not be read, and nobody would see the gap."""
    source = Source("a", [n * 1.0 for n in range(60)])
    made, said = pager(in_memory(source, 15))
    made.history = history = of(source)
    history.streams[0].buffer.grow(source.blocks[2:4], back=False)
    cast("Any", made.view).lines.show(history.feeders, history.settled)
    cast("Any", made.view).settle()
    source.broken = True
    await made.rejoin(history)
    assert made.history is history
    assert said == ["s/a: a: nothing older is kept"]
    source.broken = False
    await made.rejoin(history)
    assert made.history is history, "it was read on, and those come first"
    await made.rejoin(history)
    assert made.history is None


async def test_before_the_first_line_in_memory_the_one_under_the_cursor_stays_however_much_follows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for where in (history, module):
        monkeypatch.setattr(where, "BYTES_AT_ONCE", 400)
    monkeypatch.setattr(history, "BYTES_MOST", 2_000)
    monkeypatch.setattr(tail, "JOIN", 0)
    source = Source("a", [n * 1.0 for n in range(600)])
    made, said = pager(in_memory(source, 100))
    view = cast("Any", made.view)
    view.go_to(0)
    await made.from_memory(beyond=True)
    assert made.history is not None
    assert said == []
    shown = [view.lines.records.raw(row)[0] for row in view.lines.rows]
    assert shown[view.cursor] == source.lines[300]
    assert source.lines[299] in shown
