"""Processes that midwatch never signals: those that it, this login or the whole machine hang on."""

from __future__ import annotations

import os

from backends.processes import proc
from backends.processes.proc_files import read


def why_untouchable(root: str, stat: proc.Stat) -> str:
    """Why a process may not be signalled, in words; empty where it may. Blocks: reads the ancestors' `stat`."""
    if stat.pid == 1:
        return "it is pid 1, which everything on this machine hangs on"
    if stat.kernel:
        return "it is a thread of the kernel"
    me = os.getpid()
    if stat.pid == me:
        return "it is midwatch itself"
    if stat.pid in ancestors(root, me):
        return f"midwatch runs below it: ending {stat.comm} would end midwatch, or this login"
    if stat.pid == os.getsid(0):
        return "it leads the session that midwatch runs in"
    return ""


def ancestors(root: str, pid: int) -> list[int]:
    """The parent of a process, its parent, and so on; as far as /proc tells."""
    found: list[int] = []
    while pid > 1:
        try:
            pid = proc.parse_stat(read(f"{root}/{pid}/stat", 2048, whole=False)).ppid
        except (OSError, ValueError):
            break
        if pid in found:
            break
        found.append(pid)
    return found
