"""The nouns: frozen facts about production, as every backend yields and every view reads them.

`None` is always "unknown", never zero. A field that two systems have is a field here; what only one has goes
into `details`, so that leader, term, quorum and session are not lost to a common denominator. Strings come
from outside and are hostile: they are kept as they came (undecodable bytes replaced) and made safe where they
are drawn or printed (`backends.clean`), never here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct, field

from backends.api.errors import BackendError, Silent
from backends.api.quorum import Quorum
from backends.api.runs import Deploy, Run

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Detail(Struct, frozen=True):
    """A fact that only one system has: a label in that system's own word, a value, and the value's unit."""

    label: str
    value: str | int | float | bool | None
    unit: str = ""


class Trouble(Struct, frozen=True):
    """Why one row is not as fresh as the rest of its source.

    `since` is monotonic seconds of the row's last own confirmation (None: it has never answered).
    """

    error: BackendError
    since: float | None = None
    as_of: datetime | None = None

    def word(self, state: str) -> str:
        """The one word for a row in this trouble: its state's, but where it only keeps silent."""
        return self.error.word if isinstance(self.error, Silent) else state


class MemberState(enum.StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Role(enum.StrEnum):
    LEADER = "leader"
    FOLLOWER = "follower"
    LEARNER = "learner"
    OBSERVER = "observer"
    STANDALONE = "standalone"
    MEMBER = "member"


class Member(Struct, frozen=True):
    """A server of a cluster, or an instance that registered itself in one.

    `group` is the application group that an instance belongs to, None for the cluster's own servers.
    `address` is the client's `host:port`, None where it is not known. `trouble` is set when this member did
    not answer in the last round although its source did.
    """

    key: str
    name: str
    source: str
    role: Role
    state: MemberState
    group: str | None = None
    address: str | None = None
    version: str | None = None
    db_size: int | None = None
    """Bytes of the store on disk."""
    db_in_use: int | None = None
    """Bytes of the store in use; the rest comes back with a defragmentation."""
    raft_term: int | None = None
    raft_index: int | None = None
    zxid: int | None = None
    """ZooKeeper's last transaction."""
    lag: int | None = None
    """Transactions behind the leader."""
    connections: int | None = None
    latency_ms: float | None = None
    alarms: tuple[str, ...] = ()
    """The system's own words."""
    alarmed: datetime | None = None
    """When the first of its alarms was first seen from here; None without one."""
    cluster: str | None = None
    """The cluster's own id, where the system has one: by it two sources know that they watch the same one."""
    quorum: Quorum | None = None
    """Of its cluster; None where that has none, or it is not known."""
    leaderless: datetime | None = None
    """When it was first seen from here that its cluster has no leader, by the word of those who know. None where
    it has one, and where nobody can say: a leader that is not among the rows may be well."""
    created: int | None = None
    """Of an instance: the store's count (a revision, a zxid) at which it registered: another is a new life."""
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


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
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


class TargetState(enum.StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Target(Struct, frozen=True):
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
    labels: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


class AlertState(enum.StrEnum):
    FIRING = "firing"
    PENDING = "pending"
    SILENCED = "silenced"
    INHIBITED = "inhibited"


class Alert(Struct, frozen=True):
    """One alert of one rule, with its labels. `severity` is the label of that name."""

    key: str
    source: str
    name: str
    state: AlertState
    severity: str | None = None
    since: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()

    @property
    def summary(self) -> str:
        """What it says in words, in one line; "" where its rule says nothing."""
        said = next((self.annotations[name] for name in SUMMARIES if self.annotations.get(name)), "")
        return " ".join(said.split())

    @property
    def on(self) -> str | None:
        """What it is about, as far as a usual label says so."""
        return next((self.labels[name] for name in SUBJECTS if self.labels.get(name)), None)


SUMMARIES = ("summary", "description", "message")
"""The annotations that say in words what is wrong, by custom of most rules."""
SUBJECTS = ("instance", "pod", "service", "job", "node", "host")
"""The labels that name what an alert is about, from the one thing to the many."""


class Series(Struct, frozen=True):
    """One time series: unix seconds and values, in order of time. A gap is a missing point."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


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
    about: tuple[str, str] | None = None
    """The noun and the key of the row that it is about, where its target's name does not say that by itself."""


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
    about: tuple[str, str] | None = None
    """As in `Event`."""
    at: float = 0.0
    """Monotonic seconds of when it happened, for order and age: `time` is for people, and their clocks jump."""


class ChangeKind(enum.StrEnum):
    PUT = "put"
    DELETE = "delete"
    GAP = "gap"
    """History between the last change and this one is gone; `text` of the value says why."""


class KeyChange(Struct, frozen=True):
    """One change of one key in a store, in the store's own order."""

    time: datetime
    kind: ChangeKind
    key: bytes
    version: int | None
    modified: int | None
    """The store's revision (etcd: mod_revision) of this change."""
    value: bytes | None


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


Members = Mapping[str, Member]
Processes = Mapping[str, Process]
Hosts = Mapping[str, Host]

Units = Mapping[str, Unit]
Targets = Mapping[str, Target]
Alerts = Mapping[str, Alert]
Occurrences = Mapping[str, Occurrence]

Row = Member | Process | Host | Unit | Target | Alert | Occurrence | Deploy | Run
"""Anything that the one resource screen can show: it has a `key` and a `source`."""
