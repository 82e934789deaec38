"""Which changes are told where there is no room for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from backends.api.events import EventKind, Occurrence

ROUTINE = frozenset({EventKind.STATE, EventKind.JOINED, EventKind.LEFT})
"""Kinds of one thing among many; all others are rare, and say why these came."""
CROWD = frozenset({EventKind.JOINED, EventKind.LEFT})
"""Kinds that come all day; they have what is left."""
ECHO = 120.0
"""Seconds by which alerts on what a source tells of may come after its loss: that is not pushed out by them."""


class Change(Struct, frozen=True):
    """An event, the newest of so many of the same thing. `failed` is the last one before it that was bad,
    or a restart that nobody asked for, where it is none itself."""

    event: Occurrence
    times: int = 1
    failed: Occurrence | None = None


def chosen(events: Iterable[Occurrence], room: int) -> list[Change]:
    """At most `room` changes of events that are newest first, in their order. Where room is short, what is rare
    has two thirds of it, a lost source before what came of that."""
    changes = _together(events)
    rare = [change for change in changes if change.event.kind not in ROUTINE]
    routine = [change for change in changes if change.event.kind in ROUTINE]
    states = [change for change in routine if change.event.kind not in CROWD]
    crowd = [change for change in routine if change.event.kind in CROWD]
    room_for_rare = max(room - room // 3, room - len(routine))
    kept = sorted(rare, key=_counts_as, reverse=True)[:room_for_rare]
    kept += [*states, *crowd][: room - len(kept)]
    told = {change.event.key for change in kept}
    return [change for change in changes if change.event.key in told]


def _together(events: Iterable[Occurrence]) -> list[Change]:
    """The changes of one thing's state as one, at the place of the newest."""
    found: dict[tuple[str, ...], Change] = {}
    for event in events:
        one = event.kind is EventKind.STATE
        of = (event.source, event.target) if one else (event.key,)
        known = found.get(of)
        if known is None:
            found[of] = Change(event)
        else:
            # An end that is well hides what was not; one that is bad says it.
            failed = known.failed or (event if _failed(event) and not _failed(known.event) else None)
            found[of] = Change(known.event, known.times + 1, failed)
    return list(found.values())


def _counts_as(change: Change) -> float:
    """How late it is among those for which there is room."""
    event = change.event
    return event.at + (ECHO if event.kind is EventKind.SOURCE and event.bad else 0.0)


def _failed(event: Occurrence) -> bool:
    return event.bad or event.restart
