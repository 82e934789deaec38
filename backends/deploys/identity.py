"""A process that can't be mistaken for another: a pid alone is given out again, and a boot starts them anew."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from backends.processes.proc import Stat, parse_stat

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Identity(Struct, frozen=True):
    """`start` in clock ticks since boot."""

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """None where there is no such process, or only its zombie. Blocks."""
        try:
            stat = parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
            boot = BOOT.read_text().strip()
        except (OSError, ValueError):
            return None
        return None if stat.state in "ZX" else cls(pid, stat.start, boot)

    def is_alive(self) -> bool:
        return Identity.of(self.pid) == self

    def session(self) -> tuple[Identity, ...]:
        """What lives of the session that this process leads, or led: itself, and all that it has started, but for
        what began a session of its own. Oldest first. Blocks; reads the whole of /proc.

        The kernel gives a number out again only when no process and no session has it any more. So a session that
        another process leads by now is another one; one without a leader is taken for ours.
        """
        if BOOT.read_text().strip() != self.boot:
            return ()
        found = [stat for stat in living() if self.pid in (stat.session, stat.pid)]
        if any(stat.pid == self.pid and stat.start != self.start for stat in found):
            return ()
        found.sort(key=lambda stat: (stat.start, stat.pid))
        return tuple(Identity(stat.pid, stat.start, self.boot) for stat in found)

    def __str__(self) -> str:
        return f"{self.pid}/{self.start}/{self.boot}"


def living() -> Iterator[Stat]:
    """Every process that we may see and that has not ended. Blocks."""
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError, ValueError):
                stat = parse_stat(Path(f"/proc/{entry}/stat").read_bytes())
                if stat.state not in "ZX":
                    yield stat
