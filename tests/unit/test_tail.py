"""Tail: bounded, numbered, and honest about what it dropped."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from backends.api.models import LogBatch, LogBlock
from backends.api.tail import Tail


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
    for line in tail.lines(span.first, span.end):
        assert line.raw == b"line %d" % line.seq


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


def test_notes_are_kept_but_not_for_ever() -> None:
    tail = Tail()
    for number in range(300):
        tail.take(LogBatch((), None, (f"note {number}",)))
    assert len(tail.notes) == 100
    assert tail.notes[-1] == "note 299"


def test_fifty_thousand_lines_a_second_leave_most_of_the_second() -> None:
    tail = Tail()
    block = b"\n".join(b"2026-11-24T02:13:20Z INFO line %d of many" % number for number in range(5000))
    began = time.perf_counter()
    for _ in range(100):
        tail.take(LogBatch((LogBlock("f", block, 5000),), None))
    assert tail.span.end == 500_000
    assert (time.perf_counter() - began) / 10 < 0.2


@given(st.lists(st.lists(st.binary(max_size=5).filter(lambda raw: b"\n" not in raw), min_size=1), max_size=40))
def test_any_batches_read_back_as_they_were_given(batches: list[list[bytes]]) -> None:
    tail = Tail()
    for lines in batches:
        tail.take(batch(*lines))
    given_lines = [raw for lines in batches for raw in lines]
    assert [line.raw for line in tail.lines(0, 10**9)] == given_lines
