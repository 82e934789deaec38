"""What the demo's journal holds, as a process of its own. Standard library only; all from the environment.

Believable entries of a small host go to systemd-journal-remote in the journal export format: a web server whose
requests are refused while the crashing worker is away, a database that runs out of connections now and then, the
supervisor's own log, ssh, cron, the kernel, the service manager.
"""

from __future__ import annotations

import contextlib
import os
import platform
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

PAST = 600
"""Seconds of history that the journal begins with."""
TICK = 0.25
FIRST_TROUBLE, TROUBLE_EACH, TROUBLE_LASTS = 240, 1200, 25
"""Seconds until the database first runs out of connections, between two such times, and for how long."""
CRIT, ERR, WARNING, NOTICE, INFO = range(2, 7)
SUPERVISOR = {"CRIT": CRIT, "ERRO": ERR, "WARN": WARNING, "INFO": INFO}
PATHS = ("/", "/cart", "/search", "/api/checkout")
PIDS = {
    "nginx": 812,
    "sshd": 640,
    "cron": 598,
    "systemd": 1,
    "supervisord": 702,
    "kernel": 0,
    "backup": 4410,
    "postgres": 733,
}
UNITS = {
    "nginx": "nginx.service",
    "sshd": "ssh.service",
    "cron": "cron.service",
    "systemd": "init.scope",
    "supervisord": "supervisor.service",
    "backup": "backup.service",
    "postgres": "postgresql.service",
}
EXITED = re.compile(r"exited: (web-\d)")


class Journal:
    """One journal file, written by systemd-journal-remote."""

    def __init__(self, remote: str, libraries: str, path: Path) -> None:
        if path.exists():
            # Of an earlier writer. Without /etc/machine-id, as in many containers, systemd 252 opens no old one.
            path.rename(path.with_name(f"{path.stem}@{time.time_ns():x}{path.suffix}"))
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None
        self._process = subprocess.Popen([remote, "-o", str(path), "-"], stdin=subprocess.PIPE, env=environment)
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        self._host = platform.node() or "localhost"

    def write(self, who: str, priority: int, message: str, *, at: float | None = None, **more: str) -> None:
        """One entry; `at` in unix seconds."""
        moment = time.time() if at is None else at
        since_boot = time.monotonic() + moment - time.time()
        fields = {
            "__REALTIME_TIMESTAMP": str(int(moment * 1e6)),
            "__MONOTONIC_TIMESTAMP": str(max(0, int(since_boot * 1e6))),
            "_BOOT_ID": self._boot,
            "_HOSTNAME": self._host,
            "_TRANSPORT": "kernel" if who == "kernel" else "syslog",
            "PRIORITY": str(priority),
            "SYSLOG_IDENTIFIER": who,
            **({"_SYSTEMD_UNIT": UNITS[who]} if who in UNITS else {}),
            **({"_PID": str(PIDS[who])} if PIDS[who] else {}),
            **more,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(entry(fields, message.encode("utf-8", "replace")))
        self._process.stdin.flush()

    def ended(self) -> bool:
        return self._process.poll() is not None


def entry(fields: dict[str, str], message: bytes) -> bytes:
    """In the journal export format (systemd.io/JOURNAL_EXPORT_FORMATS); a message of any bytes."""
    head = "".join(f"{name}={value}\n" for name, value in fields.items()).encode("utf-8", "replace")
    return head + b"MESSAGE\n" + struct.pack("<Q", len(message)) + message + b"\n\n"


class Host:
    """What happens on the host, tick by tick."""

    def __init__(self, journal: Journal, supervisor: Path, web: list[str], *, quiet: bool) -> None:
        self._journal, self._web, self._quiet = journal, web, quiet
        self._log = Log(supervisor)
        self._away: set[str] = set()
        self._began = time.monotonic()

    def past(self) -> None:
        now = time.time()
        self._journal.write("kernel", INFO, "Linux version 6.1.0-18-amd64 (gcc-12)", at=now - PAST)
        self._journal.write(
            "systemd", INFO, "Started nginx.service - A high performance web server.", at=now - PAST
        )
        for second in range(PAST - 10, 0, -10):
            self._routine(now - second)

    def tick(self) -> None:
        for line in self._log.fresh():
            words = line.split(" ", 3)
            message = words[-1] if len(words) == 4 else line
            priority = SUPERVISOR.get(words[2] if len(words) == 4 else "", INFO)
            self._journal.write("supervisord", priority, message)
            found = EXITED.search(message)
            if found is not None and found[1] not in self._away:
                self._away.add(found[1])
                self._journal.write("nginx", WARNING, f"upstream server temporarily disabled: {found[1]}")
        if not self._quiet:
            for worker in tuple(self._away):
                self._ask(worker)
            if (time.monotonic() - self._began - FIRST_TROUBLE) % TROUBLE_EACH < TROUBLE_LASTS:
                self._out_of_connections()
        if random.random() < TICK / 5:
            self._routine(None)

    def _ask(self, worker: str) -> None:
        """Pass one request on to a worker that has ended; what is said of it is true."""
        number = int(worker.rpartition("-")[2]) - 1
        upstream = self._web[number] if number < len(self._web) else "127.0.0.1:1"
        host, _, port = upstream.rpartition(":")
        try:
            socket.create_connection((host, int(port)), TICK).close()
        except OSError as error:
            path, client = random.choice(PATHS), f"203.0.113.{random.randrange(1, 255)}"
            message = (
                f"*{random.randrange(10_000)} connect() failed ({error.errno}: {error.strerror}) while connecting"
                f' to upstream, client: {client}, server: shop, request: "GET {path} HTTP/1.1",'
                f' upstream: "http://{upstream}{path}", host: "shop.example"'
            )
            self._journal.write("nginx", ERR, message)
        else:
            self._away.remove(worker)
            self._journal.write("nginx", NOTICE, f"upstream server is back: {worker}")

    def _out_of_connections(self) -> None:
        for _ in range(random.randrange(1, 4)):
            message = "FATAL:  remaining connection slots are reserved for non-replication superuser connections"
            self._journal.write("postgres", ERR, message)

    def _routine(self, at: float | None) -> None:
        address = f"198.51.100.{random.randrange(1, 255)}"
        chosen = random.randrange(4)
        if chosen == 0:
            self._journal.write("sshd", INFO, f"Invalid user admin from {address} port 40022", at=at)
        elif chosen == 1:
            self._journal.write("cron", INFO, "(root) CMD (/usr/lib/sysstat/debian-sa1 1 1)", at=at)
        elif chosen == 2:
            self._journal.write("nginx", NOTICE, "signal 17 (SIGCHLD) received", at=at)
        else:
            self._journal.write("backup", INFO, "snapshot complete\n  files  18234\n  bytes  91823112", at=at)


class Log:
    """A log that somebody else writes, from its first line on."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def fresh(self) -> list[str]:
        """The whole lines that have come since the last time."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._at:
                    self._at = 0  # It was rotated.
                file.seek(self._at)
                whole = file.read().rpartition(b"\n")[0]
        except OSError:
            return []
        self._at += len(whole) + 1 if whole else 0
        return whole.decode("utf-8", "replace").splitlines()


def main() -> int:
    environ = os.environ
    folder = Path(environ["JOURNAL_FOLDER"])
    journal = Journal(environ["JOURNAL_REMOTE"], environ["JOURNAL_LIBRARIES"], folder / "demo.journal")
    quiet = bool(environ["JOURNAL_QUIET"])
    host = Host(journal, Path(environ["JOURNAL_SUPERVISOR"]), environ["JOURNAL_WEB"].split(), quiet=quiet)
    host.past()
    with socket.socket(socket.AF_UNIX) as ready, contextlib.suppress(BrokenPipeError):
        ready.bind(str(folder / "ready.sock"))
        ready.listen()
        while not journal.ended():
            if select.select([ready], [], [], TICK)[0]:
                ready.accept()[0].close()
                continue
            host.tick()
    return 1


if __name__ == "__main__":
    sys.exit(main())
