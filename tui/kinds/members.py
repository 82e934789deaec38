"""How members are shown, the servers of a cluster and the instances registered in it, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.members import Member, MemberState, Role
from backends.api.readings import State
from tui.kinds.facts import clock_time, details, why
from tui.kinds.log_names import names_in_logs
from tui.kinds.states import state_column
from widgets.freshness import Sight, standing, standing_look
from widgets.look import Look
from widgets.quantities import UNKNOWN, count, milliseconds, size
from widgets.tables.columns import Column, Kind, LogsOf, text_of

MEMBER_LOOKS = {MemberState.UP: Look.GOOD, MemberState.DOWN: Look.BAD, MemberState.UNKNOWN: Look.WARN}
DOTS = {MemberState.UP: "●", MemberState.DOWN: "○", MemberState.UNKNOWN: "◌"}


def _member_json(row: Member) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": row.group,
        "source": row.source,
        "role": None if row.role is None else row.role.value,
        "state": row.state.value,
        "address": row.address,
        "version": row.version,
        "db_size": row.db_size,
        "db_in_use": row.db_in_use,
        "raft_term": row.raft_term,
        "raft_index": row.raft_index,
        "zxid": row.zxid,
        "lag": row.lag,
        "connections": row.connections,
        "latency_ms": None if row.latency_ms is None else round(row.latency_ms, 3),
        "alarms": list(row.alarms),
    }


def _member_facts(row: Member, sight: Sight) -> list[tuple[str, str]]:
    facts = [
        ("state", standing(row.state.value, row.trouble, sight)),
        *why(row.trouble, sight),
        ("role", text_of(row.role)),
        ("source", row.source),
        *([] if row.group is None else [("group", row.group)]),
        ("address", text_of(row.address)),
        ("version", text_of(row.version)),
    ]
    if row.group is None:
        facts += [("round trip", milliseconds(row.latency_ms)), *_store_facts(row), *_ensemble_facts(row)]
        facts += [("alarms", ", ".join(row.alarms))] if row.alarms else []
        facts += [("cluster", row.cluster)] if row.cluster is not None else []
        facts += [("quorum", str(row.quorum))] if row.quorum is not None else []
        facts += [("leader", row.leader)] if row.leader is not None else []
        facts += [("no leader", f"since {clock_time(row.leaderless, sight)}")] if row.leaderless else []
    return facts + details(row.details)


def _store_facts(row: Member) -> list[tuple[str, str]]:
    """Of a system that has a raft log; what another one does not have is not unknown."""
    if (row.db_size, row.raft_term, row.raft_index) == (None, None, None):
        return []
    return [
        ("db size", size(row.db_size)),
        ("in use", size(row.db_in_use)),
        ("raft term", count(row.raft_term)),
        ("raft index", count(row.raft_index)),
    ]


def _ensemble_facts(row: Member) -> list[tuple[str, str]]:
    """Of a system that counts by zxid."""
    if (row.zxid, row.connections) == (None, None):
        return []
    behind = UNKNOWN if row.lag is None else f"{count(row.lag)} transactions behind the leader"
    return [("zxid", _log(row)), ("lag", behind), ("connections", count(row.connections))]


def _term(row: Member) -> int | None:
    """raft's term; the epoch is the same in ZooKeeper, and stands in the upper half of a zxid."""
    return row.raft_term if row.zxid is None else row.zxid >> 32


def _position(row: Member) -> int | None:
    return row.raft_index if row.zxid is None else row.zxid


def _log(row: Member) -> str:
    """How far its log is: a zxid as ZooKeeper writes it."""
    return count(row.raft_index) if row.zxid is None else f"{row.zxid:#x}"


def _where(row: Member) -> str:
    """Its group with the system in which it is registered there (it may be in two); a server's own cluster."""
    return row.source if row.group is None else f"{row.group}  {row.source.partition('/')[0]}"


def _logs(row: Member) -> LogsOf:
    when = None if row.trouble is None else row.trouble.as_of
    return LogsOf(names_in_logs(row), when, wider=(row.group or row.source.partition("/")[0],))


MEMBERS: Kind[Member] = Kind(
    name="members",
    title="members",
    nouns=("members", "instances"),
    columns=(
        Column(
            "dot",
            "",
            lambda m, s: DOTS[m.state] if s.state.value == "live" else "◌",
            1,
            look=lambda m, s: standing_look(MEMBER_LOOKS[m.state], m.trouble, s),
        ),
        Column("name", "NAME", lambda m, s: m.name, 15, sort=lambda m: m.name, more=12, ends=True),
        Column("group", "GROUP", lambda m, s: _where(m), 14, sort=_where, drop=1, more=8),
        Column(
            "role",
            "ROLE",
            lambda m, s: text_of(m.role),
            8,
            sort=lambda m: m.role,
            drop=3,
            look=lambda m, s: Look.STRONG if m.role is Role.LEADER and s.state is State.LIVE else Look.PLAIN,
        ),
        state_column(MEMBER_LOOKS),
        Column(
            "address", "ADDRESS", lambda m, s: text_of(m.address), 21, sort=lambda m: m.address, drop=2, more=18
        ),
        Column("version", "VERSION", lambda m, s: text_of(m.version), 8, sort=lambda m: m.version, drop=4),
        Column(
            "latency",
            "RTT",
            lambda m, s: milliseconds(m.latency_ms),
            6,
            sort=lambda m: m.latency_ms,
            right=True,
            drop=5,
            descending=True,
        ),
        Column(
            "db",
            "DB",
            lambda m, s: size(m.db_size),
            6,
            sort=lambda m: m.db_size,
            right=True,
            drop=6,
            descending=True,
        ),
        Column("term", "TERM", lambda m, s: count(_term(m)), 5, sort=_term, right=True, drop=7),
        Column(
            "index",
            "INDEX",
            lambda m, s: _log(m),
            11,
            sort=_position,
            right=True,
            drop=8,
            descending=True,
        ),
        Column(
            "note",
            "",
            lambda m, s: " ".join(m.alarms) or (m.trouble.error.reason if m.trouble else ""),
            10,
            grow=True,
            drop=9,
            look=lambda m, s: Look.BAD,
        ),
    ),
    json=_member_json,
    facts=_member_facts,
    sort="group",
    empty="no members: this context has no etcd (etcd.NAME with its endpoints) and no ZooKeeper (zookeeper.NAME "
    "with its hosts)",
    none="no members: none is known, and nothing has registered below the groups of this context",
    tie=lambda m: (m.name, m.key),
    label=lambda m: f"{m.source} {m.name}",
    logs=_logs,
    group=lambda m: (m.group is not None, m.source, m.group or ""),
)
