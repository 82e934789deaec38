"""What a backend can do: one small Protocol per ability, inherited on purpose, and one row each in `ABILITIES`.

All but the calls on demand are sources for a Feed: async generators called anew for each attempt with the last
value that was taken from them. They yield `Seen`, raise `BackendError`, and never end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from backends.api.backend import Backend
from backends.api.feed import Pace, Source
from backends.api.models import (
    Alerts,
    Hosts,
    KeyChange,
    LogBatch,
    LogRecord,
    Members,
    Processes,
    Seen,
    Series,
    Targets,
    Units,
)

A = TypeVar("A")


class Membership(Protocol):
    """Knows a cluster's own servers."""

    def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        """The cluster's servers by key. One that does not answer keeps its row, with `trouble`; only when none
        of them answers does this raise (`Unreachable`). News: `leader`, `state`, `joined`, `left`."""
        ...


class Registry(Protocol):
    """Knows which instances registered themselves, by application group."""

    def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        """The instances of all configured groups by key, live. News: `joined` and `left` for each, in order,
        also for one that came and went between two looks."""
        ...

    def expected_sizes(self) -> Mapping[str, int]:
        """How many instances each group should have, where that is configured."""
        return {}


class ProcessTable(Protocol):
    def processes(self, last: Processes | None) -> AsyncGenerator[Seen[Processes], None]:
        """Every process of a host by key, none left out."""
        ...


class HostLoad(Protocol):
    def hosts(self, last: Hosts | None) -> AsyncGenerator[Seen[Hosts], None]:
        """Load, memory and uptime of the host or hosts that this backend sees."""
        ...


class Supervisor(Protocol):
    """Knows the units that it keeps running."""

    def units(self, last: Units | None) -> AsyncGenerator[Seen[Units], None]:
        """All units by key. News: `state` for each change, also for a restart between two looks."""
        ...


class Scraper(Protocol):
    """Knows what it scrapes."""

    def targets(self, last: Targets | None) -> AsyncGenerator[Seen[Targets], None]:
        """All active targets by key."""
        ...


class Alerting(Protocol):
    """Knows what is alarming."""

    def alerts(self, last: Alerts | None) -> AsyncGenerator[Seen[Alerts], None]:
        """The alerts that fire or are about to, by key. News: `alert` when one begins to fire or is over."""
        ...


class Metrics(Protocol):
    """Answers queries, in its own language. Plain awaits with the backend's timeout; cancelling one cancels
    the request. Each raises `BackendError`; `Misconfigured` where the query is wrong, with the server's words."""

    async def query(self, expression: str) -> tuple[Series, ...]:
        """The present value of each series: one point each."""
        ...

    async def query_range(
        self, expression: str, start: float, end: float, step: float, *, patience: float | None = None
    ) -> tuple[Series, ...]:
        """Values from `start` to `end` (unix seconds, both included) each `step` seconds. `patience` is how many
        seconds the answer may take where somebody waits for it: None is the backend's own timeout."""
        ...

    async def names(self) -> tuple[str, ...]:
        """The names of all metrics, for completion."""
        ...

    async def label_names(self) -> tuple[str, ...]:
        """The names of all labels, for completion."""
        ...


class Logs(Protocol):
    def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """Follow, beginning with the tail; `last.cursor` says where to go on. An empty batch with empty
        `changed` says "looked, nothing new"."""
        ...

    def history(self) -> AsyncGenerator[LogBatch, None]:
        """Every record from the first byte to the present end, then it ends; its last batch's cursor leads
        on into `logs`. For headless use; raises `BackendError`."""
        ...

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        """One record, parsed as far as it can be. Pure, never raises, called when a line is looked at."""
        ...


class KeyWatch(Protocol):
    def changes(self, prefix: bytes, last: int | None) -> AsyncGenerator[Seen[int], None]:
        """The changes below a prefix as news of `KeyChange`, each once and in the store's order; the value is
        the store's revision up to which all was seen. The first Seen says where it begins, without news."""
        ...


def ability(backend: Backend, protocol: type[A]) -> A | None:
    """The backend as something that can do `protocol`, or None.

    Inheritance decides, not the shape of the methods: a method with the right name and other arguments would
    pass `isinstance`.
    """
    return backend if protocol in type(backend).__mro__ else None  # type: ignore[return-value]


class Ability(Struct, frozen=True):
    """One thing that a Watch feeds: what the source is on a backend, and how patient its feed is."""

    protocol: type[Any]
    source: Callable[[Any], Source[Any]]
    pace: Pace


ABILITIES: dict[str, Ability] = {
    "members": Ability(Membership, lambda b: b.members, Pace(first=6, quiet=4, always=True)),
    "instances": Ability(Registry, lambda b: b.instances, Pace(first=6, quiet=4, always=True)),
    "processes": Ability(ProcessTable, lambda b: b.processes, Pace(quiet=8)),
    "hosts": Ability(HostLoad, lambda b: b.hosts, Pace(quiet=8, always=True)),
    "units": Ability(Supervisor, lambda b: b.units, Pace(first=6, quiet=5, always=True)),
    "targets": Ability(Scraper, lambda b: b.targets, Pace(first=6, quiet=8, always=True)),
    "alerts": Ability(Alerting, lambda b: b.alerts, Pace(first=6, quiet=8, always=True)),
    "logs": Ability(Logs, lambda b: b.logs, Pace(quiet=5)),
}
"""Every noun that has a feed, by the name that kinds and screens use for it."""

__all__ = [
    "ABILITIES",
    "Ability",
    "Alerting",
    "HostLoad",
    "KeyChange",
    "KeyWatch",
    "Logs",
    "Membership",
    "Metrics",
    "ProcessTable",
    "Registry",
    "Scraper",
    "Supervisor",
    "ability",
]
