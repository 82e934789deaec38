"""What a metrics server scrapes, and the series that it answers with."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from backends.api.details import Detail, Trouble


class TargetState(enum.StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class ScrapeTarget(Struct, frozen=True):
    """What a metrics server scrapes."""

    key: str
    source: str
    job: str
    instance: str
    state: TargetState
    last_scrape: datetime | None = None
    error: str | None = None
    """Why the last scrape failed, in the server's words."""
    since: datetime | None = None
    """When it entered this state, as far as that was seen."""
    address: str | None = None
    """Where it is scraped (`host:port`), whatever `instance` calls it; None where that is not told."""
    labels: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


ScrapeTargets = Mapping[str, ScrapeTarget]


class Series(Struct, frozen=True):
    """One time series: unix seconds and values, in order of time. A gap is a missing point."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
