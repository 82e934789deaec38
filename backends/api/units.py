"""The noun of units: what a supervisor keeps running."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from backends.api.details import Detail, Trouble


class UnitState(enum.StrEnum):
    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Unit(Struct, frozen=True):
    """Something that a supervisor keeps running. `native` is the supervisor's own word for its state."""

    key: str
    name: str
    source: str
    host: str | None
    state: UnitState
    native: str
    pid: int | None = None
    since: datetime | None = None
    """When it entered this state."""
    restarts: int | None = None
    """How often it was started again, as far as that was seen; None where the supervisor does not tell."""
    exit: int | None = None
    """Its last exit status; minus the signal's number where it was killed by one."""
    enabled: bool | None = None
    spawn_error: str | None = None
    """Why its last start or run failed, in the supervisor's words."""
    frozen: bool = False
    """Whether its process is stopped by a signal: it runs for its supervisor, and does nothing. Known only of a
    process of this host."""
    frozen_since: datetime | None = None
    """When that was seen to happen; None where it was found so."""
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


Units = Mapping[str, Unit]
