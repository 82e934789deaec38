"""The process table between two looks: what changed, for the price of one `stat` a process."""

from __future__ import annotations

import os
import pwd
import time
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from backends.api.details import Detail, Trouble
from backends.api.errors import Unreachable
from backends.api.processes import Process
from backends.processes import proc
from backends.processes.listening import Listening
from backends.processes.proc_files import read, why

PATIENCE = 3.0
"""Seconds after which a look is taken to hang on one process, and another should begin, which does without it."""
REREAD = 10
"""Looks within which every process's title and user are read again: they change without a trace in `stat`."""
RELISTEN = 5
"""Looks within which it is found out again where each process listens, once a socket has begun or ceased to."""
INHERITED = 30
"""Looks within which it is found out again though none has: a listening socket can be handed on."""
YOUNG = 10.0
"""Seconds after its start in which a process is read anew at each look: fork, setuid and exec come then."""
USERS = 10_000
"""User names that are remembered."""


class Known(Struct):
    """What the last look knew of one process: the bytes of its `stat`, and the row made of them."""

    stat: bytes
    ticks: int
    kernel: bool
    row: Process
    ran: bytes = b""
    """Its `schedstat` before title, user and sockets were read last; empty where that was not looked at."""
    tables: int = 0
    """How often the tables of sockets had been read when that was first seen."""
    sure: bool = False
    """Whether what was read since is all there is to know until it runs again."""


class Look(Struct):
    """One look: its number, seconds since the one before it, and from which start (in ticks) on a process is
    young. `doing` is what it asks for at this moment; `avoid` is what earlier looks hang on."""

    number: int
    spent: float | None
    young: float
    avoid: frozenset[object]
    doing: object = None


def pid_of(key: str) -> int:
    """The pid in a process's key (`Table.key`)."""
    return int(key.split("/")[1])


class Table:
    """All processes below `root` (`/proc`), look after look, and the same object for what is the same.

    A look may hang for ever: the kernel holds whoever reads the command line of a process whose memory is
    locked (one in state D, mostly), and a user's name may come from a directory server that is down. The next
    look finds what the one before it hangs on, and does without. So looks may overlap, each in a thread; only
    the newest is remembered.
    """

    def __init__(self, root: str, host: str, source: str) -> None:
        self._root, self._host, self._source = root, host, source
        self._boot = ""
        self._booted: float | None = None
        self._known: dict[str, Known] = {}
        self._when: float | None = None
        self._looks = 0
        self._newest = 0
        self._users: dict[int, str] = {}
        self._kernel: dict[str, tuple[Detail, ...]] = {}
        self._running: list[Look] = []
        self._listening = Listening(root)
        self._relisten_until = 0

    @property
    def boot(self) -> str:
        """The first eight digits of the boot id, once a look has been made."""
        return self._boot

    def key(self, stat: proc.Stat) -> str:
        """`HOST/PID/START/BOOT`: start in clock ticks since the boot, the first eight digits of the boot id."""
        self._learn_boot()
        return f"{self._host}/{stat.pid}/{stat.start}/{self._boot}"

    def look(self) -> dict[str, Process]:
        """Every process now, by key; one whose facts are as they were is the same object as before.

        Raises `Unsupported` where there is no /proc, `Denied` or `Unreachable` where it can't be read.
        """
        self._learn_boot()
        now = time.monotonic()
        self._looks += 1
        look = Look(
            self._looks,
            None if self._when is None else now - self._when,
            (time.clock_gettime(time.CLOCK_BOOTTIME) - YOUNG) * proc.TICKS,
            frozenset(other.doing for other in tuple(self._running)),
        )
        self._running.append(look)
        try:
            known = self._all(look)
        finally:
            self._running.remove(look)
        if look.number > self._newest:
            self._newest, self._known, self._when = look.number, known, now
        return {item.row.key: item.row for item in known.values()}

    def _all(self, look: Look) -> dict[str, Known]:
        try:
            pids = [entry for entry in os.listdir(self._root) if entry.isdigit()]
        except OSError as error:
            raise why(error) from error
        if self._listening.look():
            self._relisten_until = look.number + RELISTEN
        relisten = RELISTEN if look.number <= self._relisten_until else INHERITED
        before, known = self._known, {}
        for pid in pids:
            try:
                data = read(f"{self._root}/{pid}/stat", 2048, whole=False)
                had = before.get(pid)
                turn = int(pid) + look.number
                again = turn % REREAD == 0
                if had is None or had.row.cpu != 0.0 or had.stat != data:
                    had = self._know(look, data, had, again, relisten)
                    known[pid] = had
                    continue
                if (again or turn % relisten == 0) and self._has_run(had):
                    had.row = self._retitle(look, had)
                    if not had.kernel:
                        had.row = self._relisten(had.row)
            except (OSError, ValueError):
                continue  # It ended between the listing and now: it is not there any more.
            known[pid] = had
        return known

    def _know(self, look: Look, data: bytes, had: Known | None, again: bool, relisten: int) -> Known:
        stat = proc.parse_stat(data)
        key = self.key(stat)
        if had is not None and had.row.key != key:
            had = None
        row = None if had is None else had.row
        young = row is None or stat.start > look.young
        ran = self._ran(stat.pid) if young and stat.threads == 1 else b""
        if row is None or row.name != stat.comm or again or young:
            command, user, trouble = self._titles(look, stat.pid, stat.comm, stat.kernel, key, row)
        else:
            command, user, trouble = row.command, row.user, row.trouble
        if row is None or young or (stat.pid + look.number) % relisten == 0:
            listening = () if stat.kernel else self._listening.of(stat.pid)
        else:
            listening = row.listening
        cpu = None
        if had is not None and look.spent:
            cpu = round(max(0, stat.ticks - had.ticks) / proc.TICKS / look.spent * 100, 1)
        now = Process(
            key=key,
            source=self._source,
            host=self._host,
            pid=stat.pid,
            ppid=stat.ppid,
            name=stat.comm,
            user=user,
            state=proc.STATES.get(stat.state),
            cpu=cpu,
            rss=self._rss(stat),
            started=self._started(stat) if row is None else row.started,
            command=command,
            listening=listening,
            threads=stat.threads,
            cpu_seconds=stat.ticks / proc.TICKS,
            trouble=trouble,
            details=self._kernel.setdefault(stat.state, (Detail("kernel state", stat.state),)),
        )
        row = row if row is not None and row == now else now
        return Known(data, stat.ticks, stat.kernel, row, ran, self._listening.reads)

    def _ran(self, pid: int) -> bytes:
        """How long its first thread has run, and how often; empty where this kernel does not tell."""
        try:
            return read(f"{self._root}/{pid}/schedstat", 256, whole=False)
        except OSError:
            return b""

    def _has_run(self, had: Known) -> bool:
        """Whether it may have run since title, user and sockets were read: only by that they change. Less than a
        tick leaves no trace in `stat`, but one here. One that listens is looked at anyway: another that has the
        socket too may have closed it to all."""
        if had.row.threads != 1 or had.row.listening or not (ran := self._ran(had.row.pid)):
            return True
        if ran != had.ran:
            had.ran, had.tables, had.sure = ran, self._listening.reads, False
        elif had.sure:
            return False
        else:
            # A socket that it opened right before its turn was not in the tables yet.
            had.sure = self._listening.reads > had.tables
        return True

    def _retitle(self, look: Look, had: Known) -> Process:
        """The row of a process that has not moved, with its title and user read again."""
        row = had.row
        command, user, trouble = self._titles(look, row.pid, row.name, had.kernel, row.key, row)
        if (command, user, trouble) == (row.command, row.user, row.trouble):
            return row
        return replace(row, command=command, user=user, trouble=trouble)

    def _relisten(self, row: Process) -> Process:
        """The row of a process that has not moved: sockets come and go without a trace in `stat`."""
        listening = self._listening.of(row.pid)
        return row if listening == row.listening else replace(row, listening=listening)

    def _rss(self, stat: proc.Stat) -> int:
        """`statm` counts exactly; `stat` may be some pages per core behind (proc(5) calls it inaccurate)."""
        if stat.kernel:
            return 0
        try:
            return proc.parse_resident(read(f"{self._root}/{stat.pid}/statm", 256, whole=False))
        except (OSError, ValueError):
            return stat.rss

    def _started(self, stat: proc.Stat) -> datetime | None:
        if self._booted is None:
            return None
        return datetime.fromtimestamp(self._booted + stat.start / proc.TICKS, UTC)

    def _titles(
        self, look: Look, pid: int, comm: str, kernel: bool, key: str, before: Process | None
    ) -> tuple[str, str | None, Trouble | None]:
        """Command line, user, and the trouble of a process that holds whoever asks for its command line."""
        command = f"[{comm}]" if before is None else before.command
        user = None if before is None else before.user
        here = f"{self._root}/{pid}"
        try:
            uid = proc.parse_uid(read(f"{here}/status"))
            if uid is not None:
                user = self._user(look, uid)
            if kernel:
                return f"[{comm}]", user, None
            if key in look.avoid:
                return command, user, Trouble(Unreachable("its command line can't be read: the kernel waits"))
            look.doing = key
            data = read(f"{here}/cmdline", 1 << 17)
        except OSError:
            return command, user, None
        # A zombie has lost its command line; what it was before is what the reader wants to know.
        if not data and before is not None:
            return command, user, None
        return proc.parse_command(data, comm), user, None

    def _user(self, look: Look, uid: int) -> str:
        name = self._users.get(uid)
        if name is not None:
            return name
        if uid in look.avoid:
            return str(uid)
        look.doing = uid
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = str(uid)
        if len(self._users) < USERS:
            self._users[uid] = name
        return name

    def _learn_boot(self) -> None:
        if self._boot:
            return
        try:
            self._booted = proc.parse_boot_time(read(f"{self._root}/stat", 1 << 22))
            self._boot = read(f"{self._root}/sys/kernel/random/boot_id").decode("ascii", "replace")[:8]
        except OSError as error:
            raise why(error) from error
