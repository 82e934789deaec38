"""What the feeds of a context have said, without a screen: as JSON and as troubles in words."""

from __future__ import annotations

from collections.abc import Sequence

from backends.api.readings import Reading, Readings, State, worst_by_source
from backends.watch import Broken, Watch
from tui.verbs.printing import hinted
from tui.verbs.told import SourceState, source_state


def troubles(readings: Readings, opened: Watch) -> list[str]:
    """One line for each source that is not live: its name, the address and the reason."""
    lines = []
    for (source, _), reading in worst_by_source(readings).items():
        if reading.state is not State.LIVE:
            backend = opened.backend(source)
            where = f"{backend.where}: " if backend is not None and backend.where else ""
            error = reading.error
            reason = f"{where}no answer in time" if error is None else hinted(str(error), error.hint)
            lines.append(f"{source}: {reason}")
    return lines


def source_states(readings: Readings, broken: Sequence[Broken]) -> list[SourceState]:
    """Each source once, as a document has it."""
    out = [source_state(source, reading) for (source, _), reading in worst_by_source(readings).items()]
    return out + [source_state(item.source, Reading(State.UNREACHABLE, error=item.error)) for item in broken]
