"""What a backend can do: one small Protocol per ability, inherited on purpose, and one row each in `ABILITIES`.

All but the calls on demand are sources for a Feed: async generators called anew for each attempt with the last
value that was taken from them. They yield `Seen`, raise `BackendError`, and never end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from backends.api.actions import Action, Outcome, Permit, Target, Tell
from backends.api.alerts import Alerts
from backends.api.backend import Backend
from backends.api.feed import Source
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.members import Members
from backends.api.metrics import ScrapeTargets, Series
from backends.api.nouns import Row
from backends.api.pace import Pace
from backends.api.processes import Hosts, Processes
from backends.api.readings import Seen
from backends.api.runs import DeployRows, Plan, RunRows
from backends.api.units import Units

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
        """Load and memory of the host or hosts that this backend sees."""
        ...


class Supervisor(Protocol):
    """Knows the units that it keeps running."""

    def units(self, last: Units | None) -> AsyncGenerator[Seen[Units], None]:
        """All units by key. News: `state` for each change, also for a restart between two looks."""
        ...


class Scraper(Protocol):
    """Knows what it scrapes."""

    def targets(self, last: ScrapeTargets | None) -> AsyncGenerator[Seen[ScrapeTargets], None]:
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
        """The present value of each series: one point each, at most; its time is NaN where it is not known."""
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

    def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        """Every record from the first byte to the present end, then it ends; its last batch's cursor leads
        on into `logs`. Records from before `since`, and blocks that do not pass the `sieve`, may be left out
        where that saves work.

        With `beside` only what lies in that direction, in batches of about a block, the nearest first; within
        a batch the oldest line is the first one, and an empty batch says that nothing of what was read passes.
        A record whose end has not come is left out, as in `logs`.
        Where no block is named, `since` is about where to begin. Raises `BackendError`: `Unsupported` where the
        source keeps nothing that could be read so."""
        ...

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        """One record, parsed as far as it can be. Pure, never raises, called when a line is looked at."""
        ...

    def shown(self, data: bytes) -> bytes:
        """The lines of a block for people: what is searched, printed and copied, as many lines as came in. Pure,
        never raises. Itself, but where the system's own tool shows a record in other words."""
        return data

    def moments(self, block: LogBlock) -> list[int | None]:
        """For each line of a block the microseconds since 1970 that `parse` finds in it; None where it finds
        none. Called for every line where several origins are merged: 50,000 a second."""
        from backends.logs.moments import moments

        return moments(block, self.parse)


class Acting(Protocol):
    """Can change what it shows. `backends.changes.door` is the only caller of `perform`."""

    async def actions(self, row: Row) -> tuple[Action, ...]:
        """What can be done to a row now, the most usual first, none of it done. Empty where nothing can; what
        must never be done to it is there with `blocked`. Raises `BackendError` (`NotFound` where it is gone)."""
        ...

    def target(self, row: Row) -> Target:
        """The row as a target, with the identity that it has now. Pure. Raises `Refused` for one that has ended,
        and to which nothing can be done any more."""
        ...

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        """Make the change: `permit.use(action)`, then the call. Returns when the system has accepted it.

        Raises `Refused` where the target is no longer what it was; `Denied`, `NotFound`, `Conflict`,
        `Misconfigured`, `Unsupported` where nothing was changed; any other `BackendError` leaves it unknown.
        """
        ...

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """Read back what became of it; waits until that is decided. Changes nothing. Raises `BackendError`."""
        ...


class Deploys(Protocol):
    """Knows what can be rolled out. Whoever inherits it is `Acting` too: what `action` makes is for the door."""

    def deploys(self, last: DeployRows | None) -> AsyncGenerator[Seen[DeployRows], None]:
        """What can be rolled out, by key, each with its newest run. No news: they are those of its runs."""
        ...

    async def choices(self, param: str) -> tuple[str, ...]:
        """The values that a parameter may have; empty where it is a text. May run the configured command that
        lists them. Raises `Misconfigured` where that does not do."""
        ...

    async def plan(self, given: Mapping[str, str]) -> Plan:
        """What a run with these parameters would do; changes nothing. Raises `Misconfigured` with the parameter
        as `where`, and what was expected, for one that is missing, unknown or not allowed."""
        ...

    def action(self, plan: Plan) -> Action:
        """The plan as an action for the door, which can start one run at most. Pure."""
        ...


class Runs(Protocol):
    """Knows the runs of a deploy, those too that another midwatch of this account has started."""

    def runs(self, last: RunRows | None) -> AsyncGenerator[Seen[RunRows], None]:
        """The newest runs by key. News: `deploy` for each start, step and end, at the time of the journal."""
        ...

    def output(self, run: str) -> AsyncGenerator[LogBatch, None]:
        """What a run has printed, from the first byte, and then what comes, until it has ended; then it ends.

        Raises `NotFound`.
        """
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
    kind: str = ""
    """The kind that shows it, where that is not of its own name."""
    newsworthy: bool = False
    """Whether its changes are news: then its last value is remembered while its context is not open, and what
    became of it meanwhile is told."""


ABILITIES: dict[str, Ability] = {
    "members": Ability(Membership, lambda b: b.members, Pace(first=6, quiet=5, always=True), newsworthy=True),
    "instances": Ability(
        Registry, lambda b: b.instances, Pace(first=6, quiet=4, always=True), "members", newsworthy=True
    ),
    "processes": Ability(ProcessTable, lambda b: b.processes, Pace(quiet=8)),
    "hosts": Ability(HostLoad, lambda b: b.hosts, Pace(quiet=8, always=True), "processes"),
    "units": Ability(Supervisor, lambda b: b.units, Pace(first=6, quiet=5, always=True), newsworthy=True),
    "targets": Ability(Scraper, lambda b: b.targets, Pace(first=6, quiet=8, always=True), newsworthy=True),
    "alerts": Ability(Alerting, lambda b: b.alerts, Pace(first=6, quiet=8, always=True), newsworthy=True),
    "deploys": Ability(Deploys, lambda b: b.deploys, Pace(first=6, quiet=5, always=True)),
    "runs": Ability(Runs, lambda b: b.runs, Pace(first=6, quiet=5, always=True), newsworthy=True),
    "logs": Ability(Logs, lambda b: b.logs, Pace(quiet=5, always=True)),
}
"""Every noun that has a feed, by the name that kinds and screens use for it."""


def kind_of(noun: str) -> str:
    """The kind that shows a noun."""
    known = ABILITIES.get(noun)
    return noun if known is None or not known.kind else known.kind


__all__ = [
    "ABILITIES",
    "Ability",
    "Acting",
    "Alerting",
    "Deploys",
    "HostLoad",
    "KeyWatch",
    "Logs",
    "Membership",
    "Metrics",
    "ProcessTable",
    "Registry",
    "Runs",
    "Scraper",
    "Supervisor",
    "ability",
    "kind_of",
]
