"""Since when something is wrong: when it began, as far as that is known, else when it was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends.api.errors import Unreachable
from backends.api.events import EventKind, Occurrence
from backends.api.readings import FeedKey, Reading, State
from backends.incident.expected_sizes import Expected
from backends.incident.problems import HERE, Now, Problem, problems

WALL = datetime(2026, 11, 24, 2, tzinfo=UTC)
NOW = Now(1000.0, WALL)
LOST = Unreachable("connection refused")
NEVER: Reading[Any] = Reading(State.UNREACHABLE, error=LOST)


def event(seconds: int, **more: Any) -> Occurrence:
    """Of the source being lost, so many seconds ago."""
    facts: dict[str, Any] = {"kind": EventKind.SOURCE, "target": "etcd/a", "text": "lost", "bad": True, **more}
    at = WALL - timedelta(seconds=seconds)
    return Occurrence(f"{seconds}", "etcd/a", at, witnesses=("etcd/a",), at=1000.0 - seconds, **facts)


def wrong(reading: Reading[Any], noun: str, *events: Occurrence, **sizes: Expected) -> Problem:
    (found,) = problems({FeedKey("etcd/a", noun): reading}, (), {"etcd/a": sizes}, events, NOW)
    return found


@pytest.mark.parametrize(("found", "said"), [(True, f"; {HERE}"), (False, "")])
def test_a_group_that_was_found_too_small_does_not_claim_to_have_become_so_then(found: bool, said: str) -> None:
    wanted = Expected(6, True, 940.0, found)
    problem = wrong(Reading(State.LIVE, {}, 1000.0, WALL), "instances", web=wanted)
    assert problem.why == f"6 instances are configured{said}"
    assert problem.since == WALL - timedelta(minutes=1)


def test_a_source_that_has_said_nothing_since_its_context_was_opened_anew_is_lost_since_it_went() -> None:
    assert wrong(NEVER, "members", event(90)).since == WALL - timedelta(seconds=90)
    # The newest word of it counts, in whichever order they come.
    assert wrong(NEVER, "members", event(30), event(90)).since == WALL - timedelta(seconds=30)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (event(90), event(30, bad=False, text="back")),
        (event(5, after_gap=True),),
        (event(90, target="etcd/b"),),
        (event(90, kind=EventKind.STATE),),
    ],
    ids=["no word", "it came back", "found so after a gap", "another source", "another thing of that name"],
)
def test_where_nobody_saw_it_go_it_is_not_known_since_when(events: tuple[Occurrence, ...]) -> None:
    assert wrong(NEVER, "members", *events).since is None


def test_what_this_watch_has_heard_counts_before_any_event() -> None:
    heard: Reading[Any] = Reading(State.UNREACHABLE, {}, 990.0, WALL - timedelta(seconds=10), LOST)
    assert wrong(heard, "members", event(90)).since == WALL - timedelta(seconds=10)
