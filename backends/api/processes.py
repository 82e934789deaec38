"""Processes, and the hosts that they run on."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from backends.api.details import Detail, Trouble


class ProcessState(enum.StrEnum):
    RUNNING = "running"
    SLEEPING = "sleeping"
    WAITING = "waiting"
    """Uninterruptible: mostly waiting for a disk (`D`)."""
    STOPPED = "stopped"
    ZOMBIE = "zombie"


class Process(Struct, frozen=True):
    """One process of one host. `key` is host, pid, start time and boot in one string: a pid alone is reused."""

    key: str
    source: str
    host: str
    pid: int
    ppid: int
    name: str
    user: str | None
    state: ProcessState | None
    cpu: float | None
    """Percent of one core since the last look; None at the first."""
    rss: int | None
    """Resident bytes."""
    started: datetime | None
    command: str
    """The whole command line, arguments joined by one space; `[name]` for a kernel thread."""
    unit: str | None = None
    """The unit that it belongs to, itself or through its parents: source and name ("supervisord/main web:web-1");
    filled in by `backends.relations`, which knows both."""
    listening: tuple[str, ...] | None = None
    """Where it listens on TCP, as `host:port`; None where that may not be known (another user's process)."""
    threads: int | None = None
    cpu_seconds: float | None = None
    """CPU time used since its start."""
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


class Host(Struct, frozen=True):
    """A machine as a whole. Sizes in bytes, load as the kernel gives it (1, 5, 15 min)."""

    key: str
    name: str
    source: str
    load: tuple[float, float, float] | None
    cores: int | None
    memory_total: int | None
    memory_available: int | None
    cpu: float | None = None
    """Percent of all cores since the last look; None at the first."""
    addresses: tuple[str, ...] = ()
    """Its own names and IP addresses, loopback left out: what others may call it by."""
    details: tuple[Detail, ...] = ()


Processes = Mapping[str, Process]

Hosts = Mapping[str, Host]
