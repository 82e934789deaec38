"""A real supervisord on a socket and a port of its own, for tests: started, frozen, killed and stopped by pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from backends.processes.supervisord import Supervisord, SupervisordSettings
from tests.servers.etcd_cluster import free_port
from tests.servers.frozen import freeze

USER, PASSWORD = "watch", "hunter2-of-the-test"


class SupervisordServer:
    """`programs`: the lines of each program's section, by name; `groups`: the programs of each group."""

    def __init__(
        self, programs: Mapping[str, str] | None = None, groups: Mapping[str, str] | None = None
    ) -> None:
        # Short: a unix socket's path has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="mw-sup-"))
        self.port = free_port()
        self._programs, self._groups = dict(programs or {}), dict(groups or {})
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s.sock"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def backend(self, **settings: Any) -> Supervisord:
        return Supervisord("main", SupervisordSettings(**{"url": self.url} | settings))

    def over_http(self) -> Supervisord:
        return self.backend(url=self.http, username=USER, password=PASSWORD)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Ready when its socket is there."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/s.sock")
        conf = self.folder / "s.conf"
        conf.write_text(self._conf())
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-P", "-m", "supervisor.supervisord", "-n", "-c", str(conf)],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "out").read_text()
            assert time.monotonic() < deadline, "supervisord does not come up"
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """It and its children, which would live on."""
        if self.process is None:
            return
        # Frozen first, or it starts one more for each that ends.
        if self.process.poll() is None:
            freeze(self.process.pid)
        below = self._below()
        self.process.kill()
        self.process.wait()
        self.process = None
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _below(self) -> list[int]:
        """The children, and theirs no longer: none of the tests' programs has any."""
        assert self.process is not None
        try:
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        except psutil.Error:
            return []

    def control(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-P", "-m", "supervisor.supervisorctl", "-s", self.url, *words],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def pids(self) -> dict[str, int | None]:
        """The pid of each program, by `group:name`, as supervisord itself says; None for what does not run."""
        body = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo").encode()
        head = f"POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(f"{self.folder}/s.sock")
            link.sendall(head.encode() + body)
            with link.makefile("rb") as file:
                answer = file.read().partition(b"\r\n\r\n")[2]
        rows: Any = xmlrpc.client.loads(answer.decode())[0][0]
        names = {
            row["name"] if row["name"] == row["group"] else f"{row['group']}:{row['name']}": row for row in rows
        }
        return {name: row["pid"] or None for name, row in names.items()}

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self.folder}/s.sock") == 0

    def _conf(self) -> str:
        parts = [
            f"[unix_http_server]\nfile={self.folder}/s.sock\n",
            f"[inet_http_server]\nport=127.0.0.1:{self.port}\nusername={USER}\npassword={PASSWORD}\n",
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
            f"[supervisord]\npidfile={self.folder}/s.pid\nlogfile={self.folder}/s.log\n"
            f"childlogdir={self.folder}\nidentifier=lab\n",
            *(f"[program:{name}]\n{lines}\n" for name, lines in self._programs.items()),
            *(f"[group:{name}]\nprograms={programs}\n" for name, programs in self._groups.items()),
        ]
        return "\n".join(parts)
