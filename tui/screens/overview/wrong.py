"""WrongNow: the problems of the overview, each with what it brought about folded into its line, or below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backends.api.events import Occurrence
from backends.api.readings import Readings
from backends.incident.effects import folded
from backends.incident.problems import Now, Problem, problems
from backends.watch import Watch
from tui.screens.overview.headlines import problem_lines
from widgets.board import Entry


class WrongNow:
    def __init__(self) -> None:
        self._found: Sequence[Problem] = ()
        self._unfolded: set[str] = set()
        """The keys of problems of which all that they brought about is shown."""

    def __len__(self) -> int:
        """How many problems there are, without what they brought about."""
        return len(self._found)

    def look(self, watching: Watch, readings: Readings, events: Iterable[Occurrence], now: Now) -> None:
        broken = [(item.source, item.error) for item in watching.broken]
        sizes, bursts = watching.expected_sizes(), watching.error_bursts()
        unit_of = watching.relations.unit_of
        found = problems(readings, broken, sizes, events, now, bursts, unit_of)
        self._found = folded(found, readings, events)
        self._unfolded &= {problem.key for problem in self._found}

    def entries(self, now: Now, width: int) -> Iterator[Entry]:
        shown: list[tuple[Problem, bool]] = []
        for problem in self._found:
            shown.append((problem, False))
            shown += [(effect, True) for effect in problem.effects if problem.key in self._unfolded]
        return problem_lines(shown, now, width)

    def of(self, key: str) -> Problem | None:
        """The problem of a line."""
        each = (one for problem in self._found for one in (problem, *problem.effects))
        return next((problem for problem in each if problem.key == key), None)

    def has_effects(self, key: str) -> bool:
        """Whether this problem brought something about, or is what another one did."""
        return self._cause(key) is not None

    def unfold(self, key: str) -> None:
        """Show what this problem brought about, or the one that brought it about; fold it where that is shown."""
        cause = self._cause(key)
        if cause is not None:
            self._unfolded ^= {cause.key}

    def fold(self) -> bool:
        """Fold all of them into their lines; whether any was not."""
        unfolded = bool(self._unfolded)
        self._unfolded.clear()
        return unfolded

    def _cause(self, key: str) -> Problem | None:
        each = (problem for problem in self._found if problem.effects)
        return next((p for p in each if key in (p.key, *(effect.key for effect in p.effects))), None)
