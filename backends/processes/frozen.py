"""Which processes are stopped by a signal (SIGSTOP, ctrl-z), told from /proc (proc(5))."""

from __future__ import annotations

from collections.abc import Iterable

from backends.processes import proc
from backends.processes.proc_files import read

STOPPED = "T"
"""Not `t`, in which a debugger holds one."""


def frozen(root: str, parent: int, pids: Iterable[int]) -> frozenset[int]:
    """Those of some pids whose process below `root` (`/proc`) is a child of `parent`, and stopped. Blocks."""
    return frozenset(pid for pid in pids if _is_frozen(f"{root}/{pid}/stat", parent))


def _is_frozen(path: str, parent: int) -> bool:
    try:
        stat = proc.parse_stat(read(path, 2048, whole=False))
    except (OSError, ValueError):
        return False  # It has ended.
    return stat.state == STOPPED and stat.ppid == parent
