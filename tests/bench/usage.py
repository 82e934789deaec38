"""What a process and its children use, from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """Seconds of CPU since its start, those of ended children included, and resident bytes."""

    cpu: float
    rss: int


def usage(pid: int) -> Usage:
    """Of a process and all below it; nothing of one that has ended."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        resident = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        tasks = [
            Path(f"/proc/{pid}/task/{task}/children").read_bytes() for task in os.listdir(f"/proc/{pid}/task")
        ]
    except OSError:
        return Usage(0.0, 0)
    own = Usage(sum(map(int, rest[11:15])) / TICKS, resident)
    below = [usage(int(child)) for children in tasks for child in children.split()]
    return Usage(own.cpu + sum(u.cpu for u in below), own.rss + sum(u.rss for u in below))


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def ended() -> float:
    """Seconds of CPU of all children of this process that have ended: what others do beside them is not in it."""
    times = os.times()
    return times.children_user + times.children_system
