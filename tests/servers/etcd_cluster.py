"""A real etcd cluster on free loopback ports, for tests: started, frozen, killed and stopped by pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.frozen import freeze
from tests.servers.getting import program
from tui.demo.servers.etcd import ETCD


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One member: how it is started, and its process while it runs."""

    name: str
    client: int
    argv: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    frozen: bool = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.client}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            env = {**os.environ, "ETCD_UNSUPPORTED_ARCH": "arm64"}
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)

    def freeze(self) -> None:
        assert self.process is not None
        freeze(self.process.pid)
        self.frozen = True

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class EtcdCluster:
    """`size` members; `tls` are further arguments of each member's client side (certificates)."""

    size: int = 3
    scheme: str = "http"
    tls: list[str] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mw-etcd-")))

    def __enter__(self) -> Self:
        etcd = program(ETCD)
        ports = [(free_port(), free_port()) for _ in range(self.size)]
        initial = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, (_, peer) in enumerate(ports))
        for i, (client, peer) in enumerate(ports):
            argv = [
                *(etcd, f"--name=m{i}", f"--data-dir={self.folder}/m{i}", "--logger=zap"),
                f"--listen-client-urls={self.scheme}://127.0.0.1:{client}",
                f"--advertise-client-urls={self.scheme}://127.0.0.1:{client}",
                *(
                    f"--listen-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                ),
                *(f"--initial-cluster={initial}", "--initial-cluster-state=new"),
                *(
                    "--heartbeat-interval=50",
                    "--election-timeout=500",
                    "--log-level=error",
                ),
                *self.tls,
            ]
            self.servers.append(Server(f"m{i}", client, argv, self.folder / f"m{i}.log"))
        for server in self.servers:
            server.start()
        deadline = time.monotonic() + 20
        for server in self.servers:
            while not self._listens(server):
                if time.monotonic() > deadline:
                    raise TimeoutError(server.log.read_text(errors="replace")[-2000:])
                time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(server.address for server in self.servers)

    def _listens(self, server: Server) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", server.client)) == 0
