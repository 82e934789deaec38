"""How many lines match a search, and which of them one is: over several sources and filters, in short steps."""

from __future__ import annotations

import pytest

from tests.unit.test_log_merging import Bench
from widgets.logs import match_count
from widgets.logs.match_count import MatchCount
from widgets.logs.search_pattern import compiled


def counted(bench: Bench, text: str, cursor: int, seconds: float = 1.0) -> tuple[int, int, int]:
    """Which one, of how many, in how many steps."""
    pattern = compiled(text)
    assert pattern is not None
    count, steps = MatchCount(bench.lines, pattern), 1
    while not count.go_on(cursor, seconds):
        steps += 1
    count.close()
    return count.number, count.total, steps


def stamped(second: int, text: str) -> bytes:
    return b"2026-11-24T02:00:%02dZ %s" % (second, text.encode())


def test_matches_of_several_sources_are_counted_in_the_order_in_which_they_stand() -> None:
    bench = Bench(2)
    bench.say(0, stamped(1, "refused"), stamped(3, "fine"), stamped(5, "refused"))
    bench.say(1, stamped(2, "refused"), stamped(4, "refused"))
    bench.take()
    assert [counted(bench, "refused", cursor)[:2] for cursor in range(5)] == [
        (1, 4),
        (2, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]


def test_what_a_filter_hides_does_not_count() -> None:
    bench = Bench(1)
    bench.say(0, *(b"line %d" % number for number in range(100)))
    bench.take()
    assert counted(bench, "line 7", 99)[:2] == (11, 11)
    bench.lines.set_filter(compiled("5$"), None)
    bench.take()
    assert counted(bench, "line 7", 9)[:2] == (1, 1)


def test_it_is_counted_in_steps_and_only_as_far_as_anybody_would_go(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(1)
    bench.say(0, *(b"line %d" % number for number in range(500)))
    bench.take()
    number, total, steps = counted(bench, "line", 499, seconds=1e-5)
    assert (number, total) == (500, 500)
    assert steps > 1
    monkeypatch.setattr(match_count, "MANY", 20)
    assert counted(bench, "line", 499)[1] == 21
