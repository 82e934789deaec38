"""What the sources of one kind have told, printed: as a table, as the one JSON document, or an item a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from backends.api.readings import Reading, State
from tui.kinds.facts import rfc3339
from tui.verbs.printing import say, table, to_json
from widgets.freshness import Sight
from widgets.tables.columns import Kind

SourceState = dict[str, str | None]
"""One of the document's `readings`."""


class Told(Struct, frozen=True):
    """Rows, each with what its source says, and the sources themselves. `now` (monotonic) and `wall` are when it
    was looked at; `well` is whether every source is live; `nothing` is what to say where there is no row, if that
    is not what the kind says."""

    kind: Kind[Any]
    context: str
    rows: Sequence[tuple[Any, Reading[Any]]]
    sources: Sequence[SourceState]
    now: float
    wall: datetime
    well: bool
    nothing: str = ""

    def show(self, output: str, *, documents: bool = False) -> None:
        """To standard output, as `-o` has it; `documents`: in JSON lines too whole ones."""
        if output == "json" or (output == "jsonl" and documents):
            say(to_json(self._document()))
        elif output == "jsonl":
            for row, _ in self._ordered():
                say(to_json(self.kind.json(row)))
        else:
            lines = self._lines()
            say(*(lines if len(lines) > 1 or not self.well else [self._nothing]))

    def _ordered(self) -> list[tuple[Any, Reading[Any]]]:
        order = self.kind.group or (lambda row: ())
        return sorted(self.rows, key=lambda pair: (order(pair[0]), self.kind.tie(pair[0])))

    def _document(self) -> dict[str, Any]:
        return {
            "kind": self.kind.name,
            "context": self.context,
            "readings": self.sources,
            "items": [self.kind.json(row) for row, _ in self._ordered()],
        }

    @property
    def _nothing(self) -> str:
        """What to say where there is no row."""
        return self.nothing or self.kind.none if self.sources else self.kind.empty

    def _lines(self) -> list[str]:
        """The rows as a table; those of a source that is not live say so, as on the screen."""
        return table(
            self.kind, [(row, Sight.of(reading, self.now, self.wall)) for row, reading in self._ordered()]
        )


def source_state(source: str, reading: Reading[Any]) -> SourceState:
    state = reading.state if reading.state in (State.LIVE, State.STALE) else State.UNREACHABLE
    error = None if reading.error is None else str(reading.error)
    if state is State.UNREACHABLE and error is None:
        error = "no answer yet"
    return {"source": source, "state": state.value, "as_of": rfc3339(reading.as_of), "error": error}
