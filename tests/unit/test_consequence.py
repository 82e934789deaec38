"""What an action would mean, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backends.api.actions import Action
from backends.api.errors import Unreachable
from backends.api.models import Alert, AlertState, Reading, State, UnitState
from backends.incident.consequence import consequences
from backends.watch import FeedKey
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


KEPT = f"{SOURCE} keeps {{}} running and may start it again; restart (R) does that in order"


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        (action_on(WORKER), readings([]), []),
        (action_on(WORKER), readings([unit("worker", 8)]), []),
        (
            action_on(WORKER),
            readings(GROUP),
            [KEPT.format("web:web_00"), "web has 2 of 3 running; 1 stay up"],
        ),
        (action_on(WORKER), readings([ALONE]), [KEPT.format("worker")]),
        (
            action_on(WORKER),
            readings([unit("web:web_00", 7)]),
            [KEPT.format("web:web_00"), "web:web_00 is the only one of web"],
        ),
        (action_on(WORKER, verb="restart"), readings(GROUP), ["web has 2 of 3 running; 1 stay up"]),
        (action_on(WORKER), readings([], [alert(service="Worker")]), ["CheckoutErrors is firing on it"]),
        (action_on(WORKER), readings([], [alert(AlertState.PENDING, service="worker")]), []),
        (action_on(WORKER), readings([], [alert(service="other")]), []),
        (
            action_on(WORKER),
            readings(GROUP, [alert(job="web")]),
            [KEPT.format("web:web_00"), "web has 2 of 3 running; 1 stay up", "CheckoutErrors is firing on it"],
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
    assert list(consequences(action, given, {})) == expected


def test_a_unit_of_another_host_with_the_same_pid_is_not_meant() -> None:
    elsewhere = replace(ALONE, host="web-2")
    assert consequences(action_on(WORKER), readings([elsewhere]), {}) == ()
