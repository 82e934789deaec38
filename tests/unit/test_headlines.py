"""A problem's line on the overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from backends.api.members import Member, MemberState, Role
from backends.api.readings import FeedKey, Reading, State
from backends.incident.expected_sizes import Expected
from backends.incident.problems import CHECKS, GRAVE, SERIOUS, Now, Problem, problems
from tui.screens.overview.headlines import brought_about, problem_lines
from widgets.board import _cell

WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NOW = Now(1000.0, WALL)
AGO = WALL - timedelta(seconds=9)


def lines(found: Sequence[Problem], width: int) -> list[str]:
    """As they stand on a terminal of so many columns."""
    entries = problem_lines([(problem, False) for problem in found], NOW, width)
    return ["".join(text for text, _ in _cell(entry, False, width)) for entry in entries]


def alert(instance: str) -> Problem:
    return Problem(
        GRAVE, "InstanceDown", "firing", AGO, f"{instance} is gone", "prometheus/main", "alerts", instance
    )


@pytest.mark.parametrize("noun", CHECKS)
def test_what_a_lost_source_told_of_is_counted_whatever_it_is(noun: str) -> None:
    gone = Problem(SERIOUS, "a/b", "lost", datetime.now(UTC), "refused", "a/b", "", lost=((noun, 2),))
    assert brought_about(gone).startswith("2 ")


@pytest.mark.parametrize(("width", "counted"), [(80, "×2"), (120, "2 alerts, 1 target")])
def test_a_line_for_several_alerts_says_what_they_are_about_and_how_many_they_are(
    width: int, counted: str
) -> None:
    down = Problem(SERIOUS, "web web-1", "down", AGO, "refused", "prometheus/main", "targets", "t")
    effects = (alert("web-3"), alert("web-1"), down)
    both = replace(effects[0], why="on web-3, web-1", row="", joint="web-3", effects=effects)
    (line,) = lines([both], width)
    assert "on web-3, web-1" in line
    assert counted in line
    assert "+" not in line


def group(source: str, here: int, *, since: timedelta = timedelta(seconds=9)) -> Problem:
    severity = SERIOUS if here else GRAVE
    why = "3 instances are configured"
    return Problem(severity, "web", f"{here} of 3", WALL - since, why, source, "members", missing=3 - here)


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize("here", [0, 2])
def test_a_group_of_one_name_in_two_registries_says_in_which(width: int, here: int) -> None:
    first, then = lines([group("etcd/main", here), group("zookeeper/main", 2)], width)
    assert "web  etcd" in first
    assert "web  zookeeper" in then


def test_what_began_at_once_does_not_change_its_places_from_second_to_second() -> None:
    """Their ages are reckoned anew each time, from a clock that is not read at the same instant."""
    gone = {"etcd/main": 990.123456, "zookeeper/main": 990.123457}
    orders = set()
    for second in range(50):
        now = Now(1000.0 + second * 1.0000003, WALL + timedelta(seconds=second * 1.0000007))
        sizes = {source: {"web": Expected(3, True, below)} for source, below in gone.items()}
        one = Member("w", "w", "", Role.MEMBER, MemberState.UP, "web")
        readings = {FeedKey(source, "instances"): Reading(State.LIVE, {"w": one}, 1000.0) for source in gone}
        found = problems(readings, (), sizes, (), now)
        orders.add(tuple(problem.source for problem in found))
    assert len(orders) == 1


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_source_is_cut_before_the_name_of_what_is_wrong(width: int) -> None:
    servers = [
        Problem(
            GRAVE, f"zookeeper/main server-{n}", "silent", AGO, "no answer", "zookeeper/main", "members", f"{n}"
        )
        for n in (1, 2)
    ]
    first, then = lines(servers, width)
    assert "server-1 " in first
    assert "server-2 " in then


def test_names_whose_sources_are_cut_to_the_same_are_told_apart() -> None:
    servers = [
        Problem(
            GRAVE, f"zookeeper/production-{n} server-1", "down", AGO, "refused", f"zookeeper/production-{n}", ""
        )
        for n in ("eu", "us")
    ]
    first, then = lines(servers, 80)
    assert first != then


@pytest.mark.parametrize(
    ("width", "beside"), [(80, "+3"), (100, "+3"), (120, "+3"), (200, "+ 1 alert, 1 target, 1 group")]
)
def test_why_is_told_whole_before_whose_it_is_and_what_came_of_it(width: int, beside: str) -> None:
    of = ("prometheus/main", "alerts")
    effects = (
        Problem(GRAVE, "Down", "firing", AGO, "", *of),
        Problem(SERIOUS, "web web-3", "down", AGO, "", "prometheus/main", "targets"),
        group("etcd/main", 2),
    )
    why = "4 restarts in 10 min, exit 3"
    unit = Problem(SERIOUS, "web:web-3", "flapping", AGO, why, "supervisord/main", "units", "u", effects=effects)
    (line,) = lines([unit], width)
    assert f" 9s  {why} " in line
    assert beside in line
    assert "…" not in line
