"""Tail: bounded, numbered, and honest about what it dropped."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.logs import LogBatch, LogBlock
from backends.api.tail import JOIN_BYTES, Tail


def batch(*lines: bytes, origin: str = "f") -> LogBatch:
    return LogBatch((LogBlock(origin, b"\n".join(lines), len(lines)),), None)


def test_lines_keep_their_numbers_for_ever() -> None:
    tail = Tail(lines=1000)
    for number in range(5000):
        tail.take(batch(b"line %d" % number, origin=str(number % 3)))
    span = tail.span
    assert span.end == 5000
    assert span.first == span.dropped
    assert span.end - span.first <= 1500
    kept = range(span.first, span.end)
    assert [line.raw for line in tail.lines(span.first, span.end)] == [b"line %d" % number for number in kept]


def test_what_is_dropped_is_counted_and_gone() -> None:
    tail = Tail(lines=10, size=1 << 20)
    for start in (0, 600, 1200):
        tail.take(batch(*(b"%d" % number for number in range(start, start + 600))))
    assert tail.span.dropped == 1200
    assert tail.lines(0, 1200) == []
    assert [line.raw for line in tail.lines(1790, 5000)] == [b"%d" % number for number in range(1790, 1800)]


def test_bytes_are_bounded_too_and_the_newest_block_stays() -> None:
    tail = Tail(lines=10**9, size=10_000)
    for _ in range(50):
        tail.take(batch(*[b"x" * 100] * 600))
    assert tail.span.end - tail.span.first == 600


def test_big_records_that_come_close_together_are_not_joined() -> None:
    tail = Tail(now=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    record = b"x" * (1 << 20)
    began = time.thread_time()
    tail.take(LogBatch(tuple(LogBlock("f", record, 1) for _ in range(300)), None))
    assert time.thread_time() - began < 0.1
    assert all(block.data is record for _, block in tail.blocks())


def test_bytes_are_bounded_within_what_is_joined_too() -> None:
    tail = Tail(now=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    for number in range(400):
        tail.take(batch(b"%03d" % number + b"x" * (1 << 20)))
        assert sum(len(block.data) + 1 for _, block in tail.blocks()) <= 64 << 20
    span = tail.span
    assert (span.end, span.first) == (400, span.dropped)
    assert span.end - span.first == 63
    assert [line.raw[:3] for line in tail.lines(398, 400)] == [b"398", b"399"]


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=60), st.integers(50_000, 200_000))
def test_the_bound_holds_whatever_the_sizes(sizes: list[int], bound: int) -> None:
    tail = Tail(size=bound, now=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    for size in sizes:
        tail.take(batch(b"x" * size))
        kept = list(tail.blocks())
        assert sum(len(block.data) + 1 for _, block in kept) <= max(bound, len(kept[-1][1].data) + 1)
        assert len(kept[-1][1].data) <= JOIN_BYTES + size
    assert tail.span.end == len(sizes)


def test_notes_are_kept_but_not_for_ever() -> None:
    tail = Tail()
    for number in range(300):
        tail.take(LogBatch((), None, (f"note {number}",)))
    assert len(tail.notes) == 100
    assert tail.notes[-1] == "note 299"


def test_fifty_thousand_lines_a_second_leave_most_of_the_second() -> None:
    tail = Tail()
    block = b"\n".join(b"2026-11-24T02:13:20Z INFO line %d of many" % number for number in range(5000))
    began = time.thread_time()
    for _ in range(100):
        tail.take(LogBatch((LogBlock("f", block, 5000),), None))
    assert tail.span.end == 500_000
    assert (time.thread_time() - began) / 10 < 0.2


@given(st.lists(st.lists(st.binary(max_size=5).filter(lambda raw: b"\n" not in raw), min_size=1), max_size=40))
def test_any_batches_read_back_as_they_were_given(batches: list[list[bytes]]) -> None:
    tail = Tail()
    for lines in batches:
        tail.take(batch(*lines))
    given_lines = [raw for lines in batches for raw in lines]
    assert [line.raw for line in tail.lines(0, 10**9)] == given_lines


def test_a_note_keeps_its_place_among_the_lines() -> None:
    tail = Tail()
    tail.take(batch(b"one", b"two"))
    tail.take(LogBatch((), None, ("app.log was truncated",)))
    tail.take(batch(b"three"))
    (note,) = tail.told
    assert (note.number, note.after, note.text) == (0, 2, "app.log was truncated")
    for number in range(150):
        tail.take(LogBatch((), None, (f"note {number}",)))
    assert [note.number for note in tail.told] == list(range(51, 151))


def test_when_a_line_came_is_known_to_two_seconds() -> None:
    start = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    now = [start]
    tail = Tail(now=lambda: now[0])
    for second in range(10):
        now[0] = start + timedelta(seconds=second)
        tail.take(batch(b"a", b"b"))
    for seq in range(20):
        came = tail.came(seq)
        assert came is not None
        assert timedelta(0) <= start + timedelta(seconds=seq // 2) - came <= timedelta(seconds=2)
    assert tail.came(20) is None
    assert tail.block_of(20) is None


def test_one_line_of_many_small_blocks_is_read_at_once() -> None:
    tail = Tail()
    for number in range(50_000):
        tail.take(batch(b"%d" % number, origin=str(number % 2)))
    began = time.thread_time()
    for seq in range(1000):
        assert tail.lines(seq, seq + 1)[0].raw == b"%d" % seq
    assert time.thread_time() - began < 0.2


@pytest.mark.parametrize(
    ("firsts", "joined"),
    [
        ((None, None), True),
        ((0, 8), True),
        ((0, 0), False),
        ((0, 7), False),
        ((0, 100), False),
        ((0, None), False),
        ((None, 8), False),
    ],
)
def test_only_what_follows_in_its_file_is_joined(firsts: tuple[int | None, int | None], joined: bool) -> None:
    tail = Tail(now=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    one, two = LogBlock("f", b"one\ntwo", 2, firsts[0], b"prior"), LogBlock("f", b"three", 1, firsts[1])
    tail.take(LogBatch((one, two), None))
    whole = LogBlock("f", b"one\ntwo\nthree", 3, firsts[0], b"prior")
    assert list(tail.blocks()) == ([(0, whole)] if joined else [(0, one), (2, two)])
    assert [line.raw for line in tail.lines(0, 3)] == [b"one", b"two", b"three"]
