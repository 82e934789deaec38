"""Merging by time: whatever arrives first, lines stand by their own times, and anchors stay on their lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve, moment_of
from backends.api.tail import Tail
from backends.logs.formats import Formats
from backends.logs.moments import moments
from tests.clock import START, FakeClock
from widgets.logs.anchors import Anchor
from widgets.logs.feeder import MASK, Feeder, number_of
from widgets.logs.lines import LogLines
from widgets.logs.search_pattern import compiled


class Reader:
    def __init__(self) -> None:
        self._formats = Formats("x")

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    def moments(self, block: LogBlock) -> list[int | None]:
        return moments(block, self.parse)

    def shown(self, data: bytes) -> bytes:
        return data

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        yield LogBatch((), None)


class Bench:
    """Several sources, into one view; all that arrives comes a minute after the lines' own times begin."""

    def __init__(self, sources: int, **limits: int) -> None:
        self.clock = FakeClock()
        self.clock.seconds += 60
        self.tails = [Tail(now=self.clock.now, **limits) for _ in range(sources)]
        self.lines = LogLines()
        self.lines.show([Feeder(f"s/{i}", tail, Reader()) for i, tail in enumerate(self.tails)])

    def say(self, source: int, *lines: bytes, origin: str = "a.log") -> None:
        block = LogBlock(origin, b"\n".join(lines), len(lines))
        self.tails[source].take(LogBatch((block,), None))

    def take(self) -> None:
        self.lines.take()
        while self.lines.behind or self.lines.filtering:
            self.lines.take()
            self.lines.go_on()

    @property
    def texts(self) -> list[str]:
        found = [self.lines.records.raw(row) for row in self.lines.rows]
        return ["gone" if raw is None else raw[0].decode() for raw in found]

    @property
    def messages(self) -> list[str]:
        return [text.partition("Z ")[2] or text for text in self.texts]


def at(seconds: float, text: str) -> bytes:
    return f"{(START + timedelta(seconds=seconds)).isoformat().removesuffix('+00:00')}Z {text}".encode()


def test_a_line_that_comes_late_is_put_where_it_belongs() -> None:
    bench = Bench(2)
    bench.say(0, at(1, "a"), at(3, "c"))
    bench.take()
    bench.say(1, at(2, "b"), at(4, "d"))
    bench.take()
    assert bench.messages == ["a", "b", "c", "d"]


def test_lines_without_a_time_stay_with_the_one_before_of_their_origin() -> None:
    bench = Bench(2)
    bench.say(0, at(1, "error"), b"  at one", b"  at two", at(5, "later"))
    bench.say(1, at(1, "same time"), at(2, "other"))
    bench.take()
    assert bench.messages == ["error", "  at one", "  at two", "same time", "other", "later"]


def test_a_trace_that_is_cut_by_a_read_stays_with_its_error() -> None:
    bench = Bench(2)
    bench.say(0, at(1, "error"), b"  at one")
    bench.say(1, at(2, "other"))
    bench.take()
    bench.say(0, *(b"  at %d" % number for number in range(600)))
    bench.take()
    assert bench.messages[-1] == "other"
    assert bench.messages[1] == "  at one"


def test_what_has_no_times_at_all_stands_where_it_came() -> None:
    bench = Bench(2)
    bench.say(0, b"plain one")
    bench.say(1, at(59, "before"))
    bench.take()
    bench.clock.seconds += 30
    bench.say(1, at(80, "between"))
    bench.say(0, b"plain two")
    bench.take()
    assert bench.messages == ["before", "plain one", "between", "plain two"]


def test_a_clock_that_is_ahead_does_not_keep_its_lines_below_all_others() -> None:
    bench = Bench(2)
    bench.say(0, at(7200, "two hours ahead"))
    bench.take()
    bench.clock.seconds += 10
    bench.say(1, at(69, "now"))
    bench.take()
    assert bench.messages == ["two hours ahead", "now"]


def test_places_stay_on_their_lines() -> None:
    bench = Bench(2)
    anchor = Anchor(1)
    bench.lines.anchors.add(anchor)
    bench.say(0, at(1, "a"), at(3, "c"))
    bench.take()
    assert bench.messages[anchor.index] == "c"
    bench.say(1, at(0, "z"), at(2, "b"), at(9, "e"))
    bench.take()
    assert bench.messages[anchor.index] == "c"


def test_a_second_origin_of_one_source_turns_arrival_into_time() -> None:
    bench = Bench(1)
    anchor = Anchor(1)
    bench.lines.anchors.add(anchor)
    bench.say(0, at(3, "c"), at(1, "a"))
    bench.take()
    assert bench.messages == ["c", "a"]
    bench.say(0, at(2, "b"), origin="b.log")
    bench.take()
    assert bench.messages == ["a", "b", "c"]
    assert bench.messages[anchor.index] == "a"
    assert bench.lines.labels == ["a.log", "b.log"]


def test_a_filter_keeps_the_order_and_the_place() -> None:
    bench = Bench(2)
    bench.say(0, *(at(number, f"even {number}") for number in range(0, 40, 2)))
    bench.say(1, *(at(number, f"odd {number}") for number in range(1, 40, 2)))
    bench.take()
    anchor = Anchor(bench.messages.index("odd 21"))
    bench.lines.anchors.add(anchor)
    bench.lines.set_filter(compiled("(even|odd) .*1"), None)
    bench.take()
    assert [text.split()[1] for text in bench.messages] == ["1", *map(str, range(10, 20)), "21", "31"]
    assert bench.messages[anchor.index] == "odd 21"
    bench.say(1, at(10.5, "odd late 1"))
    bench.take()
    assert bench.messages[2] == "odd late 1"


def test_dropped_lines_leave_and_places_move_on() -> None:
    bench = Bench(2, lines=2000)
    bench.say(0, at(1, "quiet"))
    bench.take()
    anchor = Anchor(0)
    bench.lines.anchors.add(anchor)
    for number in range(12):
        bench.say(1, *(at(2 + number, f"busy {number}") for _ in range(600)), origin=f"{number % 2}.log")
        bench.take()
        bench.lines.trim()
    assert bench.messages[anchor.index] == "quiet"
    # Lines that are gone behind one that is kept leave in heaps: looking for them costs.
    assert len(bench.lines.rows) <= bench.lines.total + 1000 + 600
    assert bench.texts[-1].endswith("busy 11")


def test_the_row_nearest_to_a_time_is_found_also_within_one_origin() -> None:
    for sources in (1, 2):
        bench = Bench(sources)
        bench.say(0, *(at(number, str(number)) for number in range(0, 50, 5)))
        bench.take()
        when = int((START + timedelta(seconds=21)).timestamp() * 1_000_000)
        assert bench.messages[bench.lines.nearest(when)] == "20"
        assert bench.messages[bench.lines.nearest(0)] == "0"
        assert bench.messages[bench.lines.nearest(1 << 55)] == "45"
    assert Bench(2).lines.nearest(5) == -1


LINE = st.tuples(st.integers(0, 3), st.sampled_from(["a", "b"]), st.integers(0, 20))


@given(st.lists(LINE, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_of_arrival_gives_the_same_order(
    lines: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    """What decides is the time, then the source, then the file, then the order within the file."""
    bench = Bench(4)
    for source, tail in enumerate(bench.tails):
        # So that both files have the same anchors whatever arrives first.
        for origin in ("a", "b"):
            tail.take(LogBatch((LogBlock(origin, at(0, f"begin {source}{origin}"), 1),), None))
    bench.take()
    cuts = data.draw(st.lists(st.integers(0, len(lines)), max_size=5))
    anchor = Anchor(0)
    bench.lines.anchors.add(anchor)
    marked = bench.messages[0]
    edges = sorted({0, len(lines), *cuts})
    for low, high in pairwise(edges):
        for number in range(low, high):
            source, origin, second = lines[number]
            bench.say(source, at(second, f"{number}"), origin=origin)
        bench.take()
        assert bench.messages[anchor.index] == marked
    rows = bench.lines.rows
    assert rows == sorted(rows)
    shown = [(number_of(row), row & MASK) for row in rows]
    assert len(set(shown)) == len(shown) == len(lines) + 8
    wanted = [(second, source, origin, number) for number, (source, origin, second) in enumerate(lines)]
    got = [int(message) for message in bench.messages if "begin" not in message]
    assert got == [number for _, _, _, number in sorted(wanted)]
    # Chosen anew, all is where it was.
    before = bench.texts
    bench.lines.rebuild()
    bench.take()
    assert bench.texts == before


STAMPS = (
    "{:%Y-%m-%dT%H:%M:%S.%fZ} INFO x {n}",
    "{:%Y-%m-%d %H:%M:%S},123 WARN x {n}",
    "{:%Y/%m/%d %H:%M:%S} [error] 12#3: x {n}",
    "{:%b %d %H:%M:%S} web-1 app[12]: x {n}",
    '{{"level":"info","ts":"{:%Y-%m-%dT%H:%M:%S.%fZ}","msg":"x {n}"}}',
    '{{"msg":"the \\"ts\\":\\"2020-01-01T00:00:00Z\\" of it","ts":"{:%Y-%m-%dT%H:%M:%S.%fZ}"}}',
    '{{"level":"info","ts":{:%s}.{n},"msg":"x"}}',
    '10.0.0.{n} - - [{:%d/%b/%Y:%H:%M:%S} +0000] "GET /x HTTP/1.1" 200 12',
    '{{"was":{{"ts":"2020-01-01T00:00:00Z"}},"ts":"{:%Y-%m-%dT%H:%M:%S.%fZ}","n":"{n}"}}',
    "time={:%Y-%m-%dT%H:%M:%SZ} level=info n={n}",
    "  at frame {n}",
    "plain {n}",
    "",
)


@given(st.lists(st.tuples(st.sampled_from(STAMPS), st.integers(0, 5000)), max_size=60), st.booleans())
@settings(max_examples=100, deadline=None)
def test_times_of_many_lines_are_those_of_each(picked: list[tuple[str, int]], alike: bool) -> None:
    """`moments` never says another time than the parser; it may leave out some of a kind that is rare."""
    if alike and picked:
        picked = [(picked[0][0], number) for _, number in picked]
    base = datetime(2026, 11, 20, tzinfo=UTC)
    lines = [form.format(base + timedelta(seconds=n), n=n).encode() for form, n in picked]
    block = LogBlock("o", b"\n".join(lines), len(lines))
    reader = Reader()
    found = reader.moments(block)
    assert len(found) == len(lines)
    for line, moment in zip(lines, found, strict=True):
        time = reader.parse(line, "o").time
        if moment is None:
            assert time is None or not alike
        else:
            assert time is not None
            assert abs(moment - round(time.timestamp() * 1_000_000)) <= 1


def test_a_place_of_stamps_that_deceives_is_not_used() -> None:
    base = datetime(2026, 11, 20, tzinfo=UTC)
    honest, deceiving = STAMPS[4], next(form for form in STAMPS if "was" in form)
    times = [base + timedelta(seconds=number) for number in range(60)]
    lines = [(honest, deceiving)[number % 2].format(time, n=number) for number, time in enumerate(times)]
    block = LogBlock("o", "\n".join(lines).encode(), len(lines))
    found = [moment_of(moment) for moment in Reader().moments(block) if moment is not None]
    assert found == times


@pytest.mark.parametrize("place", [5, 4, 59])
def test_one_line_that_deceives_among_many_is_read_by_the_parser(place: int) -> None:
    base = datetime(2026, 11, 20, tzinfo=UTC)
    honest, deceiving = STAMPS[4], next(form for form in STAMPS if "was" in form)
    times = [base + timedelta(seconds=number) for number in range(60)]
    lines = [honest.format(time, n=number) for number, time in enumerate(times)]
    lines[place] = deceiving.format(times[place], n=place)
    block = LogBlock("o", "\n".join(lines).encode(), len(lines))
    found = [None if moment is None else moment_of(moment) for moment in Reader().moments(block)]
    assert found == times
