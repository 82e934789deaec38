"""A quiet demo, and each of its servers as a process that can be frozen, killed and started again as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.demo_run import demo
from tests.servers.getting import program
from tui.demo.process import Identity, end, end_members, members, start_tied
from tui.demo.servers.etcd import ETCD
from tui.demo.servers.node_exporter import NODE_EXPORTER
from tui.demo.servers.prometheus import PROMETHEUS
from tui.demo.servers.zookeeper import JAVA, ZOOKEEPER

PATIENCE = 5.0
"""Seconds that a server which was asked to end may take, before it is killed."""


@dataclass
class Lab:
    """A running demo, and what was started in it again."""

    folder: Path
    again: list[subprocess.Popen[bytes]] = field(default_factory=list)
    latest: dict[str, tuple[subprocess.Popen[bytes], Callable[[], None]]] = field(default_factory=dict)
    """By part, the process in which it was started again last, and how to do that once more."""

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def revive(self) -> None:
        """Start what did not come up: while it was down, another test's program may have had its port."""
        for process, again in list(self.latest.values()):
            if process.poll() is not None:
                again()


@contextmanager
def quiet_demo() -> Iterator[Lab]:
    for wanted in (ETCD, JAVA, ZOOKEEPER, PROMETHEUS, NODE_EXPORTER):
        program(wanted)
    base = Path(os.path.realpath(tempfile.mkdtemp(prefix="mw-")))
    folder = base / "a"
    done = demo("up", "--dir", str(folder), "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    lab = Lab(folder)
    try:
        yield lab
    finally:
        demo("down", "--dir", str(folder))
        end_members(folder)
        for process in lab.again:
            process.wait()
        shutil.rmtree(base, ignore_errors=True)


@dataclass
class Server:
    """A part of the demo, as a process that can be started again just as it was."""

    lab: Lab
    name: str

    @property
    def identity(self) -> Identity:
        # Of several processes of one part the first is the one that started the others.
        return min(self._found, key=lambda identity: identity.start)

    @property
    def is_there(self) -> bool:
        return bool(self._found)

    @property
    def _found(self) -> list[Identity]:
        return [found for name, found in members(self.lab.folder) if name == self.name]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        identity = self.identity
        assert identity.send(signal.SIGSTOP)
        try:
            yield
        finally:
            identity.send(signal.SIGCONT)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
        """End it by a signal; gives how to start it again."""
        identity = self.identity
        here = Path(f"/proc/{identity.pid}")
        argv = [word.decode() for word in (here / "cmdline").read_bytes().split(b"\0")[:-1]]
        argv[0] = os.readlink(here / "exe") if not argv[0].startswith("/") else argv[0]
        lines = (here / "environ").read_bytes().split(b"\0")
        environment = dict(line.decode().split("=", 1) for line in lines if b"=" in line)
        identity.send(number)
        self.lab.latest.pop(self.name, None)

        def again() -> None:
            end([identity], PATIENCE)
            folder = self.lab.folder
            with (folder / "again.out").open("ab") as output:
                process = start_tied(argv, output=output, environment=environment, folder=folder)
            self.lab.again.append(process)
            self.lab.latest[self.name] = (process, again)

        return again
