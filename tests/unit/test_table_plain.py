"""A table as text: columns stand below each other, also where a name is wide."""

from __future__ import annotations

from tests.clock import START
from tests.things import THINGS, Thing
from widgets.freshness import Sight
from widgets.tables.plain import aligned, plain_table


def test_columns_stand_below_each_other() -> None:
    assert aligned([["NAME", "SIZE", "NOTE"], ["日本", "7", "a"], ["web", "1234", "b"]], frozenset({1})) == [
        "NAME  SIZE  NOTE",
        "日本     7  a",
        "web   1234  b",
    ]


def test_what_came_from_outside_acts_on_no_terminal() -> None:
    lines = plain_table(THINGS, [(Thing("a\x1b[2J"), Sight.of(None, 0.0, START))])
    assert "\x1b" not in "".join(lines)
