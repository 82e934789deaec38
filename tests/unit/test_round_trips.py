"""How long a server's answers take, as it is shown."""

from __future__ import annotations

from backends.api.errors import Silent
from backends.coordination.census import Answer, steadied


def test_the_first_is_taken_as_it_is() -> None:
    assert steadied(Answer(latency_ms=8.0), None).latency_ms == 8.0
    assert steadied(Answer(latency_ms=8.0), Answer()).latency_ms == 8.0


def test_one_that_wavers_stays_near_its_middle() -> None:
    answer = Answer(latency_ms=3.0)
    for number in range(20):
        answer = steadied(Answer(latency_ms=5.0 if number % 2 else 1.0), answer)
    assert answer.latency_ms is not None
    assert 2.4 < answer.latency_ms < 3.6


def test_one_that_stays_slow_is_shown_as_slow_within_eight_rounds() -> None:
    answer = Answer(latency_ms=3.0)
    for _ in range(8):
        answer = steadied(Answer(latency_ms=500.0), answer)
    assert answer.latency_ms is not None
    assert answer.latency_ms > 445


def test_what_was_not_answered_changes_nothing() -> None:
    failed = Answer(latency_ms=8.0, error=Silent("no answer", where="m0"))
    assert steadied(failed, Answer(latency_ms=8.0)) == failed
