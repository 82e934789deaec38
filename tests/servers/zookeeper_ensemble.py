"""A real ZooKeeper ensemble on free loopback ports, for tests: started, frozen, killed and stopped by pid."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kazoo.client import KazooClient

from tests.servers.etcd_cluster import Server
from tests.servers.getting import program
from tui.demo.ports import free_ports
from tui.demo.probe import answers
from tui.demo.servers.zookeeper import JAVA, ZOOKEEPER, configure, server

DYNAMIC = "reconfigEnabled=true\nskipACL=yes\nstandaloneEnabled=false\n"
"""Anybody may reconfigure it (zookeeper.apache.org/doc, "Dynamic Reconfiguration")."""


@dataclass
class ZookeeperEnsemble:
    """`size` servers; one alone is standalone. `more` are further lines of each one's zoo.cfg; of a key that is
    there twice the last one counts. With `spare` ones, which a reconfiguration may take in, the ensemble is a
    dynamic one; they are in `servers` behind the others, and are not started."""

    size: int = 3
    more: str = ""
    observers: int = 0
    spare: int = 0
    servers: list[Server] = field(default_factory=list)
    lines: dict[int, str] = field(default_factory=dict)
    """What the ensemble's configuration says of each server, by number."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mw-zk-")))

    def __enter__(self) -> Self:
        java, jar = program(JAVA), Path(program(ZOOKEEPER))
        ports = free_ports(3 * (self.size + self.spare))
        for n in range(1, self.size + self.spare + 1):
            self.lines[n] = f"server.{n}=127.0.0.1:{ports[3 * n - 2]}:{ports[3 * n - 1]}{self._kind(n)}"
            self.lines[n] += f";127.0.0.1:{ports[3 * n - 3]}" if self.spare else ""
        for n in self.lines:
            own = "peerType=observer\n" if self._kind(n) == ":observer" else ""
            own += DYNAMIC if self.spare else ""
            known = sorted({*range(1, self.size + 1), n})
            ensemble = "".join(f"{self.lines[number]}\n" for number in known) if len(self.lines) > 1 else ""
            config = configure(self.folder / f"s{n}", n, ports[3 * n - 3], ensemble, self.more + own)
            argv = list(server(java, jar, config))
            self.servers.append(Server(f"server.{n}", ports[3 * n - 3], argv, self.folder / f"s{n}.log"))
        for one in self.servers[: self.size]:
            one.start()
        self.await_serving()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self.servers:
            one.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def hosts(self) -> str:
        """Of those that it begins with."""
        return ",".join(one.address for one in self.servers[: self.size])

    def await_serving(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        for one in self.servers[: self.size]:
            while not answers(f"srvr://{one.address}"):
                if time.monotonic() > deadline:
                    raise TimeoutError(one.log.read_text(errors="replace")[-2000:])
                time.sleep(0.05)

    def client(self) -> Any:
        """A client of its own, connected. Blocks."""
        client: Any = KazooClient(self.hosts, timeout=4)  # type: ignore[no-untyped-call]
        client.start(timeout=20)
        return client

    def _kind(self, number: int) -> str:
        if number > self.size:
            return ":participant"
        return ":observer" if number > self.size - self.observers else ":participant" if self.spare else ""
