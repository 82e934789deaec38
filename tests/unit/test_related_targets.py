"""What is acted on for a target, an alert or a member: the unit and the process that belong to it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from backends.api.alerts import Alert, AlertState
from backends.api.members import Member, MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import FeedKey, Reading, State
from backends.api.units import Unit, UnitState
from backends.relations import Relations
from tests.flows.fake import process
from tui.related_targets import belonging, why_nothing

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PROCESS = process(7, "python", started=NOW, listening=("127.0.0.1:8001",))
UNIT = Unit("s/web:web-1", "web:web-1", "s", "h", UnitState.RUNNING, pid=7, since=NOW, native="RUNNING")
MEMBER = Member("e/web-1", "web-1", "e", Role.FOLLOWER, MemberState.UP, address="127.0.0.1:8001")


def watching(*units: Unit) -> Any:
    rows: dict[FeedKey, tuple[Any, ...]] = {
        FeedKey("local/host", "processes"): (PROCESS,),
        FeedKey("s", "units"): units,
        FeedKey("e", "instances"): (MEMBER,),
    }
    readings = {key: Reading(State.LIVE, {row.key: row for row in found}) for key, found in rows.items()}
    feeds = {key: SimpleNamespace(reading=reading) for key, reading in readings.items()}
    return SimpleNamespace(feeds=lambda *nouns: feeds, relations=Relations(lambda: readings))


def keys(row: Any, *units: Unit) -> list[str]:
    return [found.key for found in belonging(row, watching(*units))]


def test_by_address_and_by_name() -> None:
    by_address = ScrapeTarget("t", "p", "web", "127.0.0.1:8001", TargetState.UP)
    by_name = ScrapeTarget("t", "p", "web", "web-1", TargetState.UP)
    alert = Alert("a", "p", "Slow", AlertState.FIRING, labels={"instance": "web-1", "unit": "web-1"})
    for row in (MEMBER, by_address, by_name, alert):
        assert keys(row, UNIT) == ["s/web:web-1", "h/7/1/b"]


def test_of_two_of_one_name_none_is_taken() -> None:
    other = Unit("s/old:web-1", "old:web-1", "s", "h", UnitState.STOPPED, native="STOPPED")
    row = ScrapeTarget("t", "p", "web", "web-1", TargetState.UP)
    assert "s/web:web-1" not in keys(row, UNIT, other)
    assert "s/old:web-1" not in keys(row, UNIT, other)


def test_an_alert_about_a_whole_group_says_who_is_meant() -> None:
    row = Alert("a", "p", "Slow", AlertState.FIRING, labels={"service": "web"})
    assert keys(row, UNIT) == ["s/web:web-1", "h/7/1/b"]
    other = Unit("s/web:web-2", "web:web-2", "s", "h", UnitState.STOPPED, native="STOPPED")
    assert keys(row, UNIT, other) == []
    told = why_nothing(row, watching(UNIT, other))
    assert told == "Slow: several are service=web: web:web-1 and web:web-2; :units web"


def test_an_alert_whose_target_is_elsewhere_is_about_it_all_the_same() -> None:
    row = Alert("a", "p", "Slow", AlertState.FIRING, labels={"service": "web-1"})
    alone = Unit("s/web-1", "web-1", "s", "h", UnitState.STOPPED, native="STOPPED")
    assert "is known to belong to Slow alone" in why_nothing(row, watching(alone))


def test_what_is_elsewhere_has_nothing() -> None:
    assert keys(ScrapeTarget("t", "p", "web", "10.9.9.9:1", TargetState.UP), UNIT) == []
