"""This host: its processes, load and memory, from /proc (proc(5))."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from backends.api.backend import Backend, Check
from backends.api.capabilities import HostLoad, ProcessTable
from backends.api.errors import Denied, NotFound, Unreachable, Unsupported
from backends.api.models import Detail, Host, Hosts, Process, Processes, Row, Seen, differing
from backends.api.settings import Settings
from backends.processes import proc

PROC = Path("/proc")
INTERVAL = 2.0
"""Seconds between two looks."""
REREAD = 20
"""Looks within which every process's title is read again: it can change without a trace in `stat`."""


class LocalSettings(Settings, frozen=True):
    """This host needs to be told nothing."""


class Local(Backend, ProcessTable, HostLoad):
    """The host that midwatch runs on.

    A process's key is `HOST/PID/START/BOOT`: start in clock ticks since boot and the first eight digits of
    the boot id, so that a pid that was given out again is another process.
    """

    kind: ClassVar[str] = "local"
    Settings: ClassVar[type[Settings]] = LocalSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._host = socket.gethostname().split(".")[0]
        # One thread for the processes, one for everything else: a stuck /proc must not pile up threads.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="local")
        self._table = _Table(self._host, self.source)
        self._cpu: tuple[int, int] | None = None

    async def processes(self, last: Processes | None) -> AsyncGenerator[Seen[Processes], None]:
        loop = asyncio.get_running_loop()
        before = last
        while True:
            rows = await loop.run_in_executor(self._pool, self._table.look, before or {})
            yield Seen(rows, None if before is None else differing(before, rows))
            before = rows
            await asyncio.sleep(INTERVAL)

    async def hosts(self, last: Hosts | None) -> AsyncGenerator[Seen[Hosts], None]:
        loop = asyncio.get_running_loop()
        before = last
        while True:
            host = await loop.run_in_executor(self._pool, self._host_now)
            rows = {host.key: host}
            changed = None if before is None else differing(before, rows)
            yield Seen(rows, changed)
            before = rows
            await asyncio.sleep(INTERVAL)

    def _host_now(self) -> Host:
        try:
            stat = (PROC / "stat").read_bytes()
            total, available = proc.parse_memory((PROC / "meminfo").read_bytes())
            uptime = float((PROC / "uptime").read_bytes().split()[0])
        except OSError as error:
            raise _why(error) from error
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
            memory_available=available,
            uptime=uptime // 60 * 60,
            cpu=busy,
        )

    async def check(self) -> tuple[Check, ...]:
        started = time.monotonic()
        try:
            rows = await asyncio.get_running_loop().run_in_executor(self._pool, self._table.look, {})
        except (Unreachable, Unsupported, Denied) as error:
            return (Check(str(PROC), False, error.reason, hint=error.hint),)
        spent = (time.monotonic() - started) * 1000
        text = f"{len(rows)} processes"
        if os.geteuid() != 0 and not any(row.pid == 1 for row in rows.values()):
            text += "; processes of other users are hidden (hidepid)"
        return (Check(str(PROC), True, text, spent),)

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if isinstance(row, Process):
            return ("ps", "-p", str(row.pid), "-o", "pid,ppid,user,stat,pcpu,rss,lstart,args")
        return ("uptime",)

    async def raw(self, row: Row) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._raw, row)

    def _raw(self, row: Row) -> str:
        if not isinstance(row, Process):
            return (PROC / "meminfo").read_text(errors="replace")
        here = PROC / str(row.pid)
        try:
            stat = proc.parse_stat((here / "stat").read_bytes())
            if self._table.key(stat) != row.key:
                raise NotFound("the process is gone; its pid belongs to another one now", where=str(row.pid))
            parts = [_show(here / name) for name in ("status", "cgroup", "limits", "io")]
        except (OSError, ValueError) as error:
            raise NotFound("the process is gone", where=f"pid {row.pid}") from error
        return "\n".join([*parts, *_more(row.pid)])

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Table:
    """The process table between two looks: what a look costs anew is one `stat` a process."""

    def __init__(self, host: str, source: str) -> None:
        self._host, self._source = host, source
        self._boot = ""
        self._booted: float | None = None
        self._ticks: dict[str, int] = {}
        self._when = 0.0
        self._looks = 0
        self._users: dict[int, str] = {}

    def key(self, stat: proc.Stat) -> str:
        return f"{self._host}/{stat.pid}/{stat.start}/{self._boot}"

    def look(self, before: Processes) -> dict[str, Process]:
        """Every process now; one whose facts are as they were is the same object as before.

        Raises `Unsupported` where there is no /proc, `Denied` or `Unreachable` where it can't be read.
        """
        self._learn_boot()
        now = time.monotonic()
        spent, self._when = now - self._when if self._when else None, now
        self._looks += 1
        try:
            pids = [entry for entry in os.listdir(PROC) if entry.isdigit()]
        except OSError as error:
            raise _why(error) from error
        rows: dict[str, Process] = {}
        ticks: dict[str, int] = {}
        for pid in pids:
            try:
                stat = proc.parse_stat(_read(f"{PROC}/{pid}/stat"))
            except (OSError, ValueError):
                continue  # It ended between the listing and now: it is not there any more.
            key = self.key(stat)
            ticks[key] = stat.ticks
            row = self._row(stat, key, before.get(key), spent)
            rows[key] = row
        self._ticks = ticks
        return rows

    def _row(self, stat: proc.Stat, key: str, before: Process | None, spent: float | None) -> Process:
        had = self._ticks.get(key)
        cpu = None if had is None or not spent else round(100 * (stat.ticks - had) / proc.TICKS / spent, 1)
        state = proc.STATES.get(stat.state)
        # A title changes with the name or by itself (exec, setproctitle); each is read again once in a while.
        again = (stat.pid + self._looks) % REREAD == 0
        if before is None or before.name != stat.comm or again or state is not before.state:
            command, user = self._titles(stat, before)
        else:
            command, user = before.command, before.user
        seconds = stat.ticks / proc.TICKS
        if before is not None and (
            (before.ppid, before.state, before.rss, before.threads, before.cpu_seconds, before.command)
            == (stat.ppid, state, stat.rss, stat.threads, seconds, command)
            and (before.cpu, before.user, before.name) == (cpu, user, stat.comm)
        ):
            return before
        started = (
            None if self._booted is None else datetime.fromtimestamp(self._booted + stat.start / proc.TICKS, UTC)
        )
        return Process(
            key=key,
            source=self._source,
            host=self._host,
            pid=stat.pid,
            ppid=stat.ppid,
            name=stat.comm,
            user=user,
            state=state,
            cpu=cpu,
            rss=stat.rss,
            started=before.started if before is not None else started,
            command=command,
            threads=stat.threads,
            cpu_seconds=seconds,
            details=(Detail("kernel state", stat.state),),
        )

    def _titles(self, stat: proc.Stat, before: Process | None) -> tuple[str, str | None]:
        try:
            data = b"" if stat.kernel else _read(f"{PROC}/{stat.pid}/cmdline", 1 << 17)
            uid = proc.parse_uid(_read(f"{PROC}/{stat.pid}/status"))
        except OSError:
            if before is not None:
                return before.command, before.user
            return f"[{stat.comm}]", None
        # A zombie has lost its command line; what it was before is what the reader wants to know.
        if not data and before is not None and not stat.kernel:
            return before.command, before.user if uid is None else self._user(uid)
        return proc.parse_command(data, stat.comm), None if uid is None else self._user(uid)

    def _user(self, uid: int) -> str:
        if uid not in self._users:
            if len(self._users) > 10_000:
                self._users.clear()
            try:
                self._users[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self._users[uid] = str(uid)
        return self._users[uid]

    def _learn_boot(self) -> None:
        if self._boot:
            return
        try:
            self._booted = proc.parse_boot_time((PROC / "stat").read_bytes())
            self._boot = (PROC / "sys/kernel/random/boot_id").read_text()[:8]
        except OSError as error:
            raise _why(error) from error


def _read(path: str, most: int = 1 << 16) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(handle, most)
        while data and len(data) < most:
            more = os.read(handle, most - len(data))
            if not more:
                break
            data += more
        return data
    finally:
        os.close(handle)


def _show(path: Path) -> str:
    try:
        return f"== {path}\n{path.read_text(errors='replace')}"
    except PermissionError:
        return f"== {path}\nnot readable by this user"


def _more(pid: int) -> list[str]:
    """What psutil knows beyond one file: the working directory, open files and connections."""
    import psutil

    lines = []
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return []
    for label, what in (
        ("cwd", process.cwd),
        ("executable", process.exe),
        ("open files", lambda: len(process.open_files())),
        ("connections", lambda: len(process.net_connections())),
    ):
        try:
            lines.append(f"{label}: {what()}")
        except psutil.Error as error:
            lines.append(f"{label}: {type(error).__name__}")
    return lines


def _why(error: OSError) -> Unsupported | Denied | Unreachable:
    if isinstance(error, FileNotFoundError):
        return Unsupported("there is no /proc here", where=str(PROC), hint="this backend needs Linux")
    if isinstance(error, PermissionError):
        return Denied("not readable", where=str(error.filename or PROC))
    return Unreachable(error.strerror or str(error), where=str(error.filename or PROC))
