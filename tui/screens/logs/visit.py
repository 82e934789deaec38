"""Visit: what one has asked of the logs since they were opened, all of it gone when they are opened for another
thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backends.api.readings import Reading, State
from widgets.logs.search_pattern import Pattern
from widgets.logs.view import LogView
from widgets.look import Look
from widgets.one_line import Part
from widgets.quantities import age
from widgets.safe import style
from widgets.tables.columns import LogsOf
from widgets.typed_pattern import as_taken

PATIENCE = 1.0
"""Seconds for which the lines about something wait for sources that have not spoken."""


@dataclass
class Visit:
    search: str = ""
    keep: str = ""
    window: float = 0.0
    """Seconds up to now that are shown; 0 for all that is kept."""
    since: datetime | None = None
    """When the window begins; it moves on with the time while the newest lines are followed."""
    about: str = ""
    """The name of the thing that `only` is about."""
    only: frozenset[str] = frozenset()
    """The origins that are about it; none: all."""
    unnamed: str = ""
    """The thing that no log is named after, so that all are shown."""
    of: LogsOf | None = None
    awaited: LogsOf | None = None
    """What is to be chosen as soon as the sources have spoken."""
    _since: float = 0.0
    _among: list[tuple[str, str]] = field(default_factory=list)

    def wait_for(self, logs: LogsOf, now: float) -> None:
        """Choose the logs about something when the sources have spoken; `now` is monotonic."""
        self.awaited, self._since = logs, now

    def arrived(self, readings: Iterable[Reading[Any]], now: float) -> LogsOf | None:
        """Choose what was waited for: returned once, when every source has spoken or enough was waited."""
        logs = self.awaited
        waits = any(reading.state is State.LOADING or reading.state is State.IDLE for reading in readings)
        if logs is None or (waits and now - self._since < PATIENCE):
            return None
        self.awaited = None
        self.choose(logs)
        return logs

    def choose(self, logs: LogsOf | None) -> None:
        """Only the logs that are about something, as far as there are such; None: all."""
        self.of, self.about, self.only, self.unnamed, self._among = logs, "", frozenset(), "", []

    def look_among(self, origins: list[tuple[str, str]]) -> bool:
        """Look for them among these; whether others are found than before."""
        if self.of is None or origins == self._among:
            return False
        self._among, before = origins, self.only
        self.about, self.only = named_after(self.of.names, self.of.wider, origins)
        known = (*self.of.names, *self.of.wider)
        self.unnamed = known[0] if known and not self.only else ""
        return self.only != before

    def choose_window(self, seconds: float, now: datetime) -> None:
        self.window, self.since = seconds, None
        self.move_window(now)

    def move_window(self, now: datetime) -> bool:
        """To end now, in whole seconds, as lines are counted; whether it begins at another time than before."""
        since = now.replace(microsecond=0) - timedelta(seconds=self.window) if self.window else None
        moved, self.since = since != self.since, since
        return moved

    def asked(self, view: LogView) -> list[Part]:
        """What the title says of what hides lines, or is sought in them."""
        warn = style(Look.WARN)
        asked: list[Part] = []
        if self.since is not None:
            span = age(self.window)
            text = f"last {span}" if view.following else f"since {self.since.astimezone():%H:%M:%S} ({span})"
            asked.append((f"  {text}", warn))
        if self.keep:
            asked.append((f"  only {_taken_as(self.keep, view.lines.keep)}", warn))
        if self.search:
            asked.append((f"  search {_taken_as(self.search, view.sheet.pattern)}", warn))
        return asked

    def named(self, name: str) -> Part:
        """What the title says that the lines are of; `name` is what is chosen."""
        if self.only:
            return (f"  of {self.about}", style(Look.WARN))
        none = f"  no log is named after {self.unnamed}: all of them" if self.unnamed else ""
        return (f"  {name}{none}", style())


def named_after(
    names: Sequence[str], wider: Sequence[str], origins: Iterable[tuple[str, str]]
) -> tuple[str, frozenset[str]]:
    """All origins that are named after any of some names, and the first name that there is one of; where there
    is none, the same of the first wider name that there is one of. `web` is a word of `web-1.log`, `web-1` is
    none of `web-12.log`."""
    known = [origin for _, origin in origins]
    for those in (names, *((name,) for name in wider)):
        found = [(name, _of_name(name, known)) for name in those if name]
        first = next((name for name, of in found if of), None)
        if first is not None:
            return first, frozenset[str]().union(*(of for _, of in found))
    return "", frozenset()


def _of_name(name: str, origins: Sequence[str]) -> frozenset[str]:
    word = re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])")
    return frozenset(origin for origin in origins if word.search(origin.rsplit("/", 1)[-1]))


def _taken_as(text: str, pattern: Pattern | None) -> str:
    return as_taken(text, plain=pattern is not None and pattern.plain)
