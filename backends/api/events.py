"""Events: what changed, as one source saw it, and as the whole watch knows it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from backends.api.details import Detail


class EventKind(enum.StrEnum):
    JOINED = "joined"
    LEFT = "left"
    LEADER = "leader"
    STATE = "state"
    ALERT = "alert"
    SOURCE = "source"
    ERRORS = "errors"
    DEPLOY = "deploy"
    ACTION = "action"


class Event(Struct, frozen=True):
    """Something that changed, as one source saw it. `cluster` lets two witnesses of one cluster agree."""

    time: datetime
    kind: EventKind
    source: str
    target: str
    text: str
    cluster: str | None = None
    after_gap: bool = False
    bad: bool = False
    """Whether it is bad news: something is down, fires, has failed or is lost."""
    restart: bool = False
    """Whether a unit was started again; several of those in a short time are flapping."""
    asked_to_end: bool = False
    """Whether it is an action of ours that asked what it is `about` to end, and may have been heard."""
    about: tuple[str, str] | None = None
    """The noun and the key of the row that it is about, where its target's name does not say that by itself."""
    address: str | None = None
    """Where it is or was, `host:port`: of what comes and goes, as no row tells that any more when it is gone."""


class Occurrence(Struct, frozen=True):
    """An event as the whole watch knows it: told once, with every source that saw it (`witnesses`)."""

    key: str
    source: str
    """Who saw it first."""
    time: datetime
    kind: EventKind
    target: str
    text: str
    witnesses: tuple[str, ...]
    after_gap: bool = False
    """Derived after an outage of its source: it happened at some time before."""
    bad: bool = False
    restart: bool = False
    details: tuple[Detail, ...] = ()
    asked_to_end: bool = False
    about: tuple[str, str] | None = None
    address: str | None = None
    """All three as in `Event`."""
    at: float = 0.0
    """Monotonic seconds of when it happened, for order and age: `time` is for people, and their clocks jump."""


Occurrences = Mapping[str, Occurrence]
