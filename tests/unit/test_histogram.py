"""Counts by second, and the bars that they become."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import START
from tests.unit.test_log_merging import Bench, at
from widgets.logs import tally as module
from widgets.logs.bars import Bars, bars
from widgets.logs.search_pattern import compiled
from widgets.logs.tally import Tally

SECOND = int(START.timestamp())

COUNTS = st.dictionaries(st.integers(0, 5_000_000), st.integers(1, 50), min_size=1, max_size=50)


@given(COUNTS, st.integers(10, 200), st.integers(0, 1000))
def test_nothing_is_lost_and_bars_have_room(lines: dict[int, int], most: int, later: int) -> None:
    found = bars(lines, {}, most, max(lines) + later)
    assert found is not None
    assert len(found.lines) <= most
    assert sum(found.lines) == sum(lines.values())
    assert found.start % found.step == 0
    for second, count in lines.items():
        at = found.bar_of(second)
        assert at is not None
        assert found.lines[at] >= count


def test_nothing_to_show() -> None:
    assert bars({}, {}, 40, 5) is None
    assert bars({1: 1}, {}, 3, 5) is None


def test_they_go_up_to_now_where_the_last_line_is_not_long_ago() -> None:
    recent = bars({1000: 1, 1300: 1}, {}, 40, 1350)
    old = bars({1000: 1, 1300: 1}, {}, 40, 9000)
    assert recent is not None
    assert recent.bar_of(1350) is not None
    assert old is not None
    assert old.bar_of(9000) is None


def test_the_next_bar_is_one_with_lines() -> None:
    some = Bars(100, 10, (1, 0, 0, 5, 2), (0, 0, 0, 0, 0))
    assert some.next_to(105, 1) == 130
    assert some.next_to(135, -1) == 100
    assert some.next_to(145, 1) is None
    assert some.next_to(95, -1) is None


def tallied(bench: Bench) -> Tally:
    tally = Tally(bench.lines)
    count(tally)
    return tally


def count(tally: Tally) -> None:
    while tally.go_on():
        pass


def test_lines_and_errors_are_counted_by_second() -> None:
    for sources in (1, 2):
        bench = Bench(sources)
        bench.say(0, at(1, "INFO a"), at(1.5, "ERROR b"), b"  at trace", at(3, "the word error alone is none"))
        bench.take()
        tally = tallied(bench)
        assert tally.lines == Counter({SECOND + 1: 3, SECOND + 3: 1})
        assert tally.errors == Counter({SECOND + 1: 1})
        assert not tally.sampled
        before = tally.version
        count(tally)
        assert tally.version == before
        bench.say(0, at(4, "FATAL c"))
        bench.take()
        count(tally)
        assert tally.errors == Counter({SECOND + 1: 1, SECOND + 4: 1})


def test_only_what_is_shown_counts() -> None:
    bench = Bench(2)
    bench.say(0, at(1, "INFO a"), at(2, "ERROR ab"))
    bench.say(1, at(1, "ERROR c"), origin="b.log")
    bench.take()
    tally = tallied(bench)
    bench.lines.set_filter(compiled("a$|ab"), None)
    count(tally)
    assert tally.lines == Counter({SECOND + 1: 1, SECOND + 2: 1})
    assert tally.errors == Counter({SECOND + 2: 1})
    bench.lines.set_filter(None, START + timedelta(seconds=2))
    count(tally)
    assert tally.lines == Counter({SECOND + 2: 1})
    bench.lines.set_filter(None, None, frozenset({"b.log"}))
    count(tally)
    assert tally.errors == tally.lines == Counter({SECOND + 1: 1})


def test_dropped_lines_leave_the_counts() -> None:
    bench = Bench(1, lines=1000)
    tally = tallied(bench)
    for number in range(5):
        bench.say(0, *(at(number, f"ERROR {number}") for _ in range(600)))
        bench.take()
        count(tally)
    assert sum(tally.lines.values()) == bench.lines.total
    assert SECOND not in tally.lines


def test_too_much_is_sampled_and_says_so() -> None:
    bench = Bench(1)
    bench.say(0, *(at(5, f"ERROR {number}") for number in range(1000)))
    bench.take()
    tally = tallied(bench)
    assert tally.sampled
    assert tally.errors == Counter({SECOND + 5: 1000})
    assert tally.lines == Counter({SECOND + 5: 1000})


def test_what_waits_is_thinned_to_what_can_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3000)
    bench = Bench(4)
    for source in range(4):
        for _ in range(4):
            bench.say(source, *[at(5, "INFO")] * 600)
    bench.take()
    tally = tallied(bench)
    assert tally.sampled
    assert tally.lines == Counter({SECOND + 5: 9600})


def test_a_window_that_moves_on_is_not_counted_anew() -> None:
    bench = Bench(1)
    bench.say(0, *(at(second, "ERROR a") for second in range(10)))
    bench.take()
    tally = Tally(bench.lines)
    bench.lines.set_filter(None, START + timedelta(seconds=2))
    before = tally.current
    count(tally)
    assert sum(tally.lines.values()) == 8
    bench.lines.move_window(START + timedelta(seconds=5))
    assert (before, tally.current) == (False, True)
    tally.go_on()
    assert tally.lines == tally.errors == Counter({SECOND + n: 1 for n in range(5, 10)})
    assert bench.lines.shown == 5
    bench.say(0, at(11, "ERROR a"))
    bench.take()
    count(tally)
    assert sum(tally.errors.values()) == 6


def test_only_a_part_that_is_still_there_makes_it_about() -> None:
    bench = Bench(1, lines=1000)
    bench.say(0, *[at(1, "ERROR a")] * 900)
    bench.take()
    tally = tallied(bench)
    before = tally.sampled
    bench.say(0, *[at(2, "INFO a")] * 900)
    bench.take()
    count(tally)
    assert (before, tally.sampled) == (True, False)


def test_what_a_source_shows_is_what_is_counted() -> None:
    bench = Bench(1)
    bench.lines.feeders[0].reader.shown = lambda data: data.replace(b"raw", b"shown")  # type: ignore[method-assign]
    bench.say(0, at(1, "raw"))
    bench.take()
    tally = Tally(bench.lines)
    bench.lines.set_filter(compiled("shown"), None)
    count(tally)
    assert tally.lines == Counter({SECOND + 1: 1})
