"""How processes are shown, with the host's own line above them, and their JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backends.api.processes import Host, Process, ProcessState
from backends.api.readings import Reading
from tui.kinds.facts import clock_time, details, host_lines, rfc3339, unit_in_logs, why, without_folder
from widgets.freshness import Sight, standing, standing_look
from widgets.look import Look
from widgets.quantities import UNKNOWN, count, percent, size, span_text
from widgets.tables.columns import Column, Kind, LogsOf, text_of

PROCESS_LOOKS = {
    ProcessState.RUNNING: Look.GOOD,
    ProcessState.STOPPED: Look.WARN,
    ProcessState.WAITING: Look.WARN,
    ProcessState.ZOMBIE: Look.BAD,
}


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
        "listening": None if row.listening is None else list(row.listening),
    }


def _process_facts(row: Process, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("command", row.command),
        ("state", standing(_state_word(row), row.trouble, sight)),
        *why(row.trouble, sight),
        ("pid", str(row.pid)),
        ("parent", str(row.ppid)),
        ("user", text_of(row.user)),
        ("host", row.host),
        ("started", clock_time(row.started, sight)),
        ("cpu", f"{percent(row.cpu)} % of one core"),
        ("cpu time", UNKNOWN if row.cpu_seconds is None else span_text(row.cpu_seconds)),
        ("resident", size(row.rss)),
        ("threads", count(row.threads)),
        ("unit", text_of(row.unit)),
        ("listening", listening_text(row)),
        *details(row.details),
    ]


def listening_text(row: Process) -> str:
    return UNKNOWN if row.listening is None else ", ".join(row.listening) or "nowhere"


def ports(row: Process) -> str:
    """Only the ports: the addresses are in the detail."""
    if row.listening is None:
        return UNKNOWN
    return " ".join(dict.fromkeys(":" + address.rpartition(":")[2] for address in row.listening))


def _first_port(row: Process) -> int | None:
    return int(row.listening[0].rpartition(":")[2]) if row.listening else None


def _unit_name(row: Process) -> str:
    """Without its source, which is in the detail."""
    return (row.unit or "").partition(" ")[2]


def _state_word(row: Process) -> str:
    return UNKNOWN if row.state is None else row.state.value


def _brief(row: Process, sight: Sight) -> tuple[str, ...]:
    unit = f"  under {row.unit}" if row.unit else ""
    up = f"up {sight.lasting(row.started)}"
    told = f"{row.host}  pid {row.pid}  {text_of(row.user)}  {up}{unit}"
    return (told, row.command) if row.command else (told,)


def _process_heading(readings: Iterable[Reading[Any]]) -> tuple[str, ...]:
    for reading in readings:
        for host in reading.rows.values():
            if isinstance(host, Host):
                return host_lines(host)
    return ()


PROCESSES: Kind[Process] = Kind(
    name="processes",
    title="processes",
    nouns=("processes",),
    aside=("hosts",),
    beside=("units",),
    heading=_process_heading,
    columns=(
        Column("host", "HOST", lambda p, s: p.host, 10, sort=lambda p: p.host, drop=6),
        Column("pid", "PID", lambda p, s: str(p.pid), 7, sort=lambda p: p.pid, right=True),
        Column("user", "USER", lambda p, s: text_of(p.user), 8, sort=lambda p: p.user, drop=4),
        Column(
            "state",
            "STATE",
            lambda p, s: standing(_state_word(p), p.trouble, s),
            11,
            sort=lambda p: None if p.state is None else p.state.value,
            look=lambda p, s: standing_look(
                PROCESS_LOOKS.get(p.state, Look.PLAIN) if p.state else Look.DIM, p.trouble, s
            ),
            # How old what was known is stands in the title too.
            shorter=lambda text: text.partition(" ")[0],
        ),
        Column("cpu", "CPU%", lambda p, s: percent(p.cpu), 5, sort=lambda p: p.cpu, right=True, descending=True),
        Column("mem", "RSS", lambda p, s: size(p.rss), 6, sort=lambda p: p.rss, right=True, descending=True),
        Column(
            "time",
            "TIME",
            lambda p, s: UNKNOWN if p.cpu_seconds is None else span_text(p.cpu_seconds),
            7,
            sort=lambda p: p.cpu_seconds,
            right=True,
            drop=5,
            descending=True,
        ),
        Column(
            "age",
            "UP",
            lambda p, s: s.lasting(p.started),
            4,
            sort=lambda p: p.started,
            right=True,
            drop=2,
            descending=True,
        ),
        Column(
            "unit",
            "UNIT",
            lambda p, s: _unit_name(p),
            16,
            sort=lambda p: p.unit,
            drop=3,
            sparing=True,
            more=8,
            ends=True,
        ),
        Column("listening", "LISTENS", lambda p, s: ports(p), 13, sort=_first_port, drop=7, sparing=True),
        Column(
            "command",
            "COMMAND",
            lambda p, s: p.command or p.name,
            20,
            sort=lambda p: p.command,
            grow=True,
            shorter=without_folder,
        ),
    ),
    brief=_brief,
    json=_process_json,
    facts=_process_facts,
    sort="cpu",
    empty="no processes: this context has `local = false`",
    none="no processes: none can be seen in /proc",
    tie=lambda p: (p.host, p.pid, p.key),
    label=lambda p: f"{p.host} {p.pid} {p.name}",
    logs=lambda p: LogsOf(unit_in_logs(_unit_name(p)), wider=(p.name,)),
)
