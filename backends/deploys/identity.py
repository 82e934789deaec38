"""A process that can't be mistaken for another: a pid alone is given out again, and a boot starts them anew."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from backends.processes.proc import parse_stat

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

    def __str__(self) -> str:
        return f"{self.pid}/{self.start}/{self.boot}"
