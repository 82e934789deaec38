"""A /proc made of files, for what the real one shows only in a bad moment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

BOOTED = 1_700_000_000
BOOT = "0badcafe-0000-4000-8000-000000000000\n"


class FakeProc:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/kernel/random").mkdir(parents=True)
        (root / "sys/kernel/random/boot_id").write_text(BOOT)
        (root / "stat").write_text(f"cpu  100 0 100 800 0 0 0 0 0 0\nbtime {BOOTED}\n")
        (root / "meminfo").write_text("MemTotal: 2048 kB\nMemFree: 1 kB\nMemAvailable: 1536 kB\n")
        (root / "self").mkdir()
        self.mounts("rw,nosuid")

    def mounts(self, options: str) -> None:
        (self.root / "self/mounts").write_text(f"/dev/x / ext4 rw 0 0\nproc /proc proc {options} 0 0\n")

    def add(
        self,
        pid: int,
        comm: bytes = b"worker",
        *,
        state: str = "S",
        start: int = 100,
        ticks: int = 0,
        rss: int = 10,
        argv: bytes | None = b"worker\0--all\0",
        uid: int | None = 0,
        kernel: bool = False,
        ppid: int = 1,
        threads: int = 3,
        ran: bytes | None = None,
    ) -> None:
        """Add or change a process; `rss` in pages. With `argv` None its command line can't be read, with `uid`
        None nothing but its `stat`. `ran` is its `schedstat`, which a kernel may lack."""
        here = self.root / str(pid)
        here.mkdir(exist_ok=True)
        flags = 0x00200000 if kernel else 0
        fields = [ppid, 1, 1, 0, -1, flags, 0, 0, 0, 0, ticks, 0, 0, 0, 20, 0, threads, 0, start, 4096, rss]
        rest = " ".join(str(field) for field in [*fields, *[0] * 28])
        (here / "stat").write_bytes(b"%d (%s) %s %s\n" % (pid, comm, state.encode(), rest.encode()))
        if ran is not None:
            (here / "schedstat").write_bytes(ran)
        if argv is not None:
            (here / "cmdline").write_bytes(argv)
        if uid is not None:
            (here / "status").write_text(f"Name:\tx\nUid:\t0\t{uid}\t0\t0\n")

    def remove(self, pid: int) -> None:
        shutil.rmtree(self.root / str(pid))

    def hold(self, pid: int) -> Path:
        """Whoever reads the command line of this process waits, as for one whose memory is locked."""
        path = self.root / str(pid) / "cmdline"
        path.unlink()
        os.mkfifo(path)
        return path
