"""What belongs together: processes, units and registrations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backends.api.members import Member, MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.processes import Host, Process
from backends.api.readings import FeedKey, Reading, State
from backends.api.units import Unit, UnitState
from backends.relations import OWNED_LEAST, Index, Relations, is_same_place, unit_by_process
from tests.clock import START

OWN = ("box", "10.0.0.5", "fe80::1")


@pytest.mark.parametrize(
    ("address", "listener", "same"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "0.0.0.0:80", True),
        ("127.0.0.1:80", "[::]:80", True),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("127.0.0.1:80", "10.0.0.5:80", False),
        ("localhost:80", "[::1]:80", True),
        ("localhost:80", "127.0.0.1:80", True),
        ("10.0.0.5:80", "10.0.0.5:80", True),
        ("10.0.0.5:80", "0.0.0.0:80", True),
        ("10.0.0.5:80", "127.0.0.1:80", False),
        ("10.0.0.6:80", "0.0.0.0:80", False),
        ("10.0.0.6:80", "10.0.0.6:80", False),
        ("BOX:80", "10.0.0.5:80", True),
        ("box:80", "127.0.0.1:80", True),
        ("other:80", "[::]:80", False),
        ("[fe80::1]:80", "[::]:80", True),
        ("nonsense", "0.0.0.0:80", False),
        ("box:", "0.0.0.0:", False),
    ],
)
def test_an_address_leads_to_a_listener_of_this_host_or_not(address: str, listener: str, same: bool) -> None:
    assert is_same_place(address, listener, OWN) is same


def process(pid: int, ppid: int = 1, host: str = "box", **more: Any) -> Process:
    facts: dict[str, Any] = {"user": None, "state": None, "cpu": 1.0, "rss": 1, "started": START, "command": "x"}
    return Process(f"{host}/{pid}", "local/host", host, pid, ppid, "x", **(facts | more))


def unit(name: str, pid: int | None, **more: Any) -> Unit:
    facts: dict[str, Any] = {"since": START, "host": "box", "state": UnitState.RUNNING, "native": "RUNNING"}
    return Unit(key=f"s/{name}", name=name, source="supervisord/main", pid=pid, **(facts | more))


def by_key(*rows: Any) -> dict[str, Any]:
    return {row.key: row for row in rows}


def names(processes: list[Process], *units: Unit) -> dict[int, str]:
    rows = by_key(*processes)
    return {rows[key].pid: unit.name for key, unit in unit_by_process(rows, units).items()}


def test_children_belong_to_the_nearest_unit_above_them() -> None:
    tree = [process(1, 0), process(10), process(11, 10), process(12, 11), process(13, 10), process(20)]
    assert names(tree, unit("outer", 10), unit("inner", 11)) == {
        10: "outer",
        11: "inner",
        12: "inner",
        13: "outer",
    }


def test_a_pid_that_was_given_to_another_process_is_not_the_units() -> None:
    later = process(10, started=START + timedelta(minutes=1))
    assert names([later], unit("web", 10)) == {}
    assert names([process(10, host="elsewhere")], unit("web", 10)) == {}
    assert names([process(10)], unit("web", None), unit("other", 10, host=None)) == {}


def test_a_table_that_was_read_while_it_changed_may_have_a_circle() -> None:
    assert names([process(10, 11), process(11, 10), process(12)], unit("web", 12)) == {12: "web"}


def test_every_row_knows_the_others() -> None:
    master = process(10, listening=("0.0.0.0:80",))
    worker = process(11, 10, listening=("0.0.0.0:80",))
    web = unit("web", 10)
    mine = Member("e/1", "web-1", "etcd/main", Role.MEMBER, MemberState.UP, "web", address="10.0.0.5:80")
    other = Member("e/2", "web-2", "etcd/main", Role.MEMBER, MemberState.UP, "web", address="10.0.0.9:80")
    host = Host("box", "box", "local/host", None, None, None, None, addresses=OWN)
    readings: dict[FeedKey, Reading[Any]] = {
        FeedKey("local/host", "processes"): Reading(State.LIVE, by_key(master, worker, process(99))),
        FeedKey("local/host", "hosts"): Reading(State.LIVE, by_key(host)),
        FeedKey("supervisord/main", "units"): Reading(State.LIVE, by_key(web)),
        FeedKey("etcd/main", "instances"): Reading(State.LIVE, by_key(mine, other)),
    }
    index = Index(readings)
    rows = {
        row.key: [item.row for item in index.related(row)] for row in (master, worker, web, mine, other, host)
    }
    assert [item.row for item in index.at("10.0.0.5:80")] == [mine, web, master]
    assert [item.row for item in index.at("10.0.0.9:80")] == [other]
    assert index.at("10.0.0.9:81") == []
    assert rows == {
        "box/10": [web, mine],
        "box/11": [web, mine],
        "s/web": [master, mine],
        "e/1": [master, web],
        "e/2": [],
        "box": [],
    }
    relations = Relations(lambda: readings)
    first = relations.with_units(by_key(master, worker, process(99)))
    assert [row.unit for row in first.values()] == ["supervisord/main web", "supervisord/main web", None]
    again = relations.with_units(by_key(master, worker))
    assert again["box/10"] is first["box/10"]
    assert relations.listening_of(web) == ("0.0.0.0:80",)


def test_a_target_leads_to_who_is_at_its_address_else_to_those_of_its_name() -> None:
    master = process(10, listening=("0.0.0.0:80",))
    web = unit("web:web-1", 10)
    mine = Member("e/1", "web-1", "etcd/main", Role.MEMBER, MemberState.UP, "web", address="10.0.0.5:80")
    host = Host("box", "box", "local/host", None, None, None, None, addresses=OWN)
    readings: dict[FeedKey, Reading[Any]] = {
        FeedKey("local/host", "processes"): Reading(State.LIVE, by_key(master)),
        FeedKey("local/host", "hosts"): Reading(State.LIVE, by_key(host)),
        FeedKey("supervisord/main", "units"): Reading(State.LIVE, by_key(web)),
        FeedKey("etcd/main", "instances"): Reading(State.LIVE, by_key(mine)),
    }
    index = Index(readings)

    def of(instance: str) -> list[Any]:
        target = ScrapeTarget("t", "prometheus/main", "web", instance, TargetState.UP)
        return [found.row for found in index.related(target)]

    assert of("10.0.0.5:80") == [mine, web, master]
    assert of("web-1") == [web, mine]
    assert of("10.0.0.9:80") == []
    assert of("") == []


def test_what_is_asked_again_is_not_reckoned_again_until_a_reading_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web = unit("web", 10)
    readings: dict[FeedKey, Reading[Any]] = {
        FeedKey("local/host", "processes"): Reading(State.LIVE, by_key(process(10), process(11, 10))),
        FeedKey("supervisord/main", "units"): Reading(State.LIVE, by_key(web)),
    }
    relations = Relations(lambda: readings)
    reckoned: list[int] = []

    def counted(processes: Any, units: Any) -> dict[str, Unit]:
        reckoned.append(len(processes))
        return unit_by_process(processes, units)

    monkeypatch.setattr("backends.relations.unit_by_process", counted)
    for _ in range(3):
        assert [item.row.key for item in relations.of(web)] == ["box/10"]
        relations.listening_of(web)
    assert reckoned == [2]
    # The same values, a moment later: confirmed, and nothing else.
    readings |= {key: Reading(State.STALE, reading.value, 5.0) for key, reading in readings.items()}
    assert relations.of(web)
    assert reckoned == [2]
    more = by_key(process(10), process(11, 10), process(12, 10, listening=("0.0.0.0:80",)))
    readings[FeedKey("local/host", "processes")] = Reading(State.LIVE, more)
    assert relations.listening_of(web) == ("0.0.0.0:80",)
    assert reckoned == [2, 3]


def test_whose_unit_a_process_was_is_known_when_it_is_gone_and_not_for_ever() -> None:
    units: dict[FeedKey, Reading[Any]] = {
        FeedKey("supervisord/main", "units"): Reading(State.LIVE, by_key(unit("web", 10))),
    }
    relations = Relations(lambda: units)
    relations.with_units(by_key(process(10)))
    relations.with_units(by_key(process(11)))
    assert relations.unit_of("box/10") == "s/web"
    assert relations.unit_of("box/11") is None
    for pid in range(20, 22 + OWNED_LEAST):
        units[FeedKey("supervisord/main", "units")] = Reading(State.LIVE, by_key(unit("web", pid)))
        relations.with_units(by_key(process(pid)))
    assert relations.unit_of("box/10") is None
    assert relations.unit_of(f"box/{pid}") == "s/web"
