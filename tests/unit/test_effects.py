"""Which problems are effects of another one, and stand behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from backends.api.alerts import Alert, AlertState
from backends.api.details import Trouble
from backends.api.errors import Unreachable
from backends.api.events import EventKind, Occurrence
from backends.api.members import Member, MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import FeedKey, Reading, State
from backends.api.units import Unit, UnitState
from backends.incident.effects import EARLIER, folded
from backends.incident.expected_sizes import Expected
from backends.incident.problems import GRAVE, SERIOUS, Problem, problems
from tests.unit.test_problems import NOW, WALL, live

PROMETHEUS, SUPERVISORD, ETCD = "prometheus/a", "supervisord/a", "etcd/a"
AGO = timedelta(seconds=10)
AGES = {"a": timedelta(days=3), "b": timedelta(seconds=9), "c": timedelta(seconds=5)}
REFUSED = Unreachable("connection refused")


def target(instance: str, *, job: str = "web", since: datetime | None = WALL - AGO, **more: Any) -> ScrapeTarget:
    key = f"t/{job}/{instance}"
    return ScrapeTarget(key, PROMETHEUS, job, instance, TargetState.DOWN, since=since, **more)


def alert(instance: str, name: str = "Down", *, job: str = "web", since: datetime | None = WALL - AGO) -> Alert:
    labels = {"instance": instance, "job": job}
    key = f"a/{name}/{job}/{instance}"
    return Alert(key, PROMETHEUS, name, AlertState.FIRING, "critical", since, labels)


def unit(name: str, state: UnitState = UnitState.RUNNING, source: str = SUPERVISORD, **more: Any) -> Unit:
    return Unit(f"{source}/{name}", name, source, None, state, state.value.upper(), **more)


def member(name: str, source: str = ETCD, *, address: str | None = None, down: bool = True) -> Member:
    trouble = Trouble(REFUSED, 980.0, WALL - timedelta(seconds=20)) if down else None
    state = MemberState.DOWN if down else MemberState.UP
    return Member(f"{source}/{name}", name, source, Role.FOLLOWER, state, address=address, trouble=trouble)


def lost(*rows: Any, at: float = 975.0) -> Reading[Any]:
    return Reading(State.UNREACHABLE, {row.key: row for row in rows}, at, WALL, REFUSED)


def left(name: str, kind: EventKind = EventKind.LEFT, at: float = 992.0, **more: Any) -> Occurrence:
    target = f"{more.pop('group', 'web')}/{name}"
    return Occurrence(f"{at}{name}", ETCD, WALL, kind, target, name, (ETCD,), at=at, **more)


def told(
    readings: dict[tuple[str, str], Reading[Any]],
    sizes: dict[str, Expected] | None = None,
    events: tuple[Occurrence, ...] = (),
) -> list[Problem]:
    keyed = {FeedKey(*key): reading for key, reading in readings.items()}
    found = problems(keyed, (), {ETCD: sizes or {}}, events, NOW)
    now = folded(found, keyed, events)
    kept = sorted(p.key for head in now for p in (head, *head.effects) if not p.joint)
    assert kept == sorted(problem.key for problem in found), "one was lost, or told twice"
    return now


def named(found: list[Problem]) -> list[tuple[str, list[str]]]:
    return [(problem.name, sorted(effect.name for effect in problem.effects)) for problem in found]


def test_a_dead_member_is_told_once_with_its_target_and_its_alert() -> None:
    """By its address, whatever its target is called."""
    found = told(
        {
            (ETCD, "members"): live(member("m0", down=False), member("m1", address="10.0.0.1:2379")),
            (PROMETHEUS, "targets"): live(target("etcd-b", address="10.0.0.1:2379")),
            (PROMETHEUS, "alerts"): live(alert("etcd-b")),
        }
    )
    assert named(found) == [("etcd/a m1", ["Down", "web etcd-b"])]


def test_a_dead_supervisor_is_the_first_with_all_that_hangs_from_it() -> None:
    names = ("web-1", "web-2")
    found = told(
        {
            (PROMETHEUS, "targets"): live(*map(target, names)),
            (PROMETHEUS, "alerts"): live(*map(alert, names), alert("elsewhere", "Full")),
            (SUPERVISORD, "units"): lost(*(unit(f"web:{name}") for name in names)),
            (SUPERVISORD, "logs"): Reading(State.UNREACHABLE, None, 975.0, WALL, REFUSED),
            (ETCD, "instances"): live(),
        },
        {"web": Expected(2, False, 992.0)},
        tuple(map(left, names)),
    )
    assert named(found) == [(SUPERVISORD, ["Down", "Down", "web web-1", "web web-2"]), ("web", []), ("Full", [])]
    assert found[0].lost == (("units", 2),)


def test_a_group_of_which_nobody_is_left_is_never_folded_away_and_one_that_lost_some_is() -> None:
    readings = {
        (SUPERVISORD, "units"): lost(unit("web:web-1"), unit("web:web-2")),
    }
    some = {"web": Expected(2, False, 992.0)}
    readings[ETCD, "instances"] = live(replace(member("web-2", down=False), group="web"))
    assert named(told(readings, some, (left("web-1"),))) == [(SUPERVISORD, ["web"])]
    readings[ETCD, "instances"] = live()
    found = told(readings, some, (left("web-1"), left("web-2")))
    assert [(p.name, p.word, p.effects) for p in found] == [
        (SUPERVISORD, "unreachable", ()),
        ("web", "0 of 2", ()),
    ]


def test_a_failed_unit_takes_what_is_known_to_be_its_own_and_a_group_that_lacks_another_stays() -> None:
    readings = {
        (SUPERVISORD, "units"): live(
            unit("web:web-1", UnitState.FAILED, since=WALL), unit("web:web-2"), unit("job", UnitState.FAILED)
        ),
        (PROMETHEUS, "targets"): live(target("web-1"), target("web-2")),
        (ETCD, "instances"): live(),
    }
    sizes = {"web": Expected(2, True, 992.0)}
    both = told(readings, sizes, (left("web-1"), left("web-2")))
    assert named(both) == [("web:web-1", ["web web-1"]), ("job", []), ("web", []), ("web web-2", [])]
    readings[ETCD, "instances"] = live(replace(member("web-2", down=False), group="web"))
    one = told(readings, {"web": Expected(2, True, 992.0)}, (left("web-1"), left("web-2", at=900.0)))
    assert ("web:web-1", ["web", "web web-1"]) in named(one)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (left("web-1"), left("web-1", EventKind.JOINED, 993.0)),
        (left("web-1", group="other"),),
    ],
    ids=["nobody was seen to leave", "it came back", "another group's"],
)
def test_a_group_whose_missing_instances_are_not_known_stands_for_itself(events: tuple[Occurrence, ...]) -> None:
    readings = {
        (SUPERVISORD, "units"): live(unit("web:web-1", UnitState.FAILED)),
        (ETCD, "instances"): live(),
    }
    found = told(readings, {"web": Expected(1, True, 992.0)}, events)
    assert named(found) == [("web:web-1", []), ("web", [])]
    # Of two that it lacks one is known.
    found = told(readings, {"web": Expected(2, True, 992.0)}, (left("web-1"),))
    assert named(found) == [("web:web-1", []), ("web", [])]


@pytest.mark.parametrize(("instance", "address"), [("10.0.0.5:80", None), ("a", "10.0.0.5:80")])
def test_an_address_leads_to_the_unit_of_whoever_was_registered_there_last(
    instance: str, address: str | None
) -> None:
    readings = {
        (SUPERVISORD, "units"): lost(unit("web:web-1"), unit("web:web-2")),
        (PROMETHEUS, "targets"): live(target(instance, address=address)),
    }
    gone = left("web-1", address="10.0.0.5:80")
    assert named(told(readings, events=(gone,))) == [(SUPERVISORD, [f"web {instance}"])]
    two = (gone, left("web-2", address="10.0.0.5:80"))
    back = (gone, left("web-1", EventKind.JOINED, 993.0, address="10.0.0.6:80"))
    for events in (two, back):
        assert named(told(readings, events=events)) == [(SUPERVISORD, []), (f"web {instance}", [])]


def test_a_frozen_unit_is_why_it_does_not_answer_and_is_missing_from_its_group() -> None:
    here = replace(member("web-1", down=False), group="web")
    readings = {
        (SUPERVISORD, "units"): live(unit("web:web-1"), unit("web:web-2", frozen=True, frozen_since=WALL)),
        (PROMETHEUS, "targets"): live(target("web-2")),
        (PROMETHEUS, "alerts"): live(alert("web-2")),
        (ETCD, "instances"): live(here),
    }
    found = told(readings, {"web": Expected(2, False, 992.0)}, (left("web-2"),))
    assert named(found) == [("web:web-2", ["Down", "web", "web web-2"])]


def test_a_name_that_two_things_have_is_no_reason() -> None:
    readings = {
        (ETCD, "members"): live(member("m0", address="10.0.0.1:2379")),
        ("etcd/b", "members"): live(member("m0", "etcd/b", down=False)),
        (PROMETHEUS, "targets"): live(target("m0")),
    }
    assert named(told(readings)) == [("etcd/a m0", []), ("web m0", [])]
    # Its address tells which one is meant.
    readings[PROMETHEUS, "targets"] = live(target("m0", address="10.0.0.1:2379"))
    assert named(told(readings)) == [("etcd/a m0", ["web m0"])]


def test_what_began_before_it_is_no_effect() -> None:
    def at(ago: timedelta) -> list[tuple[str, list[str]]]:
        down = {(ETCD, "members"): live(member("m0"))}
        return named(told(down | {(PROMETHEUS, "targets"): live(target("m0", since=WALL - ago))}))

    twenty = timedelta(seconds=20 + EARLIER)
    assert at(twenty + AGO) == [("etcd/a m0", []), ("web m0", [])]
    assert at(twenty - AGO) == [("etcd/a m0", ["web m0"])]


@pytest.mark.parametrize(
    ("supervisor", "effects"),
    [(live(unit("web", UnitState.FAILED, since=WALL)), ["web web"]), (lost(unit("web")), [])],
    ids=["a unit", "its supervisor"],
)
def test_what_began_minutes_before_is_an_effect_of_a_unit_that_was_tried_meanwhile(
    supervisor: Reading[Any], effects: list[str]
) -> None:
    """Of a supervisor that is lost nothing was tried."""
    down = live(target("web", since=WALL - timedelta(seconds=EARLIER * 5)))
    found = told({(SUPERVISORD, "units"): supervisor, (PROMETHEUS, "targets"): down})
    assert [effect.name for p in found for effect in p.effects] == effects


def test_a_target_that_is_down_because_of_nothing_known_stands_behind_the_alert_on_it() -> None:
    found = told(
        {
            (PROMETHEUS, "targets"): live(target("a"), target("b"), target("a", job="other")),
            (PROMETHEUS, "alerts"): live(alert("a"), alert("b", "Slow", since=WALL - timedelta(hours=1))),
        }
    )
    # Slow long before it went down: not because of that.
    assert named(found) == [("Down", ["web a"]), ("Slow", []), ("other a", []), ("web b", [])]


def test_alerts_of_one_name_stand_in_a_line_for_all_of_them_and_none_behind_another() -> None:
    first = alert("b", since=WALL - timedelta(minutes=1))
    found = told({(PROMETHEUS, "alerts"): live(alert("a"), first, alert("c"), alert("a", "Full"))})
    assert named(found) == [("Full", []), ("Down", ["Down", "Down", "Down"])]
    both = found[1]
    assert (both.row, both.since, both.why) == ("", first.since, "on a, b, c")
    assert both.key not in {effect.key for effect in both.effects}
    # It stays the same line while more of them fire.
    more = told({(PROMETHEUS, "alerts"): live(alert("a"), first, alert("c"), alert("d"), alert("a", "Full"))})
    assert more[1].key == both.key


def test_what_began_at_once_keeps_its_places_in_whichever_order_a_server_tells_of_it() -> None:
    alerts = [alert(instance, name) for name in ("Down", "Slow", "Full") for instance in ("a", "b", "c")]
    alerts.append(alert("a", "Late"))

    def order(rows: list[Alert]) -> list[tuple[str, str, list[str]]]:
        found = told({(PROMETHEUS, "alerts"): live(*rows)})
        return [(p.key, p.why, [effect.key for effect in p.effects]) for p in found]

    assert order(alerts) == order(alerts[::-1])


def test_alerts_that_do_not_say_what_they_are_about_say_what_the_first_does() -> None:
    alerts = [
        Alert(
            f"a/{n}", PROMETHEUS, "Rate", AlertState.FIRING, "critical", WALL, {"n": n}, {"summary": f"slow {n}"}
        )
        for n in "ab"
    ]
    (both,) = told({(PROMETHEUS, "alerts"): live(*alerts)})
    assert (both.name, both.why, len(both.effects)) == ("Rate", "slow a", 2)


def test_a_new_alert_does_not_hide_behind_an_old_one_of_its_name() -> None:
    old, new, newer = (alert(name, since=WALL - ago) for name, ago in AGES.items())
    found = told({(PROMETHEUS, "alerts"): live(newer, old, new)})
    assert sorted((p.row, sorted(effect.row for effect in p.effects)) for p in found) == [
        ("", [new.key, newer.key]),
        (old.key, []),
    ]


def test_an_address_of_the_metrics_servers_own_host_is_nothing_here() -> None:
    found = told(
        {
            (ETCD, "members"): live(member("m1", address="127.0.0.1:2379")),
            (PROMETHEUS, "targets"): live(target("127.0.0.1:2379")),
        }
    )
    assert sorted(named(found)) == [("etcd/a m1", []), ("web 127.0.0.1:2379", [])]


def test_targets_stand_with_their_alerts_in_the_line_of_all_of_them() -> None:
    names = ("a", "b", "c")
    readings = {
        (PROMETHEUS, "targets"): live(*map(target, names)),
        (PROMETHEUS, "alerts"): live(*map(alert, names)),
    }
    assert named(told(readings)) == [("Down", ["Down", "Down", "Down", "web a", "web b", "web c"])]


def test_what_is_as_grave_as_its_effects_comes_before_them() -> None:
    flapping = [
        Occurrence(str(n), SUPERVISORD, WALL, EventKind.STATE, "web", "restarted", (), restart=True, at=1000.0)
        for n in range(4)
    ]
    readings = {
        (SUPERVISORD, "units"): live(unit("web", since=WALL)),
        (PROMETHEUS, "alerts"): live(alert("web"), alert("elsewhere", "Full", since=WALL)),
        (PROMETHEUS, "targets"): live(target("web")),
    }
    found = told(readings, events=tuple(flapping))
    assert named(found) == [("web", ["Down", "web web"]), ("Full", [])]
    assert (found[0].word, found[0].severity, GRAVE > SERIOUS) == ("flapping", GRAVE, True)


def test_what_a_lost_metrics_server_said_last_is_an_effect_of_nothing() -> None:
    found = told(
        {
            (ETCD, "members"): live(member("m0")),
            (PROMETHEUS, "alerts"): lost(alert("m0")),
            (PROMETHEUS, "targets"): lost(target("m0")),
        }
    )
    assert named(found) == [("etcd/a m0", []), (PROMETHEUS, []), ("Down", ["web m0"])]
    assert found[2].old


def test_a_target_that_is_down_now_does_not_stand_behind_an_alert_that_was_told_last() -> None:
    found = told({(PROMETHEUS, "alerts"): lost(alert("a")), (PROMETHEUS, "targets"): live(target("a"))})
    assert sorted(named(found)) == [("Down", []), (PROMETHEUS, []), ("web a", [])]


def test_an_alert_on_one_of_two_targets_of_a_name_is_on_neither() -> None:
    two = target("a"), replace(target("a"), key="t/other")
    found = told({(PROMETHEUS, "alerts"): live(alert("a")), (PROMETHEUS, "targets"): live(*two)})
    assert sorted(named(found)) == [("Down", []), ("web a", []), ("web a", [])]


def test_a_server_with_an_alarm_is_up_and_no_cause() -> None:
    full = Member(
        f"{ETCD}/m0",
        "m0",
        ETCD,
        Role.LEADER,
        MemberState.UP,
        alarms=("NOSPACE",),
        alarmed=WALL - timedelta(seconds=20),
    )
    found = told({(ETCD, "members"): live(full), (PROMETHEUS, "targets"): live(target("m0"))})
    assert named(found) == [("etcd/a m0", []), ("web m0", [])]


def test_an_alert_that_names_no_instance_is_about_no_target() -> None:
    nameless = Alert("a/1", PROMETHEUS, "Rate", AlertState.FIRING, "critical", WALL, {"job": "web"})
    readings = {(PROMETHEUS, "targets"): live(target("")), (PROMETHEUS, "alerts"): live(nameless)}
    assert named(told(readings)) == [("Rate", []), ("web ", [])]
