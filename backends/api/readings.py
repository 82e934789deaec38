"""What a source yields, and how true its last word is."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from backends.api.errors import BackendError
from backends.api.events import Event
from backends.api.stores import KeyChange

T_co = TypeVar("T_co", covariant=True)

News = Event | KeyChange


class Seen(Struct, Generic[T_co], frozen=True):
    """What a source yields, each time the server has spoken.

    `value` is the whole frozen value; rows that did not change are the same objects as before. `changed` are
    the keys that differ from the value yielded before, None for all of them; empty means "I have just checked
    with the server and nothing differs". `news` are the events that the source saw itself, in order.
    """

    value: T_co
    changed: frozenset[str] | None = None
    news: tuple[News, ...] = ()


def differing(before: Mapping[str, object], now: Mapping[str, object]) -> frozenset[str]:
    """The keys whose rows are other objects than before, those that came and those that went: what a source
    says in `Seen.changed`."""
    came = {key for key, row in now.items() if before.get(key) is not row}
    return frozenset(came | (before.keys() - now.keys()))


class State(enum.StrEnum):
    LOADING = "loading"
    """An attempt runs and the server has not spoken yet. With a value: the value of an earlier watch."""
    LIVE = "live"
    """The server confirmed the value within `quiet`."""
    STALE = "stale"
    """The server has been silent for longer than it may; the value is its last word."""
    UNREACHABLE = "unreachable"
    """The last attempt failed; the next is at `next_try`."""
    IDLE = "idle"
    """Nobody watches. Value and age are kept and never shown as live."""


ILL = frozenset({State.STALE, State.UNREACHABLE})
"""What was known is old: nobody says that it still holds."""

WORST_FIRST = (State.UNREACHABLE, State.STALE, State.LOADING, State.IDLE, State.LIVE)


class Reading(Struct, Generic[T_co], frozen=True):
    """A source's value and how true it is, at one moment.

    `at` is monotonic seconds (for ages) and `as_of` the wall clock (for people) of the last time that the
    *server* confirmed the value; both None before its first word. `error` is why it is not LIVE. `next_try`
    is monotonic seconds, None while an attempt runs. `abandoned` attempts were cancelled and would not end.
    """

    state: State = State.LOADING
    value: T_co | None = None
    at: float | None = None
    as_of: datetime | None = None
    error: BackendError | None = None
    next_try: float | None = None
    abandoned: int = 0

    @property
    def rows(self) -> Mapping[str, Any]:
        """Of a noun that has rows those that are known, by key."""
        return self.value if isinstance(self.value, Mapping) else {}


class FeedKey(NamedTuple):
    """Which feed: whose (`etcd/main`) and of what (`members`)."""

    source: str
    noun: str


Readings = Mapping[FeedKey, Reading[Any]]


def worst(readings: Iterable[Reading[Any]]) -> Reading[Any] | None:
    """The reading that should be trusted least; of equally bad ones the oldest."""
    return min(readings, key=_badness, default=None)


def worst_by_source(readings: Readings) -> dict[FeedKey, Reading[Any]]:
    """Of each source the worst feed: the one whose word stands for all of it."""
    found: dict[str, FeedKey] = {}
    for key, reading in readings.items():
        other = found.setdefault(key.source, key)
        if _badness(reading) < _badness(readings[other]):
            found[key.source] = key
    return {key: readings[key] for key in found.values()}


def _badness(reading: Reading[Any]) -> tuple[int, float]:
    return WORST_FIRST.index(reading.state), reading.at or 0.0
