"""How much a program holds: memory, files by what they are, threads, children."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Held:
    kib: int
    files: Counter[str]
    threads: int
    children: int

    @classmethod
    def by(cls, pid: int) -> Held:
        here = Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
        children = sum(len((task / "children").read_text().split()) for task in (here / "task").iterdir())
        return cls(
            kib=int(status["VmRSS"].split()[0]),
            files=_files(here / "fd", psutil.Process(pid)),
            threads=int(status["Threads"]),
            children=children,
        )

    def __str__(self) -> str:
        return f"{self.kib} KiB, {self.files.total()} files, {self.threads} threads, {self.children} children"

    def more_than(self, before: Held, kib: int, others: int) -> bool:
        """Whether it is more memory than `before` by so much, or by so many of anything else."""
        files = self.files.total() - before.files.total()
        grown = (files, self.threads - before.threads, self.children - before.children)
        return self.kib - before.kib > kib or max(grown) > others

    def opened_since(self, before: Held) -> str:
        """The files that are more than they were, with how many more."""
        return ", ".join(f"{count} × {name}" for name, count in sorted((self.files - before.files).items()))


def _files(folder: Path, process: psutil.Process) -> Counter[str]:
    """What each descriptor is: a file's path, a connection's other end and state, or only the kind."""
    ends = {
        one.fd: f"{one.raddr.ip}:{one.raddr.port} {one.status}"
        for one in process.net_connections("tcp")
        if one.status != psutil.CONN_LISTEN
    }
    found: Counter[str] = Counter()
    for number in os.listdir(folder):
        try:
            name = os.readlink(folder / number)
        except FileNotFoundError:  # closed meanwhile
            continue
        found[ends.get(int(number), name.split(":[")[0])] += 1
    return found
