"""What the feeds of a context have said, without a screen: as JSON and as troubles in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backends.api.readings import Reading, Readings, State
from backends.watch import Broken, Watch
from tui.verbs.told import SourceState, source_state
from widgets.freshness import worst


def troubles(readings: Readings, opened: Watch) -> list[str]:
    """One line for each source that is not live: its name, the address and the reason."""
    lines = []
    for source, reading in worst_by_source(readings).items():
        if reading.state is not State.LIVE:
            backend = opened.backend(source)
            where = f"{backend.where}: " if backend is not None and backend.where else ""
            reason = f"{where}no answer in time" if reading.error is None else str(reading.error)
            hint = f" ({reading.error.hint})" if reading.error is not None and reading.error.hint else ""
            lines.append(f"{source}: {reason}{hint}")
    return lines


def worst_by_source(readings: Readings) -> dict[str, Reading[Any]]:
    """One reading a source: of its feeds the one in the worst state, of those the oldest."""
    of_source: dict[str, list[Reading[Any]]] = {}
    for key, reading in readings.items():
        of_source.setdefault(key.source, []).append(reading)
    found = ((source, worst(feeds)) for source, feeds in of_source.items())
    return {source: reading for source, reading in found if reading is not None}


def source_states(readings: Readings, broken: Sequence[Broken]) -> list[SourceState]:
    """Each source once, as a document has it."""
    out = [source_state(source, reading) for source, reading in worst_by_source(readings).items()]
    return out + [
        {"source": item.source, "state": "unreachable", "as_of": None, "error": str(item.error)}
        for item in broken
    ]
