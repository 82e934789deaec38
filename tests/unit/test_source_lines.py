"""A line for each source and group: what is known, and nothing that is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends.api.errors import Unreachable
from backends.api.members import Member, MemberState, Role
from backends.api.quorum import Quorum
from backends.api.readings import FeedKey, Reading, State, worst, worst_by_source
from backends.api.settings import Settings
from backends.api.units import Unit, UnitState
from backends.config.context import Context, SourceConfig
from backends.incident.expected_sizes import Expected
from backends.incident.problems import Now, problems
from backends.incident.timeline import TIMELINE
from tui.masthead import state_words
from tui.screens.overview.source_lines import source_lines
from tui.verbs.readings import source_states
from widgets.look import Look
from widgets.safe import style

LAB = Context("lab", (SourceConfig("x", "main", Settings()),))
WALL = datetime(2026, 11, 24, 2, tzinfo=UTC)
NOW = Now(1000.0, WALL)
LOST = Unreachable("connection refused")


def line_of(noun: str, reading: Reading[Any], **sizes: int) -> list[tuple[str, object]]:
    expected = {"x/main": {group: Expected(size, configured=True) for group, size in sizes.items()}}
    ((_, entry),) = source_lines({FeedKey("x/main", noun): reading}, expected, NOW)
    return [part for part in entry.parts[1:] if part[0].strip()]


def instance(name: str) -> Member:
    return Member(f"x/main/{name}", name, "x/main", Role.MEMBER, MemberState.UP, "web")


@pytest.mark.parametrize("noun", ["units", "targets", "alerts"])
@pytest.mark.parametrize(
    ("state", "told"), [(State.LOADING, "  loading"), (State.UNREACHABLE, " not known  unreachable")]
)
def test_what_nobody_has_counted_has_no_number(noun: str, state: State, told: str) -> None:
    assert "".join(text for text, _ in line_of(noun, Reading(state, error=LOST))) == noun + told


def test_what_was_counted_as_none_is_none() -> None:
    assert [text for text, _ in line_of("alerts", Reading(State.LIVE, {}))] == ["no alerts"]


def test_a_group_that_nobody_has_looked_at_has_no_member_that_is_down() -> None:
    dots, word = line_of("instances", Reading(State.UNREACHABLE, error=LOST), web=6)
    assert dots == ("◌" * 6, style(Look.DIM))
    assert word == ("  unreachable", style(Look.BAD))


def test_a_group_that_was_too_small_before_its_source_was_lost_is_not_red() -> None:
    rows = {row.key: row for row in (instance("a"), instance("b"))}
    *known, word = line_of("instances", Reading(State.STALE, rows), web=3)
    assert "".join(text for text, _ in known) == "◌◌◌  2 of 3"
    assert {made for _, made in known} == {style(Look.DIM)}
    assert word == ("  stale", style(Look.WARN))
    live = line_of("instances", Reading(State.LIVE, rows), web=3)
    assert live[2:] == [("○", style(Look.BAD)), ("  2 of 3", style(Look.WARN))]


@pytest.mark.parametrize(
    ("state", "told"), [(State.LIVE, "m0 leads"), (State.UNREACHABLE, "m0 led  unreachable 23s")]
)
def test_a_leader_of_whom_nobody_tells_any_more_led(state: State, told: str) -> None:
    rows = {"m0": Member("m0", "m0", "x/main", Role.LEADER, MemberState.UP)}
    _, *parts = line_of("members", Reading(state, rows, 977.0))
    assert "".join(text for text, _ in parts).strip() == told


@pytest.mark.parametrize(("hidden", "told"), [(0, "leader not known"), (1, "leader not in hosts")])
def test_a_leader_who_is_none_of_the_rows_is_not_known_where_all_voters_are_asked(hidden: int, told: str) -> None:
    """As in a round that meets a hand-over."""
    quorum = Quorum(3, 3 - hidden, hidden)
    rows = {n: Member(n, n, "x/main", Role.FOLLOWER, MemberState.UP, quorum=quorum) for n in ("m0", "m1")}
    assert any(told in text for text, _ in line_of("members", Reading(State.LIVE, rows, 1000.0)))


def labels(*sources: str, group: str = "web", size: int = 0) -> list[str]:
    row = Member("a", "a", "", Role.MEMBER, MemberState.UP, group)
    readings = {FeedKey(s, "instances"): Reading(State.LIVE, {"a": row} if size else {}) for s in sources}
    expected = {s: {group: Expected(2, configured=True)} for s in sources}
    return [entry.parts[0][0].strip() for _, entry in source_lines(readings, expected, NOW)]


@pytest.mark.parametrize("size", [0, 1])
def test_a_group_of_one_name_in_two_places_says_in_which_also_where_nobody_is_left(size: int) -> None:
    assert labels("etcd/a", size=size) == ["web"]
    assert labels("etcd/a", "zookeeper/a", size=size) == ["web  etcd", "web  zookeeper"]
    three = labels("etcd/a", "etcd/b", "zookeeper/a", size=size)
    assert three == ["web  a", "web  b", "web  zookeeper"]


def test_a_long_name_does_not_hide_in_which() -> None:
    told = labels("etcd/production-eu", "etcd/production-us", group="checkout-service")
    assert told == ["chec…  production-eu", "chec…  production-us"]


def test_what_one_server_counts_stands_in_one_line() -> None:
    readings: dict[FeedKey, Reading[Any]] = {
        FeedKey("x/main", "targets"): Reading(State.LOADING),
        FeedKey("x/main", "alerts"): Reading(State.LIVE, {}),
    }
    ((kind, entry),) = source_lines(readings, {}, NOW)
    assert kind == "targets"
    assert "".join(text for text, _ in entry.parts).split() == ["x/main", "targets", "loading", "no", "alerts"]


def test_last_words_are_dim() -> None:
    rows = {"1": Unit("1", "a", "x/main", None, UnitState.RUNNING, "RUNNING")}
    assert line_of("units", Reading(State.STALE, rows))[1] == ("were 1 running", style(Look.DIM))


def test_what_a_lost_server_told_of_is_what_was_with_its_age_and_that_there_was_none_is_not_known() -> None:
    rows = {"1": Unit("1", "a", "x/main", None, UnitState.RUNNING, "RUNNING")}

    def told(targets: State, alerts: State) -> str:
        readings: dict[FeedKey, Reading[Any]] = {
            FeedKey("x/main", "targets"): Reading(targets, rows, 977.0, error=LOST),
            FeedKey("x/main", "alerts"): Reading(alerts, {}, 977.0, error=LOST),
        }
        ((_, entry),) = source_lines(readings, {}, NOW)
        return "".join(text for text, _ in entry.parts[1:])

    lost = State.UNREACHABLE
    assert told(lost, lost) == "targets were 1 running   alerts not known  unreachable 23s"
    assert told(State.LIVE, lost) == "targets 1 running   alerts not known  unreachable 23s"
    assert told(lost, State.LIVE) == "targets were 1 running  unreachable 23s   no alerts"


def test_every_place_has_the_same_word_for_a_source_the_worst_of_its_feeds() -> None:
    readings: dict[FeedKey, Reading[Any]] = {
        FeedKey("x/main", "members"): Reading(State.STALE, {}, 10.0),
        FeedKey("x/main", "instances"): Reading(State.UNREACHABLE, {}, 20.0, error=LOST),
    }
    for order in (readings, dict(reversed(readings.items()))):
        told = state_words(LAB, order, (), ready=True, now=40.0)[0]
        assert told == "✖ x/main unreachable 30s"
        (problem,) = problems(order, (), {}, (), Now(40.0, WALL))
        assert (problem.word, problem.since) == ("unreachable", WALL - timedelta(seconds=30))
        assert [item["state"] for item in source_states(order, ())] == ["unreachable"]


def test_nothing_is_live_where_there_is_no_source() -> None:
    own: dict[FeedKey, Reading[Any]] = {TIMELINE: Reading(State.LIVE, {}, 10.0)}
    assert state_words(Context("bare"), own, (), ready=True, now=10.0)[0] == "no source"
    assert state_words(LAB, own, (), ready=True, now=10.0)[0] == "all live"


def test_what_nobody_watches_is_never_better_than_live_on_any_scale() -> None:
    idle: Reading[Any] = Reading(State.IDLE, {})
    live: Reading[Any] = Reading(State.LIVE, {})
    assert worst([live, idle]) is idle
    members, processes = FeedKey("x/main", "members"), FeedKey("x/main", "processes")
    assert worst_by_source({members: live, processes: idle}) == {processes: idle}
