"""What an audit lacks, tells twice, or tells that nobody ordered."""

from __future__ import annotations

from tests.chaos.audited import Ordered, complaints_of

RESTART, TERM = Ordered("restart", "web-1"), Ordered("signal", "web-1")
ARM, DISARM = Ordered("arm", "guarded"), Ordered("disarm", "guarded")


def line(
    outcome: str, verb: str = "restart", target: str = "web:web-1", identity: str = "pid 1"
) -> dict[str, str]:
    entry = {"verb": verb, "title": verb, "target": target, "identity": identity}
    return {**entry, "outcome": outcome, "text": "", "time": "2026-11-26T05:50:50Z"}


def complaints(ordered: list[Ordered], *lines: dict[str, str]) -> list[str]:
    return list(complaints_of(lines, ordered))


def test_what_was_ordered_and_ended_once_is_right() -> None:
    lines = [line("done", "arm", "guarded"), line("asked"), line("asked", "signal", "web-1 7"), line("done")]
    lines += [line("unknown", "signal", "web-1 7"), line("done", "disarm", "guarded"), line("refused")]
    assert complaints([RESTART, TERM, ARM, DISARM], *lines) == []


def test_an_order_that_led_to_nothing_is_no_fault() -> None:
    assert complaints([RESTART, TERM, ARM]) == []


def test_no_outcome_and_two_of_them_are_told() -> None:
    (open_,) = complaints([RESTART], line("asked"))
    assert "how it ended is not told" in open_
    (twice,) = complaints([RESTART], line("asked"), line("done"), line("unknown"))
    assert "told twice" in twice
    assert any(
        "begun twice" in told for told in complaints([RESTART] * 2, line("asked"), line("asked"), line("done"))
    )


def test_what_was_refused_after_it_was_begun_has_ended() -> None:
    assert complaints([RESTART], line("asked"), line("refused")) == []
    (told,) = complaints([RESTART], line("asked"), line("refused"), line("done"))
    assert "without having been begun" in told


def test_what_was_unknown_at_first_may_be_told_once_more() -> None:
    lines = [line("asked"), line("unknown"), line("done")]
    assert complaints([RESTART], *lines) == []
    (twice,) = complaints([RESTART], *lines, line("done"))
    assert "told twice" in twice


def test_what_nobody_ordered_is_told_even_beside_what_somebody_did() -> None:
    assert len(complaints([], line("asked"), line("done"))) == 1
    assert len(complaints([RESTART], line("asked", target="web:web-2"), line("done", target="web:web-2"))) == 1
    assert len(complaints([RESTART], *[line("asked"), line("done")] * 2)) == 1
    assert len(complaints([ARM], line("done", "disarm", "guarded"))) == 1
