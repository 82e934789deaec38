"""Facts that several kinds tell in the same way: times, troubles, details, a host's line."""

from __future__ import annotations

from datetime import datetime

from backends.api.details import Detail, Trouble
from backends.api.errors import BackendError
from backends.api.processes import Host
from backends.api.readings import ILL
from widgets.freshness import Sight
from widgets.quantities import UNKNOWN, since, size, three
from widgets.tables.columns import text_of


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


def begun(moment: datetime | None, sight: Sight) -> str:
    """The same of something that still holds, as far as is known: for how long it does."""
    if moment is None or sight.known == sight.wall:
        return clock_time(moment, sight)
    stamp = clock_time(moment, sight).partition("  ")[0]
    return f"{stamp}  (for {sight.lasting(moment)}, when it was last heard of)"


def unit_in_logs(name: str) -> tuple[str, ...]:
    """What a unit's own log is called: `web:web-1` writes `web-1.log`."""
    return tuple(dict.fromkeys(part for part in (name, name.rpartition(":")[2]) if part))


def why(trouble: Trouble | None, sight: Sight) -> list[tuple[str, str]]:
    """What is wrong with its source, else the row's own trouble: what it is, when it was last heard of, and what
    to try."""
    error: BackendError | None = None if trouble is None else trouble.error
    last = None if trouble is None else trouble.as_of
    if sight.state in ILL:
        error, last = sight.error, sight.as_of
    elif error is None:
        return []
    facts = [("why", "no answer" if error is None else str(error)), ("last answer", clock_time(last, sight))]
    return [*facts, ("try", error.hint)] if error is not None and error.hint else facts


def without_folder(command: str) -> str:
    """Of a program's name the folder has least to tell, and mostly the most letters."""
    program, space, rest = command.partition(" ")
    return command if not program.startswith("/") else program.rpartition("/")[2] + space + rest


def host_lines(host: Host) -> tuple[str, str]:
    """A host with its load and memory, and the same in fewer cells."""
    cores = "" if host.cores is None else f" on {host.cores}"
    memory = f"{size(_used(host))}/{size(host.memory_total)}"
    return f"{host.name}  {host_load(host)}", f"{host.name}  {_load(host)}{cores}  mem {memory}"


def host_load(host: Host) -> str:
    cores = "" if host.cores is None else f" on {host.cores} cores"
    return f"{_load(host)}{cores}  memory {size(_used(host))} of {size(host.memory_total)}"


def _load(host: Host) -> str:
    if host.load is None:
        return "load –"
    # Idle hosts have loads of 0.00, which do not jump to 0 and back.
    return "load " + " ".join(f"{value:.2f}" if value < 9.995 else three(value) for value in host.load)


def _used(host: Host) -> int | None:
    if host.memory_total is None or host.memory_available is None:
        return None
    return host.memory_total - host.memory_available
