"""What belongs together: a process, the unit that runs it, and its entry in etcd or ZooKeeper.

No backend knows another; here their rows meet, by host and pid and by host and port: `Index` over the rows of one
moment, and `Relations`, which a Watch keeps for its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from backends.api.members import Member
from backends.api.metrics import ScrapeTarget
from backends.api.nouns import Row
from backends.api.processes import Host, Process, Processes
from backends.api.readings import FeedKey, Readings
from backends.api.units import Unit
from backends.host_port import is_loopback, split

NOUNS = ("processes", "units", "members", "instances", "hosts")
"""What is joined."""
SAME_RUN = timedelta(seconds=5)
"""How much later than its unit's start a process may have begun and still be that start's: one that began later
has been given the pid of another."""
OWNED_LEAST = 1_000
"""Processes that are gone of which it is still known to which unit they belonged, at least."""
WILDCARDS = frozenset({"0.0.0.0", "::"})


class Related(NamedTuple):
    """A row that is about the same thing; `feed` is where it comes from."""

    row: Row
    feed: FeedKey


def related(row: Row, readings: Readings) -> list[Related]:
    """The rows that are about the same thing, by these readings."""
    return Index(readings).related(row)


class Index:
    """What the rows of some readings have to do with each other; each part is reckoned when first asked for."""

    def __init__(self, readings: Readings) -> None:
        self._units = [found for found in _rows(readings, "units") if isinstance(found.row, Unit)]
        self._processes = [found for found in _rows(readings, "processes") if isinstance(found.row, Process)]
        self._members = [
            found for found in _rows(readings, "members", "instances") if isinstance(found.row, Member)
        ]
        self._hosts = [found.row for found in _rows(readings, "hosts") if isinstance(found.row, Host)]

    def related(self, row: Row) -> list[Related]:
        """For a process its unit and its registrations, for a unit its process and theirs, for a member or an
        instance its process on this host and that one's unit, for a target whoever is at its address; where that
        is a name (`instance` may be called anything), the unit and the registrations of that name."""
        if isinstance(row, Process):
            return [*self._units_of((row,)), *self._registrations((row,))]
        if isinstance(row, Unit):
            mine = self._of_unit.get(row.key, [])
            return [*_top(mine), *self._registrations(found.row for found in mine)]
        if isinstance(row, Member) and row.address is not None:
            found = self._listeners(row.address)
            return [*found, *self._units_of(item.row for item in found)]
        if isinstance(row, ScrapeTarget):
            return self.at(row.instance) or self.named(row.instance)
        return []

    def listening_of(self, unit: Unit) -> tuple[str, ...]:
        """Where the processes of a unit listen."""
        mine = (found.row for found in self._of_unit.get(unit.key, []))
        return tuple(dict.fromkeys(a for row in mine if isinstance(row, Process) for a in row.listening or ()))

    def at(self, address: str) -> list[Related]:
        """Who is at an address: whoever is registered there, the unit that answers, its process."""
        there = self._by_address.get(address, [])
        listeners = self._listeners(address)
        return [*there, *self._units_of(found.row for found in listeners), *listeners]

    def named(self, name: str) -> list[Related]:
        """The units of a name, without their group, and who is registered under it."""
        return list(self._by_name.get(name, []))

    @cached_property
    def _by_name(self) -> dict[str, list[Related]]:
        """Units and members by their own names, units first."""
        there: dict[str, list[Related]] = {}
        for found in (*self._units, *self._members):
            if name := _own_name(found.row):
                there.setdefault(name, []).append(found)
        return there

    @cached_property
    def _by_address(self) -> dict[str, list[Related]]:
        """Who is registered at an address."""
        there: dict[str, list[Related]] = {}
        for found in self._members:
            if address := _address(found.row):
                there.setdefault(address, []).append(found)
        return there

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The key of each process's unit."""
        processes = {found.row.key: found.row for found in self._processes}
        units = [found.row for found in self._units]
        return {key: unit.key for key, unit in unit_by_process(processes, units).items()}  # type: ignore[arg-type]

    @cached_property
    def _of_unit(self) -> dict[str, list[Related]]:
        """The processes of each unit."""
        mine: dict[str, list[Related]] = {}
        for found in self._processes:
            owner = self._owners.get(found.row.key)
            if owner is not None:
                mine.setdefault(owner, []).append(found)
        return mine

    @cached_property
    def _by_port(self) -> dict[str, list[Related]]:
        """The processes that listen on a port, on whichever address."""
        there: dict[str, list[Related]] = {}
        for found in self._processes:
            for port in dict.fromkeys(split(listener)[1] for listener in _listening(found.row)):
                there.setdefault(port, []).append(found)
        return there

    @cached_property
    def _registered(self) -> dict[str, list[tuple[int, Related]]]:
        """The members and instances by the port of their address, numbered in their order."""
        there: dict[str, list[tuple[int, Related]]] = {}
        for number, found in enumerate(self._members):
            there.setdefault(split(_address(found.row))[1], []).append((number, found))
        return there

    @cached_property
    def _own_names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for host in self._hosts:
            names.setdefault(host.name, []).extend(host.addresses)
        return names

    def _answers(self, process: Row, address: str) -> bool:
        host = process.host if isinstance(process, Process) else ""
        own = (host, *self._own_names.get(host, ()))
        return any(is_same_place(address, listener, own) for listener in _listening(process))

    def _units_of(self, processes: Iterable[Row]) -> list[Related]:
        owners = [owner for row in processes if (owner := self._owners.get(row.key)) is not None]
        return [found for owner in owners for found in self._units if found.row.key == owner]

    def _listeners(self, address: str) -> list[Related]:
        """The processes of this host that answer at an address."""
        there = self._by_port.get(split(address)[1], [])
        return _top([found for found in there if self._answers(found.row, address)])

    def _registrations(self, processes: Iterable[Row]) -> list[Related]:
        """The members and instances whose address leads to one of the processes."""
        found = {}
        for process in processes:
            for port in {split(listener)[1] for listener in _listening(process)}:
                for number, item in self._registered.get(port, []):
                    if number not in found and self._answers(process, _address(item.row)):
                        found[number] = item
        return [item for _, item in sorted(found.items())]


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
    host, port = split(address.lower())
    at, its_port = split(listener.lower())
    if port != its_port or not port:
        return False
    loopback = is_loopback(host)
    if not loopback and host not in {name.lower() for name in own}:
        return False
    if at in WILDCARDS or at == host:
        return True
    # By a name one may come to each of its addresses, the loopback one too (Debian's 127.0.1.1).
    return is_loopback(at) if loopback else not _is_address(host)


class Relations:
    """The relations of one Watch; `readings` gives what its feeds say now."""

    def __init__(self, readings: Callable[[], Readings]) -> None:
        self._readings = readings
        self._filled: dict[str, tuple[Process, Process]] = {}
        self._owned: dict[str, str] = {}
        """The key of each process's unit, also of those that are gone, the last of them."""
        self._values: list[tuple[FeedKey, object]] = []
        self._present: Index | None = None

    def of(self, row: Row) -> list[Related]:
        """The rows that are about the same thing."""
        return self._index().related(row)

    def listening_of(self, unit: Unit) -> tuple[str, ...]:
        """Where the processes of a unit listen."""
        return self._index().listening_of(unit)

    def at(self, address: str) -> list[Related]:
        """Who is at an address (`host:port`)."""
        return self._index().at(address)

    def _index(self) -> Index:
        """Put together anew only where a reading has another value: a screen asks again and again."""
        readings = {key: reading for key, reading in self._readings().items() if key.noun in NOUNS}
        values = [(key, reading.value) for key, reading in readings.items()]
        same = len(values) == len(self._values) and all(
            key == old_key and value is old
            for (key, value), (old_key, old) in zip(values, self._values, strict=True)
        )
        if self._present is None or not same:
            self._values, self._present = values, Index(readings)
        return self._present

    def unit_of(self, process: str) -> str | None:
        """The key of the unit that a process belongs to, or did before it ended, by the process's key."""
        return self._owned.get(process)

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
            self._owned[key] = unit.key
        if len(self._owned) > 2 * len(filled) + OWNED_LEAST:
            self._owned = dict(islice(self._owned.items(), len(self._owned) - len(filled) - OWNED_LEAST, None))
        self._filled = filled
        return rows


def _rows(readings: Readings, *nouns: str) -> Iterator[Related]:
    for key, reading in readings.items():
        if key.noun in nouns and reading.value:
            for row in reading.value.values():
                yield Related(row, key)


def _same_run(process: Process, unit: Unit) -> bool:
    return process.started is None or unit.since is None or process.started <= unit.since + SAME_RUN


def _top(processes: list[Related]) -> list[Related]:
    """Those whose parent is not among them: a worker inherits its master's sockets."""
    rows = [found.row for found in processes if isinstance(found.row, Process)]
    pids = {(row.host, row.pid) for row in rows}
    tops = {row.key for row in rows if (row.host, row.ppid) not in pids}
    return [found for found in processes if found.row.key in tops]


def _listening(row: Row) -> tuple[str, ...]:
    return (row.listening or ()) if isinstance(row, Process) else ()


def _address(row: Row) -> str:
    return (row.address or "") if isinstance(row, Member) else ""


def names_of(row: Row) -> set[str]:
    """By what a unit or a member is called elsewhere: its name, also without its group; nothing else has any."""
    return {row.name, _own_name(row)} if isinstance(row, Unit | Member) else set()


def _own_name(row: Row) -> str:
    return row.name.rpartition(":")[2] if isinstance(row, Unit | Member) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
