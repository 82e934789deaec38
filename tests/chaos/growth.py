"""How much a program holds: memory, files, threads, children."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    kib: int
    files: int
    threads: int
    children: int

    @classmethod
    def by(cls, pid: int) -> Held:
        here = Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
        children = sum(len((task / "children").read_text().split()) for task in (here / "task").iterdir())
        return cls(
            kib=int(status["VmRSS"].split()[0]),
            files=len(os.listdir(here / "fd")),
            threads=int(status["Threads"]),
            children=children,
        )

    def more_than(self, before: Held, kib: int, others: int) -> bool:
        """Whether it is more memory than `before` by so much, or by so many of anything else."""
        grown = (self.files - before.files, self.threads - before.threads, self.children - before.children)
        return self.kib - before.kib > kib or max(grown) > others
