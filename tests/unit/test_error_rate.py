"""The rule by which a rate of errors jumps, and the counting before it; the test owns the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backends.api.events import Event, EventKind
from backends.api.logs import LogBatch, LogBlock, LogRecord
from backends.incident import error_lines
from backends.incident.error_lines import ErrorLines
from backends.incident.error_rate import (
    BUCKET,
    BUCKETS_BEFORE,
    BUCKETS_NEEDED,
    ORIGINS_MOST,
    WINDOW,
    ErrorRate,
)
from backends.logs.formats import Formats
from tests.clock import START, FakeClock


def play(rate: ErrorRate, counts: list[int], origin: str = "web") -> list[str]:
    """One bucket for each count; what was told."""
    told = []
    for count in counts:
        rate.count(origin, count)
        told += [f"{jump.origin} {jump.text}" for jump in rate.close_bucket()]
    return told


KNOWN = BUCKETS_NEEDED + WINDOW


def test_a_jump_is_told_once_and_its_end_once() -> None:
    rate = ErrorRate()
    assert play(rate, [0, 0, 1] * 10) == []
    assert play(rate, [60, 60, 60, 60]) == ["web 2/min → 360/min"]
    assert play(rate, [0, 0]) == []
    assert play(rate, [0, 0, 0, 0]) == ["web 360/min → 0/min, over after 40 s"]
    assert play(rate, [0] * 50) == []


def test_what_was_always_so_is_no_jump() -> None:
    rate = ErrorRate()
    assert play(rate, [100] * 200) == []
    assert play(rate, [200] * 10) == []  # Twice is not five times.


def test_nothing_is_judged_before_enough_is_known() -> None:
    rate = ErrorRate()
    assert play(rate, [0] * 5 + [100] * 5) == []
    other = ErrorRate()
    assert play(other, [0] * KNOWN + [70, 100]) == ["web 0/min → 600/min"]


def test_a_few_errors_are_no_jump() -> None:
    assert play(ErrorRate(), [0] * KNOWN + [3, 3, 3, 0, 0, 0]) == []


def test_a_jump_that_begins_late_in_a_bucket_is_told_as_fast_as_it_is() -> None:
    assert play(ErrorRate(), [0] * KNOWN + [14, 80]) == ["web 0/min → 480/min"]


def test_a_short_burst_is_told_too() -> None:
    assert play(ErrorRate(), [0] * KNOWN + [30, 0]) == ["web 0/min → 60/min"]


def test_a_slow_rise_is_none_and_a_steep_one_is() -> None:
    assert play(ErrorRate(), [1 + minute // 12 for minute in range(600)]) == []
    assert play(ErrorRate(), [2] * 30 + [4, 8, 16, 32, 64]) == ["web 12/min → 384/min"]


def test_what_comes_each_few_minutes_is_told_at_first_only() -> None:
    told = play(ErrorRate(), ([0] * 17 + [40]) * 20)
    begun = [text for text in told if "over" not in text]
    assert 1 <= len(begun) <= 4


def test_a_long_episode_stays_one() -> None:
    rate = ErrorRate()
    play(rate, [0] * KNOWN)
    assert len(play(rate, [50] * (3 * BUCKETS_BEFORE))) == 1


def test_origins_are_apart_and_bounded() -> None:
    rate = ErrorRate()
    play(rate, [0] * KNOWN, "a")
    assert play(rate, [50, 50], "b") == ["b 0/min → 300/min"]
    for _ in range(2):
        for number in range(2 * ORIGINS_MOST):
            rate.count(f"o{number}", 1)
        told = rate.close_bucket()
    assert {jump.origin for jump in told} == {""}


class Counting:
    """An `ErrorLines` with its clock and what it told."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.told: list[Event] = []
        self.parsed = 0
        self.lines = ErrorLines("files/app", self.parse, self.clock, self.told.append)
        self.lines.open()
        self._formats = Formats("files/app")

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        self.parsed += 1
        return self._formats.parse(raw, origin)

    def say(self, *raws: bytes, origin: str = "/var/log/app/web.log") -> None:
        self.lines.take(LogBatch((LogBlock(origin, b"\n".join(raws), len(raws)),), None))

    async def quiet(self, buckets: int = KNOWN) -> None:
        for _ in range(buckets):
            self.say(b"INFO all fine", b"INFO no failure at all")
            await self.clock.advance(BUCKET)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.told]


async def test_errors_among_lines_are_an_event() -> None:
    counting = Counting()
    await counting.quiet()
    counting.say(*[b"ERROR broken"] * 60, *[b"INFO fine"] * 1000)
    await counting.clock.advance(BUCKET)
    assert counting.told == []
    counting.say(*[b"ERROR broken"] * 60)
    await counting.clock.advance(BUCKET)
    (event,) = counting.told
    assert (event.kind, event.source, event.target) == (EventKind.ERRORS, "files/app", "web.log")
    assert event.text == "0/min → 360/min"
    assert event.time == counting.clock.now()
    (burst,) = counting.lines.bursts
    assert (burst.target, burst.since, burst.text) == ("web.log", event.time, event.text)
    assert counting.parsed < 200, "what is no suspect by its bytes is never parsed"
    await counting.clock.advance(10 * BUCKET)
    assert len(counting.told) == 2
    assert counting.told[1].text.startswith("360/min → 0/min, over after")
    assert counting.lines.bursts == ()
    counting.lines.close()


async def test_what_was_there_before_does_not_count() -> None:
    counting = Counting()
    await counting.quiet()
    counting.lines.lost()
    old = (START - timedelta(hours=1)).isoformat().encode()
    counting.say(*[old + b" ERROR old"] * 500, *[b"ERROR without a time"] * 500)
    await counting.clock.advance(BUCKET)
    assert counting.texts == []
    for _ in range(2):
        counting.say(*[old + b" ERROR written late"] * 60)
        await counting.clock.advance(BUCKET)
    assert counting.texts == ["0/min → 360/min"]
    counting.lines.close()


async def test_a_line_that_is_new_counts_from_the_first_moment_on() -> None:
    counting = Counting()
    await counting.quiet()
    counting.lines.lost()
    now = counting.clock.now().isoformat().encode()
    counting.say(*[now + b" ERROR just now"] * 60)
    await counting.clock.advance(BUCKET)
    counting.say(*[now + b" ERROR just now"] * 60)
    await counting.clock.advance(BUCKET)
    assert counting.texts == ["0/min → 360/min"]
    counting.lines.close()


async def test_a_flood_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_lines, "WAITING", 50_000)
    counting = Counting()
    await counting.quiet()
    for _ in range(2):
        for _ in range(20):
            counting.say(*[b"ERROR in a flood of lines that are all the same"] * 500)
        await counting.clock.advance(BUCKET)
    (text,) = counting.texts
    assert text.startswith("0/min → 60,000/min (by a sample: ")
    counting.lines.close()


async def test_the_loop_has_its_turn_while_a_flood_is_counted() -> None:
    """One turn does a small part of what waits, and pauses."""
    counting = Counting()
    await counting.quiet()
    for _ in range(40):
        counting.say(*[b"2026-11-24T02:00:00Z ERROR payment refused user=1 path=/api/cart"] * 500)
    await counting.clock.advance(0.001)
    before = counting.parsed
    assert 0 < before < 10_000
    await counting.clock.advance(0.04)
    assert counting.parsed == before
    await counting.clock.advance(30)
    assert counting.parsed >= 20_000
    counting.lines.close()


async def test_closing_leaves_no_timer() -> None:
    counting = Counting()
    counting.say(b"ERROR x")
    counting.lines.close()
    await counting.clock.advance(100)
    assert counting.parsed == 0
