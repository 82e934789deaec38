"""How often units were restarted lately without being asked to here: enough of that is flapping."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from backends.api.events import Occurrence
from backends.api.units import Unit

FLAPS = 4
"""Restarts of a unit within `FLAPPING_WITHIN` that make it flap: more than a deploy and a second try of it."""
FLAPPING_WITHIN = 600.0
"""Seconds."""
ASKED_WITHIN = 60.0
"""Seconds before the end of an action within which the restart that it asked for was seen: the end waits until
the unit is up."""
SEEN_WITHIN = 5.0
"""Seconds after its end within which it is seen yet."""

UnitOf = Callable[[str], str | None]
"""The key of the unit that a process belongs to, or did, by the process's key."""


def restarts(units: Iterable[Unit], events: Iterable[Occurrence], now: float, unit_of: UnitOf) -> dict[str, int]:
    """By the units' keys. `now` is monotonic seconds. Each action of ours that asked a unit, or a process of it,
    to end accounts for one restart, the last about its time."""
    seen: dict[tuple[str, str], list[float]] = {}
    asked: dict[str, list[float]] = {}
    for event in events:
        if event.restart and now - event.at <= FLAPPING_WITHIN:
            seen.setdefault((event.source, event.target), []).append(event.at)
        elif event.asked_to_end and event.about is not None:
            noun, key = event.about
            unit = unit_of(key) if noun == "processes" else key if noun == "units" else None
            if unit is not None:
                asked.setdefault(unit, []).append(event.at)
    if not seen:
        return {}
    mine = {unit.key: seen[at] for unit in units if (at := (unit.source, unit.name)) in seen}
    return {key: _unasked(sorted(times), sorted(asked.get(key, ()))) for key, times in mine.items()}


def _unasked(restarted: list[float], ended: list[float]) -> int:
    for end in ended:
        last = bisect_right(restarted, end + SEEN_WITHIN) - 1
        if last >= 0 and restarted[last] >= end - ASKED_WITHIN:
            del restarted[last]
    return len(restarted)
