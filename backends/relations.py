"""What belongs together: a process, the unit that runs it, and its entry in etcd or ZooKeeper.

No backend knows another; here their rows meet, by host and pid and by host and port. Pure functions over
readings, and `Relations`, which a Watch keeps for its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from backends.api.models import Host, Member, Process, Processes, Reading, Row, Unit
from backends.host_port import split

NOUNS = ("processes", "units", "members", "instances", "hosts")
"""What is joined."""
SAME_RUN = timedelta(seconds=5)
"""How much later than its unit's start a process may have begun and still be that start's: one that began later
has been given the pid of another."""
WILDCARDS = frozenset({"0.0.0.0", "::"})

Readings = Mapping[tuple[str, str], Reading[Any]]
"""By (source, noun)."""


class Related(NamedTuple):
    """A row that is about the same thing; `feed` is where it comes from: (source, noun)."""

    row: Row
    feed: tuple[str, str]


def related(row: Row, readings: Readings) -> list[Related]:
    """For a process its unit and its registrations, for a unit its process and theirs, for a member or an
    instance its process on this host and that one's unit."""
    if isinstance(row, Process):
        units = _units_of(row, readings)
        return [*units, *_registrations((row,), readings)]
    if isinstance(row, Unit):
        members = _members_of(row, readings)
        mains = [found for found in _rows(readings, "processes") if found.row.key in _top(members)]
        return [*mains, *_registrations(members, readings)]
    if isinstance(row, Member):
        processes = _listeners(row, readings)
        return [*processes, *(unit for found in processes for unit in _units_of(found.row, readings))]
    return []


def listening_of(unit: Unit, readings: Readings) -> tuple[str, ...]:
    """Where the processes of a unit listen."""
    return tuple(dict.fromkeys(a for process in _members_of(unit, readings) for a in process.listening or ()))


def unit_by_process(processes: Processes, units: Iterable[Unit]) -> dict[str, Unit]:
    """The unit of each process that has one, by the process's key: its own, else the nearest of its parents'."""
    by_pid = {(process.host, process.pid): process for process in processes.values()}
    found: dict[str, Unit | None] = {}
    for unit in units:
        main = by_pid.get((unit.host or "", unit.pid or 0))
        if main is not None and _same_run(main, unit):
            found[main.key] = unit
    if not found:
        return {}
    for process in processes.values():
        way = []
        here: Process | None = process
        while here is not None and here.key not in found:
            found[here.key] = None  # Met again: a circle, which a table that was read while it changed can have.
            way.append(here.key)
            here = by_pid.get((here.host, here.ppid))
        owner = None if here is None else found[here.key]
        for key in way:
            found[key] = owner
    return {key: unit for key, unit in found.items() if unit is not None}


def label(unit: Unit) -> str:
    """A unit's name with its source, as `Process.unit` has it."""
    return f"{unit.source} {unit.name}"


def is_same_place(address: str, listener: str, own: Iterable[str]) -> bool:
    """Whether whoever connects to `address` reaches a listener of this host, which is called `own`. All are
    `host:port`; a listener on every address (`0.0.0.0`, `[::]`) takes what comes to any of this host's."""
    host, port = split(address)
    at, its_port = split(listener)
    if port != its_port or not port:
        return False
    loopback = _is_loopback(host)
    if not loopback and host not in {name.lower() for name in own}:
        return False
    if at in WILDCARDS or at == host:
        return True
    # By a name one may come to each of its addresses, the loopback one too (Debian's 127.0.1.1).
    return _is_loopback(at) if loopback else not _is_address(host)


class Relations:
    """The relations of one Watch; `readings` gives what its feeds say now."""

    def __init__(self, readings: Callable[[], Readings]) -> None:
        self._readings = readings
        self._filled: dict[str, tuple[Process, Process]] = {}

    def of(self, row: Row) -> list[Related]:
        return related(row, self._readings())

    def listening_of(self, unit: Unit) -> tuple[str, ...]:
        return listening_of(unit, self._readings())

    def with_units(self, processes: Processes) -> Processes:
        """The processes, each with its unit; the same object for the same row, look after look."""
        units = [found.row for found in _rows(self._readings(), "units") if isinstance(found.row, Unit)]
        rows, filled = dict(processes), {}
        for key, unit in unit_by_process(processes, units).items():
            before, after = self._filled.get(key, (None, None))
            if before is not rows[key] or after is None or after.unit != label(unit):
                after = replace(rows[key], unit=rows[key].unit or label(unit))
            filled[key] = (rows[key], after)
            rows[key] = after
        self._filled = filled
        return rows


def _rows(readings: Readings, *nouns: str) -> Iterator[Related]:
    for (source, noun), reading in readings.items():
        if noun in nouns and reading.value:
            for row in reading.value.values():
                yield Related(row, (source, noun))


def _same_run(process: Process, unit: Unit) -> bool:
    return process.started is None or unit.since is None or process.started <= unit.since + SAME_RUN


def _owners(readings: Readings) -> dict[str, Unit]:
    units = [found.row for found in _rows(readings, "units") if isinstance(found.row, Unit)]
    processes = {found.row.key: found.row for found in _rows(readings, "processes")}
    return unit_by_process(processes, units)  # type: ignore[arg-type]


def _units_of(row: Row, readings: Readings) -> list[Related]:
    owner = _owners(readings).get(row.key)
    return [found for found in _rows(readings, "units") if owner is not None and found.row.key == owner.key]


def _members_of(unit: Unit, readings: Readings) -> list[Process]:
    """The processes of a unit."""
    owners = _owners(readings)
    return [
        found.row
        for found in _rows(readings, "processes")
        if isinstance(found.row, Process) and getattr(owners.get(found.row.key), "key", None) == unit.key
    ]


def _top(processes: Iterable[Process]) -> set[str]:
    """The keys of those whose parent is not among them: a worker inherits its master's sockets."""
    processes = list(processes)
    pids = {(process.host, process.pid) for process in processes}
    return {process.key for process in processes if (process.host, process.ppid) not in pids}


def _own_names(host: str, readings: Readings) -> list[str]:
    hosts = [found.row for found in _rows(readings, "hosts") if isinstance(found.row, Host)]
    return [host, *(name for row in hosts if row.name == host for name in row.addresses)]


def _listeners(member: Member, readings: Readings) -> list[Related]:
    """The processes of this host that answer at a member's address."""
    if member.address is None:
        return []
    found = [
        item
        for item in _rows(readings, "processes")
        if isinstance(item.row, Process)
        and item.row.listening
        and _answers(item.row, member.address, _own_names(item.row.host, readings))
    ]
    top = _top(item.row for item in found if isinstance(item.row, Process))
    return [item for item in found if item.row.key in top]


def _registrations(processes: Iterable[Process], readings: Readings) -> list[Related]:
    """The members and instances whose address leads to one of the processes."""
    listening = [process for process in processes if process.listening]
    names = {process.host: _own_names(process.host, readings) for process in listening}
    return [
        item
        for item in _rows(readings, "members", "instances")
        if isinstance(item.row, Member)
        and item.row.address is not None
        and any(_answers(process, item.row.address, names[process.host]) for process in listening)
    ]


def _answers(process: Process, address: str, own: Iterable[str]) -> bool:
    return any(is_same_place(address, listener, own) for listener in process.listening or ())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
