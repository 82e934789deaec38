"""What an action would mean, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backends.api.actions import Action
from backends.api.alerts import Alert, AlertState
from backends.api.errors import Unreachable
from backends.api.members import Member, MemberState, Role
from backends.api.processes import Process
from backends.api.quorum import Quorum
from backends.api.readings import FeedKey, Reading, State
from backends.api.units import UnitState
from backends.changes.consequence import consequences
from backends.incident.expected_sizes import Expected
from tests.unit.acting import SOURCE, action_on, process, unit

WORKER = process(7)
ALONE = unit("worker", 7)
GROUP = [unit("web:web_00", 7), unit("web:web_01", 8), unit("web:web_02", 9, UnitState.FAILED)]


Readings = dict[FeedKey, Reading[Any]]


def readings(units: list[Any], alerts: list[Alert] | None = None, also: Readings | None = None) -> Readings:
    found = {"units": units, "processes": [WORKER]} | ({} if alerts is None else {"alerts": alerts})
    live = {
        FeedKey(SOURCE, noun): Reading(State.LIVE, {row.key: row for row in rows}, at=1.0)
        for noun, rows in found.items()
    }
    return live | (also or {})


def alert(state: AlertState = AlertState.FIRING, **labels: str) -> Alert:
    return Alert("a", SOURCE, "CheckoutErrors", state, "critical", labels=labels)


KEPT = f"{SOURCE} keeps {{}} running and may start it again; restart does that in order"


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        (action_on(WORKER), readings([]), []),
        (action_on(WORKER), readings([unit("worker", 8)]), []),
        (
            action_on(WORKER),
            readings(GROUP),
            [KEPT.format("web:web_00"), "web has 2 of 3 running; 1 stays up"],
        ),
        (action_on(WORKER), readings([ALONE]), [KEPT.format("worker")]),
        (
            action_on(WORKER),
            readings([unit("web:web_00", 7)]),
            [KEPT.format("web:web_00"), "web:web_00 is the only one of web"],
        ),
        (
            action_on(WORKER, verb="restart"),
            readings(GROUP),
            ["web has 2 of 3 running; 1 stays up meanwhile"],
        ),
        (action_on(WORKER), readings([], [alert(service="Worker")]), ["CheckoutErrors is firing on it"]),
        (action_on(WORKER), readings([], [alert(AlertState.PENDING, service="worker")]), []),
        (action_on(WORKER), readings([], [alert(service="other")]), []),
        (
            action_on(WORKER),
            readings(GROUP, [alert(job="web")]),
            [KEPT.format("web:web_00"), "web has 2 of 3 running; 1 stays up", "CheckoutErrors is firing on it"],
        ),
        (action_on(WORKER, verb="start"), readings(GROUP, [alert(job="web")]), []),
        (
            action_on(WORKER),
            readings([], also={FeedKey("p/m", "alerts"): Reading(State.UNREACHABLE, error=Unreachable("no"))}),
            ["alerts of p/m are not known: unreachable"],
        ),
    ],
)
def test_the_sentences(action: Action, given: Readings, expected: list[str]) -> None:
    assert list(consequences([action], given, {})) == expected


def registered(name: str, port: int, **more: Any) -> Member:
    facts: dict[str, Any] = {"role": Role.MEMBER, "state": MemberState.UP, "group": "web", **more}
    return Member(f"e/{name}", name, "etcd/main", address=f"127.0.0.1:{port}", **facts)


LISTENS = replace(WORKER, listening=("127.0.0.1:8001",))


def joined(noun: str, *rows: Member) -> Readings:
    mine = {FeedKey(SOURCE, "processes"): Reading(State.LIVE, {LISTENS.key: LISTENS}, at=1.0)}
    return mine | {FeedKey("etcd/main", noun): Reading(State.LIVE, {row.key: row for row in rows}, at=1.0)}


def test_what_is_left_of_the_group_that_it_is_registered_in() -> None:
    given = joined("instances", registered("web-1", 8001), registered("web-2", 8002))
    said = consequences([action_on(LISTENS)], given, {"etcd/main": {"web": Expected(3, True)}})
    assert said == ("etcd/main has 2 of 3 in web; 1 without it",)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("up up up", "it is m0 of etcd/main, and it leads; 2 of 3 stay up, no further failure allowed"),
        (
            "up up down",
            "it is m0 of etcd/main, and it leads; 1 of 3 stay up, below its quorum: the cluster stops",
        ),
        ("up up up up up", "it is m0 of etcd/main, and it leads; 4 of 5 stay up, 1 more may fail"),
    ],
)
def test_what_is_left_of_a_cluster_whose_server_it_is(states: str, expected: str) -> None:
    roles = [Role.LEADER, *[Role.FOLLOWER] * 4]
    rows = [
        registered(f"m{i}", 8001 + i, group=None, role=roles[i], state=MemberState(state))
        for i, state in enumerate(states.split())
    ]
    assert consequences([action_on(LISTENS)], joined("members", *rows), {})[0] == expected


def test_a_server_that_does_not_answer_has_its_vote_all_the_same() -> None:
    rows = [registered(f"m{i}", 8001 + i, group=None, role=Role.FOLLOWER if i else None) for i in range(3)]
    said = consequences([action_on(LISTENS)], joined("members", *rows), {})
    assert said[0] == "it is m0 of etcd/main; 2 of 3 stay up, no further failure allowed"


def test_of_a_cluster_of_which_only_some_servers_are_asked_the_rest_is_not_known() -> None:
    row = registered("m0", 8001, group=None, role=Role.FOLLOWER, quorum=Quorum(3, 1, 2))
    (said,) = consequences([action_on(LISTENS)], joined("members", row), {})
    assert said == "it is m0 of etcd/main; 0 of 3 stay up, 2 not in hosts, so not known"


def test_a_unit_of_another_host_with_the_same_pid_is_not_meant() -> None:
    elsewhere = replace(ALONE, host="web-2")
    assert consequences([action_on(WORKER)], readings([elsewhere]), {}) == ()


def together(*workers: Process, **more: Any) -> list[Action]:
    return [action_on(worker, **more) for worker in workers]


OTHERS = [process(7), process(8, "other"), process(9, "third")]


def with_processes(given: Readings, *rows: Process) -> Readings:
    return given | {FeedKey(SOURCE, "processes"): Reading(State.LIVE, {row.key: row for row in rows}, at=1.0)}


def test_what_is_left_after_all_that_is_done_together() -> None:
    running = [unit("web:web_00", 7), unit("web:web_01", 8), unit("web:web_02", 9)]
    given = with_processes(readings(running, [alert(service="worker")]), *OTHERS)
    names = "web:web_00, web:web_01 and web:web_02"
    assert consequences(together(*OTHERS), given, {}) == (
        f"{SOURCE} keeps {names} running and may start them again; restart does that in order",
        "web has 3 of 3 running; none stays up",
        "CheckoutErrors is firing on 1 of them",
    )
    assert consequences(together(*OTHERS[:2]), given, {})[1] == "web has 3 of 3 running; 1 stays up"
    assert consequences(together(*OTHERS, verb="stop"), given, {})[0] == "web has 3 of 3 running; none stays up"


def test_many_names_are_counted() -> None:
    rows = [process(n, f"w{n}") for n in range(5)]
    given = with_processes(readings([unit(f"w{n}", n) for n in range(5)]), *rows)
    said = consequences(together(*rows), given, {})
    assert said[0].startswith(f"{SOURCE} keeps w0, w1 and 3 more running and may start them again")


def test_two_servers_of_one_cluster_at_once_are_its_quorum() -> None:
    servers = [replace(process(n), listening=(f"127.0.0.1:{8000 + n}",)) for n in (1, 2)]
    rows = [
        registered(f"m{n}", 8000 + n, group=None, role=Role.LEADER if n == 2 else Role.FOLLOWER)
        for n in (1, 2, 3)
    ]
    given = with_processes(joined("members", *rows), *servers)
    assert consequences(together(*servers), given, {}) == (
        "they are m1 and m2 of etcd/main, and m2 leads; 1 of 3 stay up, below its quorum: the cluster stops",
    )


def test_what_is_left_of_the_group_that_several_are_registered_in() -> None:
    servers = [replace(process(n), listening=(f"127.0.0.1:{8000 + n}",)) for n in (1, 2)]
    given = with_processes(joined("instances", registered("a", 8001), registered("b", 8002)), *servers)
    assert consequences(together(*servers), given, {}) == ("etcd/main has 2 of 2 in web; none without them",)
