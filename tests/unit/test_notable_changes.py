"""Which changes the overview tells."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from backends.api.events import EventKind, Occurrence
from backends.incident.notable_changes import ECHO, chosen

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def newest_first(*told: tuple[EventKind, str]) -> list[Occurrence]:
    return [
        Occurrence(f"{len(told) - n:08}", "s/main", NOW, kind, target, f"of {target}", ("s/main",))
        for n, (kind, target) in enumerate(told)
    ]


def targets(events: list[Occurrence], room: int) -> list[tuple[str, int]]:
    return [(change.event.target, change.times) for change in chosen(events, room)]


def test_where_there_is_room_all_of_them_are_told_newest_first() -> None:
    events = newest_first(
        (EventKind.STATE, "web-1"),
        (EventKind.JOINED, "web/a"),
        (EventKind.DEPLOY, "web 1.8.2"),
        (EventKind.LEFT, "web/b"),
        (EventKind.ALERT, "Down"),
    )
    assert [target for target, _ in targets(events, 20)] == ["web-1", "web/a", "web 1.8.2", "web/b", "Down"]


def test_where_room_is_short_what_is_rare_has_two_thirds_and_more_where_nothing_else_is() -> None:
    rare = [(EventKind.ALERT, f"a{n}") for n in range(9)]
    states = [(EventKind.STATE, f"s{n}") for n in range(9)]
    crowd = [(EventKind.JOINED, f"j{n}") for n in range(9)]
    both = [target for target, _ in targets(newest_first(*crowd, *states, *rare), 6)]
    assert both == ["s0", "s1", "a0", "a1", "a2", "a3"]
    both = [target for target, _ in targets(newest_first(*rare, *crowd, *states), 6)]
    assert both == ["a0", "a1", "a2", "a3", "s0", "s1"]
    assert len(targets(newest_first(*rare, states[0]), 6)) == 6
    assert [target for target, _ in targets(newest_first(*rare), 6)] == [f"a{n}" for n in range(6)]


def test_repeated_changes_of_one_things_state_are_one_line_with_a_count() -> None:
    events = newest_first(
        *[(EventKind.STATE, "web-1")] * 3, (EventKind.STATE, "web-2"), (EventKind.STATE, "web-1")
    )
    assert targets(events, 20) == [("web-1", 4), ("web-2", 1)]
    assert chosen(events, 20)[0].event is events[0]
    alerts = newest_first((EventKind.ALERT, "Down"), (EventKind.ALERT, "Down"))
    assert targets(alerts, 20) == [("Down", 1), ("Down", 1)]


def test_what_failed_in_between_is_told_with_its_end() -> None:
    states = newest_first(*[(EventKind.STATE, "web-1")] * 4, (EventKind.STATE, "web-2"))
    events = [replace(event, bad=number == 3, restart=number == 1) for number, event in enumerate(states)]
    web, other = chosen(events, 20)
    assert (web.event, web.failed, web.times) == (events[0], events[1], 4)
    assert other.failed is None
    # One that failed and is so still says that by itself.
    (still, *_) = chosen([replace(states[0], bad=True), *events[1:]], 20)
    assert still.failed is None


def test_a_source_that_was_lost_is_not_pushed_out_by_the_alerts_that_come_of_it() -> None:
    def events(later: float) -> list[Occurrence]:
        *alerts, lost = newest_first(
            *[(EventKind.ALERT, f"a{n}") for n in range(9)], (EventKind.SOURCE, "s/main")
        )
        return [*(replace(alert, at=100.0 + later) for alert in alerts), replace(lost, at=100.0, bad=True)]

    assert [target for target, _ in targets(events(ECHO - 1), 4)] == ["a0", "a1", "a2", "s/main"]
    assert [target for target, _ in targets(events(ECHO + 1), 4)] == ["a0", "a1", "a2", "a3"]
    back = [replace(event, bad=False) for event in events(ECHO - 1)]
    assert [target for target, _ in targets(back, 4)] == ["a0", "a1", "a2", "a3"]
