"""This host: its processes, load and memory, from /proc (proc(5))."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from backends.api.actions import Action, Outcome, Permit, Target, Tell
from backends.api.backend import TIMEOUT, Backend, Check
from backends.api.capabilities import Acting, HostLoad, ProcessTable
from backends.api.details import Detail
from backends.api.errors import BackendError, NotFound
from backends.api.nouns import Row
from backends.api.processes import Host, Hosts, Process, Processes
from backends.api.readings import Seen, differing
from backends.api.settings import Settings
from backends.processes import proc
from backends.processes.proc_files import read, why
from backends.processes.table import PATIENCE, Table
from backends.threads import Threads

if TYPE_CHECKING:
    from backends.processes.signals import Signals

PROC = "/proc"
INTERVAL = 2.0
"""Seconds between two looks."""
ADDRESSES = 30.0
"""Seconds between two looks at this host's own addresses."""
MEBIBYTE = 1 << 20


class LocalSettings(Settings, frozen=True):
    """This host needs to be told nothing."""


class Local(Backend, ProcessTable, HostLoad, Acting):
    """The host that midwatch runs on; `Table.key` says how its processes are named."""

    kind: ClassVar[str] = "local"
    Settings: ClassVar[type[Settings]] = LocalSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._host = socket.gethostname().split(".")[0]
        self._table = Table(PROC, self._host, self.source)
        # Each has threads of its own, so that a process table that hangs leaves the load and the details.
        self._looking = Threads("processes", 3)
        self._measuring = Threads("host", 2)
        self._asking = Threads("details", 4)
        self._cpu: tuple[int, int] | None = None
        self._addresses: tuple[str, ...] = ()
        self._addresses_due = float("-inf")

    async def processes(self, last: Processes | None) -> AsyncGenerator[Seen[Processes], None]:
        before = last
        while True:
            seen = await self._look(before)
            yield seen
            before = seen.value
            await asyncio.sleep(INTERVAL)

    async def _look(self, before: Processes | None) -> Seen[Processes]:
        def look() -> Seen[Processes]:
            rows = self._table.look()
            return Seen(rows, None if before is None else differing(before, rows))

        looks: set[asyncio.Task[Seen[Processes]]] = set()
        try:
            while True:
                looks.add(asyncio.create_task(self._looking.run(look)))
                done, looks = await asyncio.wait(looks, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    return done.pop().result()
        finally:
            for task in looks:
                task.cancel()

    async def hosts(self, last: Hosts | None) -> AsyncGenerator[Seen[Hosts], None]:
        before = last
        while True:
            host = await self._measuring.run(self._measure)
            same = None if before is None else before.get(host.key)
            rows = {host.key: same if same == host else host}
            yield Seen(rows, None if before is None else differing(before, rows))
            before = rows
            await asyncio.sleep(INTERVAL)

    def _measure(self) -> Host:
        try:
            stat = read(f"{PROC}/stat", 1 << 22)
            total, available = proc.parse_memory(read(f"{PROC}/meminfo"))
            hidden = self._hidden()
        except OSError as error:
            raise why(error) from error
        cpu, before = proc.parse_cpu(stat), self._cpu
        self._cpu = cpu
        busy = None
        if cpu is not None and before is not None and cpu[1] > before[1]:
            busy = round(100 * (cpu[0] - before[0]) / (cpu[1] - before[1]), 1)
        return Host(
            key=self._host,
            name=self._host,
            source=self.source,
            load=os.getloadavg(),
            cores=os.cpu_count(),
            memory_total=total,
            # In steps that a reader could see, so that an idle host is the same object look after look.
            memory_available=None if available is None else available // MEBIBYTE * MEBIBYTE,
            cpu=busy,
            addresses=self._own_addresses(),
            details=(Detail("other users' processes", hidden),) if hidden else (),
        )

    def _own_addresses(self) -> tuple[str, ...]:
        now = time.monotonic()
        if now >= self._addresses_due:
            self._addresses, self._addresses_due = own_addresses(), now + ADDRESSES
        return self._addresses

    def _hidden(self) -> str:
        """Whether /proc hides what is not ours, as a phrase; empty where it doesn't."""
        how = proc.parse_hidepid(read(f"{PROC}/self/mounts", 1 << 20))
        return f"hidden (/proc is mounted with hidepid={how})" if how and os.geteuid() != 0 else ""

    async def check(self) -> tuple[Check, ...]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                text, hint = await self._asking.run(self._count)
        except BackendError as error:
            return (Check(PROC, False, error.reason, hint=error.hint),)
        except TimeoutError:
            return (Check(PROC, False, f"no answer within {self.timeout:g} s"),)
        return (Check(PROC, True, text, (time.monotonic() - started) * 1000, hint),)

    def _count(self) -> tuple[str, str]:
        # A table of its own: the feed's knows when it looked last, and percentages hang on that.
        table = Table(PROC, self._host, self.source)
        text = f"{len(table.look())} processes, boot {table.boot}"
        try:
            hidden = self._hidden()
        except OSError as error:
            raise why(error) from error
        if not hidden:
            return text, ""
        return (
            f"{text}; those of other users are {hidden}",
            "run midwatch as a member of the group in the mount's gid=, or as root",
        )

    @cached_property
    def _signals(self) -> Signals:
        # Imported with the first one: most watches end without any, and every start would pay for it.
        from backends.processes.signals import Signals

        return Signals(PROC, self.source, self._table.key, self.timeout)

    async def actions(self, row: Row) -> tuple[Action, ...]:
        return await self._signals.actions(row) if isinstance(row, Process) else ()

    def target(self, row: Row) -> Target:
        if isinstance(row, Process):
            return self._signals.target(row)
        return Target(self.source, "hosts", row.key, row.key, row.key)

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        await self._signals.perform(action, permit, tell)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        return await self._signals.look(action, tell)

    async def close(self) -> None:
        if "_signals" in self.__dict__:
            self._signals.close()

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if isinstance(row, Process):
            return ("ps", "-ww", "-p", str(row.pid), "-o", "pid,ppid,user:32,stat,pcpu,rss,lstart,args")
        return ("uptime",)

    async def raw(self, row: Row) -> str:
        """The files of /proc about a process, and what psutil knows beyond; never its environment, where
        passwords are. For the host, its memory."""
        try:
            async with asyncio.timeout(self.timeout):
                return await self._asking.run(lambda: self._raw(row))
        except TimeoutError:
            raise NotFound(
                f"no answer within {self.timeout:g} s", where=row.key, hint="the kernel holds it"
            ) from None

    def _raw(self, row: Row) -> str:
        if not isinstance(row, Process):
            return _show(f"{PROC}/meminfo")
        here = f"{PROC}/{row.pid}"
        self._identify(here, row)
        try:
            parts = [_show(f"{here}/{name}") for name in ("status", "cgroup", "limits", "io")]
            parts += [*_count_files(here), *_more(row.pid)]
        finally:
            # Between two files the pid may have been given to another process.
            self._identify(here, row)
        return "\n".join(parts)

    def _identify(self, here: str, row: Process) -> None:
        try:
            stat = proc.parse_stat(read(f"{here}/stat"))
        except (OSError, ValueError) as error:
            raise NotFound("the process is gone", where=f"pid {row.pid}") from error
        if self._table.key(stat) != row.key:
            raise NotFound("the process is gone; its pid belongs to another one now", where=f"pid {row.pid}")


def own_addresses() -> tuple[str, ...]:
    """The names and IP addresses of this host; no question to a name server is asked for them. Not by psutil,
    whose import is a tenth of what comes before the first row."""
    texts = []
    for name in ("fib_trie", "if_inet6"):
        try:
            texts.append(read(f"{PROC}/net/{name}", 1 << 22))
        except OSError:
            texts.append(b"")  # A kernel without that protocol.
    found = proc.parse_addresses(*texts)
    return (socket.gethostname(), *sorted(found - {"127.0.0.1", "::1"}))


def _show(path: str) -> str:
    try:
        return f"== {path}\n{read(path).decode('utf-8', 'replace')}"
    except OSError as error:
        return f"== {path}\n{error.strerror}\n"


def _count_files(here: str) -> list[str]:
    try:
        return [f"open files: {len(os.listdir(f'{here}/fd'))}"]
    except OSError as error:
        return [f"open files: {error.strerror}"]


def _more(pid: int) -> list[str]:
    """What psutil knows beyond one file."""
    import psutil

    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return []
    lines = []
    for label, what in (
        ("executable", process.exe),
        ("working directory", process.cwd),
        ("nice", process.nice),
        ("connections", lambda: len(process.net_connections())),
    ):
        try:
            lines.append(f"{label}: {what()}")
        except psutil.Error as error:
            lines.append(f"{label}: {type(error).__name__}")
    return lines
