"""Members: the servers of a cluster, and the instances that registered themselves in one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from backends.api.details import Detail, Trouble
from backends.api.quorum import Quorum


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

    `group` is the application group that an instance belongs to, None for the cluster's own servers. `role` is
    None where it is not known: of a server that does not answer nobody can tell whether it leads.
    `address` is the client's `host:port`, None where it is not known. `trouble` is set when this member did
    not answer in the last round although its source did.
    """

    key: str
    name: str
    source: str
    role: Role | None
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
    leader: str | None = None
    """The name of its cluster's leader by the word of those who answer: it need not be one of them."""
    leaderless: datetime | None = None
    """When it was first seen from here that its cluster has no leader, by the word of those who know. None where
    it has one, and where nobody can say: a leader that is not among the rows may be well."""
    created: int | None = None
    """Of an instance: the store's count (a revision, a zxid) at which it registered: another is a new life."""
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()


Members = Mapping[str, Member]
