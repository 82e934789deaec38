"""Every noun and how it is shown: one row each, read by the screens and by the headless tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backends.api.models import Detail, Host, Member, MemberState, Process, ProcessState, Reading, Role
from widgets.columns import Column, Kind, Look, Sight, standing, standing_look, text_of
from widgets.units import UNKNOWN, count, milliseconds, percent, since, size

MEMBER_LOOKS = {MemberState.UP: Look.GOOD, MemberState.DOWN: Look.BAD, MemberState.UNKNOWN: Look.WARN}
PROCESS_LOOKS = {
    ProcessState.RUNNING: Look.GOOD,
    ProcessState.STOPPED: Look.WARN,
    ProcessState.WAITING: Look.WARN,
    ProcessState.ZOMBIE: Look.BAD,
}
DOTS = {MemberState.UP: "●", MemberState.DOWN: "○", MemberState.UNKNOWN: "◌"}


def rfc3339(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def details(rows: tuple[Detail, ...]) -> list[tuple[str, str]]:
    return [(row.label, f"{text_of(row.value)} {row.unit}".strip()) for row in rows]


def clock_time(moment: datetime | None, sight: Sight) -> str:
    """Local time of day with its date where that is not today, and how long ago."""
    if moment is None:
        return UNKNOWN
    local = moment.astimezone()
    pattern = "%H:%M:%S" if local.date() == sight.wall.astimezone().date() else "%Y-%m-%d %H:%M:%S"
    return f"{local.strftime(pattern)}  ({since(moment, sight.wall)} ago)"


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
        ("role", row.role.value),
        ("source", row.source),
        ("group", text_of(row.group)),
        ("address", text_of(row.address)),
        ("version", text_of(row.version)),
    ]
    if row.trouble is not None:
        facts.insert(1, ("why", str(row.trouble.error)))
        facts.insert(2, ("last answer", clock_time(row.trouble.as_of, sight)))
        if row.trouble.error.hint:
            facts.insert(3, ("try", row.trouble.error.hint))
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
    group=lambda m: (m.group is not None, m.source, m.group or ""),
)


def _process_json(row: Process) -> dict[str, Any]:
    return {
        "id": row.key,
        "host": row.host,
        "pid": row.pid,
        "ppid": row.ppid,
        "name": row.name,
        "user": row.user,
        "state": None if row.state is None else row.state.value,
        "cpu": None if row.cpu is None else round(row.cpu, 1),
        "rss": row.rss,
        "started": rfc3339(row.started),
        "command": row.command,
        "unit": row.unit,
        "listening": None,
    }


def _process_facts(row: Process, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("command", row.command),
        ("state", standing(_state_word(row), row.trouble, sight)),
        ("pid", str(row.pid)),
        ("parent", str(row.ppid)),
        ("user", text_of(row.user)),
        ("host", row.host),
        ("started", clock_time(row.started, sight)),
        ("cpu", f"{percent(row.cpu)} % of one core"),
        ("cpu time", UNKNOWN if row.cpu_seconds is None else f"{row.cpu_seconds:.1f} s"),
        ("resident", size(row.rss)),
        ("threads", count(row.threads)),
        ("unit", text_of(row.unit)),
        *details(row.details),
    ]


def _state_word(row: Process) -> str:
    return UNKNOWN if row.state is None else row.state.value


def _process_heading(readings: Mapping[str, Reading[Any]], sight: Sight) -> str:
    for reading in readings.values():
        for host in (reading.value or {}).values():
            if isinstance(host, Host):
                return host_line(host)
    return ""


def host_line(host: Host) -> str:
    load = "load –" if host.load is None else "load " + " ".join(f"{value:.2f}" for value in host.load)
    used = None
    if host.memory_total is not None and host.memory_available is not None:
        used = host.memory_total - host.memory_available
    cores = "" if host.cores is None else f" on {host.cores} cores"
    return f"{host.name}  {load}{cores}  memory {size(used)} of {size(host.memory_total)}"


PROCESSES: Kind[Process] = Kind(
    name="processes",
    title="processes",
    aliases=("process", "proc", "ps", "p"),
    nouns=("processes",),
    aside=("hosts",),
    heading=_process_heading,
    columns=(
        Column("host", "HOST", lambda p, s: p.host, 10, sort=lambda p: p.host, drop=6),
        Column("pid", "PID", lambda p, s: str(p.pid), 7, sort=lambda p: p.pid, right=True),
        Column("user", "USER", lambda p, s: text_of(p.user), 8, sort=lambda p: p.user, drop=3),
        Column(
            "state",
            "STATE",
            lambda p, s: standing(_state_word(p), p.trouble, s),
            11,
            sort=lambda p: None if p.state is None else p.state.value,
            look=lambda p, s: standing_look(
                PROCESS_LOOKS.get(p.state, Look.PLAIN) if p.state else Look.DIM, p.trouble, s
            ),
        ),
        Column("cpu", "CPU%", lambda p, s: percent(p.cpu), 5, sort=lambda p: p.cpu, right=True, descending=True),
        Column("mem", "RSS", lambda p, s: size(p.rss), 6, sort=lambda p: p.rss, right=True, descending=True),
        Column(
            "time",
            "TIME",
            lambda p, s: UNKNOWN if p.cpu_seconds is None else f"{p.cpu_seconds:.0f}s",
            7,
            sort=lambda p: p.cpu_seconds,
            right=True,
            drop=5,
            descending=True,
        ),
        Column(
            "age",
            "UP",
            lambda p, s: since(p.started, s.wall),
            4,
            sort=lambda p: p.started,
            right=True,
            drop=2,
            descending=True,
        ),
        Column("command", "COMMAND", lambda p, s: p.command or p.name, 20, sort=lambda p: p.command, grow=True),
    ),
    json=_process_json,
    facts=_process_facts,
    sort="cpu",
    empty="no processes: this context has `local = false`",
    tie=lambda p: (p.host, p.pid, p.key),
    label=lambda p: f"{p.host} {p.pid} {p.name}",
)

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in (MEMBERS, PROCESSES)}


def kind_named(word: str) -> Kind[Any] | None:
    """A kind by its name or one of its aliases."""
    return next((kind for kind in KINDS.values() if word == kind.name or word in kind.aliases), None)
