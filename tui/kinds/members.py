"""Members: the servers of a cluster, and the instances registered in it."""

from __future__ import annotations

from typing import Any

from backends.api.models import Member, MemberState, Role
from tui.kinds.common import details, why
from widgets.columns import Column, Kind, LogsOf, Look, Sight, standing, standing_look, text_of
from widgets.units import count, milliseconds, size

MEMBER_LOOKS = {MemberState.UP: Look.GOOD, MemberState.DOWN: Look.BAD, MemberState.UNKNOWN: Look.WARN}
DOTS = {MemberState.UP: "●", MemberState.DOWN: "○", MemberState.UNKNOWN: "◌"}


def _member_json(row: Member) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": row.group,
        "source": row.source,
        "role": row.role.value,
        "state": row.state.value,
        "address": row.address,
        "version": row.version,
        "db_size": row.db_size,
        "db_in_use": row.db_in_use,
        "raft_term": row.raft_term,
        "raft_index": row.raft_index,
        "latency_ms": None if row.latency_ms is None else round(row.latency_ms, 3),
        "alarms": list(row.alarms),
    }


def _member_facts(row: Member, sight: Sight) -> list[tuple[str, str]]:
    facts = [
        ("state", standing(row.state.value, row.trouble, sight)),
        *why(row.trouble, sight),
        ("role", row.role.value),
        ("source", row.source),
        ("group", text_of(row.group)),
        ("address", text_of(row.address)),
        ("version", text_of(row.version)),
    ]
    if row.group is None:
        facts += [
            ("round trip", milliseconds(row.latency_ms)),
            ("db size", size(row.db_size)),
            ("in use", size(row.db_in_use)),
            ("raft term", count(row.raft_term)),
            ("raft index", count(row.raft_index)),
            ("alarms", ", ".join(row.alarms) or "none"),
        ]
    return facts + details(row.details)


def _logs(row: Member) -> LogsOf:
    return LogsOf(
        (row.name, row.group or row.source.partition("/")[0]), None if row.trouble is None else row.trouble.as_of
    )


MEMBERS: Kind[Member] = Kind(
    name="members",
    title="members",
    aliases=("member", "memb", "m"),
    nouns=("members", "instances"),
    columns=(
        Column(
            "dot",
            "",
            lambda m, s: DOTS[m.state] if s.state.value == "live" else "◌",
            1,
            look=lambda m, s: standing_look(MEMBER_LOOKS[m.state], m.trouble, s),
        ),
        Column("name", "NAME", lambda m, s: m.name, 18, sort=lambda m: m.name),
        Column("group", "GROUP", lambda m, s: m.group or m.source, 12, sort=lambda m: m.group or m.source),
        Column(
            "role",
            "ROLE",
            lambda m, s: m.role.value,
            8,
            sort=lambda m: m.role.value,
            look=lambda m, s: Look.STRONG if m.role is Role.LEADER else Look.PLAIN,
        ),
        Column(
            "state",
            "STATE",
            lambda m, s: standing(m.state.value, m.trouble, s),
            15,
            sort=lambda m: m.state.value,
            look=lambda m, s: standing_look(MEMBER_LOOKS[m.state], m.trouble, s),
        ),
        Column("address", "ADDRESS", lambda m, s: text_of(m.address), 21, sort=lambda m: m.address),
        Column("version", "VERSION", lambda m, s: text_of(m.version), 8, sort=lambda m: m.version, drop=3),
        Column(
            "latency",
            "RTT",
            lambda m, s: milliseconds(m.latency_ms),
            6,
            sort=lambda m: m.latency_ms,
            right=True,
            drop=4,
            descending=True,
        ),
        Column(
            "db",
            "DB",
            lambda m, s: size(m.db_size),
            6,
            sort=lambda m: m.db_size,
            right=True,
            drop=5,
            descending=True,
        ),
        Column(
            "term", "TERM", lambda m, s: count(m.raft_term), 5, sort=lambda m: m.raft_term, right=True, drop=6
        ),
        Column(
            "index",
            "INDEX",
            lambda m, s: count(m.raft_index),
            9,
            sort=lambda m: m.raft_index,
            right=True,
            drop=7,
            descending=True,
        ),
        Column(
            "note",
            "",
            lambda m, s: " ".join(m.alarms) or (m.trouble.error.reason if m.trouble else ""),
            10,
            grow=True,
            drop=8,
            look=lambda m, s: Look.BAD,
        ),
    ),
    json=_member_json,
    facts=_member_facts,
    sort="group",
    empty="no members: this context has no etcd, or nothing has registered below its groups",
    tie=lambda m: (m.name, m.key),
    label=lambda m: f"{m.source} {m.name}",
    logs=_logs,
    group=lambda m: (m.group is not None, m.source, m.group or ""),
)
