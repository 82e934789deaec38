"""/proc, parsed: pure functions from the bytes of one file to facts. Linux; see proc(5)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from itertools import pairwise

from msgspec import Struct

from backends.api.processes import ProcessState

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks per second, the unit of times in `stat`."""
PAGE = os.sysconf("SC_PAGE_SIZE")

STATES = {
    "R": ProcessState.RUNNING,
    "S": ProcessState.SLEEPING,
    "I": ProcessState.SLEEPING,
    "D": ProcessState.WAITING,
    "T": ProcessState.STOPPED,
    "t": ProcessState.STOPPED,
    "Z": ProcessState.ZOMBIE,
}
PF_KTHREAD = 0x00200000
"""Flag of kernel threads in field 9 of `stat` (include/linux/sched.h)."""


class Stat(Struct, frozen=True):
    """What midwatch reads of `/proc/PID/stat`. Times in clock ticks, `start` since boot, `rss` in bytes."""

    pid: int
    comm: str
    state: str
    ppid: int
    group: int
    session: int
    kernel: bool
    ticks: int
    threads: int
    start: int
    rss: int


def parse_stat(data: bytes) -> Stat:
    """One `/proc/PID/stat`. The name may hold spaces, newlines and parentheses: it ends at the last `)`.

    Raises ValueError where the line is cut short, as for a process that ended while it was read.
    """
    opening, closing = data.find(b"("), data.rfind(b")")
    if opening < 0 or closing < 0:
        raise ValueError("no name in stat")
    rest = data[closing + 2 :].split()
    if len(rest) < 22:
        raise ValueError("stat is cut short")
    return Stat(
        pid=int(data[:opening]),
        comm=data[opening + 1 : closing].decode("utf-8", "replace"),
        state=rest[0].decode("ascii", "replace"),
        ppid=int(rest[1]),
        group=int(rest[2]),
        session=int(rest[3]),
        kernel=bool(int(rest[6]) & PF_KTHREAD),
        ticks=int(rest[11]) + int(rest[12]),
        threads=int(rest[17]),
        start=int(rest[19]),
        rss=int(rest[21]) * PAGE,
    )


def parse_resident(statm: bytes) -> int:
    """Resident bytes, from `/proc/PID/statm`. Raises ValueError where it is cut short."""
    fields = statm.split()
    if len(fields) < 2:
        raise ValueError("statm is cut short")
    return int(fields[1]) * PAGE


def parse_command(data: bytes, comm: str) -> str:
    """`/proc/PID/cmdline` as one line: arguments joined by one space; `[comm]` where there is none.

    A process that has rewritten its title (setproctitle) leaves a run of NULs behind it, which are no
    arguments.
    """
    data = data.rstrip(b"\0")
    if not data:
        return f"[{comm}]"
    return data.replace(b"\0", b" ").decode("utf-8", "replace")


def parse_uid(status: bytes) -> int | None:
    """The effective user of `/proc/PID/status`, as `ps` shows it."""
    at = status.find(b"\nUid:")
    if at < 0:
        return None
    with suppress(ValueError, IndexError):
        return int(status[at + 5 : at + 80].split()[1])
    return None


def parse_boot_time(stat: bytes) -> float | None:
    """Unix seconds of the boot, from `/proc/stat`."""
    for line in stat.splitlines():
        if line.startswith(b"btime "):
            with suppress(ValueError, IndexError):
                return float(line.split()[1])
    return None


def parse_cpu(stat: bytes) -> tuple[int, int] | None:
    """Busy and total ticks of all cores since boot, from the first line of `/proc/stat`."""
    first = stat.split(b"\n", 1)[0].split()
    if not first or first[0] != b"cpu":
        return None
    with suppress(ValueError, IndexError):
        ticks = [int(field) for field in first[1:9]]
        idle = ticks[3] + ticks[4]
        return sum(ticks) - idle, sum(ticks)
    return None


def parse_memory(meminfo: bytes) -> tuple[int | None, int | None]:
    """Total and available memory in bytes, from `/proc/meminfo`."""
    found: dict[bytes, int] = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(b":")
        if name in (b"MemTotal", b"MemAvailable"):
            with suppress(ValueError, IndexError):
                found[name] = int(rest.split()[0]) * 1024
    return found.get(b"MemTotal"), found.get(b"MemAvailable")


def parse_addresses(fib_trie: bytes, if_inet6: bytes) -> set[str]:
    """The IP addresses of this host, from `/proc/net/fib_trie` (each below its branches, `/32 host LOCAL` in the
    line behind it) and `/proc/net/if_inet6` (32 hexadecimal digits each)."""
    found = set()
    lines = [line.split() for line in fib_trie.splitlines()]
    for leaf, means in pairwise(lines):
        if leaf[:1] == [b"|--"] and means == [b"/32", b"host", b"LOCAL"]:
            found.add(leaf[1].decode("ascii", "replace"))
    for line in if_inet6.splitlines():
        with suppress(ValueError, OSError):
            found.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line[:32].decode("ascii", "replace"))))
    return found


def parse_hidepid(mounts: bytes) -> str | None:
    """How the mount of /proc hides the processes of other users, in its own word (`2`, `invisible`, …), from
    `/proc/self/mounts`; None where it does not."""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[1] != b"/proc" or fields[2] != b"proc":
            continue
        for option in fields[3].split(b","):
            name, _, value = option.partition(b"=")
            if name == b"hidepid" and value not in (b"0", b"off"):
                return value.decode("ascii", "replace")
    return None
