"""The contract's one JSON document, printed while its items come: however many there are, none is kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from backends.api.errors import BackendError
from backends.api.readings import Reading, State
from tui.verbs.printing import to_json
from tui.verbs.told import SourceState, source_state


class SourcesRead:
    """How it went with each source that was read to its end: for the exit code and the document's readings."""

    def __init__(self) -> None:
        self._ended: dict[str, datetime | None] = {}
        self._failed: dict[str, list[BackendError]] = {}

    @property
    def status(self) -> int:
        return 3 if self._failed else 0

    def begin(self, source: str) -> None:
        self._ended.setdefault(source, None)

    def add(self, source: str, troubles: Sequence[BackendError]) -> None:
        if troubles:
            self._failed.setdefault(source, []).extend(troubles)

    def end(self, source: str) -> None:
        """Everything of it that can be read was read now."""
        self._ended[source] = datetime.now(UTC)

    def readings(self) -> list[SourceState]:
        """One a source; one that was not read to its end, or of which a part may not be read, is not live."""
        return [source_state(source, self._reading(source, ended)) for source, ended in self._ended.items()]

    def _reading(self, source: str, ended: datetime | None) -> Reading[Any]:
        failed = self._failed.get(source, ())
        if ended is not None and not failed:
            return Reading(State.LIVE, as_of=ended)
        why = "; ".join(map(str, failed)) or "was not read to its end"
        return Reading(State.UNREACHABLE, as_of=ended, error=BackendError(why))


class Document:
    """Begun at once, one item a line, ended with the readings, which are known only then."""

    def __init__(self, kind: str, context: str) -> None:
        self._before = f'{{"kind": {to_json(kind)}, "context": {to_json(context)}, "items": [\n'

    def add(self, items: Sequence[str]) -> None:
        """Items as JSON."""
        if items:
            sys.stdout.write(self._before + ",\n".join(items))
            sys.stdout.flush()
            self._before = ",\n"

    def end(self, readings: Sequence[object]) -> None:
        begun = self._before == ",\n"
        sys.stdout.write(f'{chr(10) if begun else self._before}], "readings": {to_json(readings)}}}\n')
        sys.stdout.flush()
