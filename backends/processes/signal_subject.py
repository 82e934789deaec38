"""What has to be known of a process before a signal to it is offered, read from /proc."""

from __future__ import annotations

from backends.api.actions import Target
from backends.processes import proc
from backends.processes.handling import parse_handling
from backends.processes.proc_files import read
from backends.processes.signal_lore import recognise
from backends.processes.signal_offer import Subject

GO_NOTE = b"\x04\0\0\0Go\0\0"
"""Type and name of the ELF note with Go's build id (cmd/link)."""
HEAD = 8192
"""Bytes of an executable within which Go's linker puts it."""


def subject_of(root: str, target: Target, stat: proc.Stat, command: str) -> Subject:
    """A process below `root` (`/proc`), with its masks and what its program is known as. Blocks. Raises OSError
    where it is gone, ValueError where its `status` is cut short."""
    here = f"{root}/{stat.pid}"
    handling = parse_handling(read(f"{here}/status"))
    programs = recognise(stat.comm, command, go=_is_go(f"{here}/exe"))
    return Subject(target, stat.pid, command, stat.state, handling, programs)


def subject_of_pid(root: str, target: Target, pid: int) -> Subject:
    """The same where nothing but its pid is known. Blocks, as long as the kernel holds whoever asks for its
    command line."""
    stat = proc.parse_stat(read(f"{root}/{pid}/stat", 2048, whole=False))
    command = proc.parse_command(read(f"{root}/{pid}/cmdline", 1 << 17), stat.comm)
    return subject_of(root, target, stat, command)


def _is_go(path: str) -> bool:
    """Whether an executable was linked by Go: its build id is a note near the start."""
    try:
        return GO_NOTE in read(path, HEAD)
    except OSError:
        return False  # Another user's: nobody else may look at it.
