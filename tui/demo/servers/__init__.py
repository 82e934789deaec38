"""The servers of the demo, one file each: how each is started, when it is ready, what it adds to the config.

A new server is a module here with a `Demo…` class and one row in `servers`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tui.demo.getting import Program, find
from tui.demo.packages.command import Missing
from tui.demo.state import Part


@dataclass(frozen=True, slots=True)
class Start:
    """One process to start: the part that it is, and the parts that it will start itself."""

    part: Part
    argv: tuple[str, ...]
    starts: tuple[Part, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 5.0
    """Seconds between SIGTERM and SIGKILL when it is stopped."""


@dataclass
class Scene:
    """What the servers of one demo share: its folder, whether it is quiet, and what was planned so far."""

    folder: Path
    quiet: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    """Programs that could not be fetched, with the reason."""
    etcd: list[str] = field(default_factory=list)
    """Client endpoints, `host:port`."""
    zookeeper: list[str] = field(default_factory=list)
    """The same of ZooKeeper."""
    services: dict[str, list[str]] = field(default_factory=dict)
    """Addresses by service name."""
    exporters: dict[str, dict[str, str]] = field(default_factory=dict)
    """What else is to be scraped: addresses by instance, by job."""

    def logs(self, kind: str) -> Path:
        path = self.folder / "log" / kind
        path.mkdir(parents=True, exist_ok=True)
        return path

    def program(self, program: Program) -> str:
        """The path of a program that was fetched before. Raises `Missing`."""
        found = find(program.name, program.folders)
        if found is None:
            raise Missing(self.missing.get(program.name, f"{program.name} is not there"))
        return found


@dataclass(frozen=True, slots=True)
class Snippet:
    """Tables of the demo's midwatch configuration; a kind that this version does not serve is left out of it."""

    kind: str
    text: str


class DemoServer(Protocol):
    """One system of the demo. Raises `Missing` where this machine can't have it."""

    @property
    def name(self) -> str: ...

    @property
    def programs(self) -> tuple[Program, ...]:
        """What must be on this machine before it is planned."""
        ...

    def plan(self, scene: Scene) -> list[Start]:
        """Write its configuration into the scene's folder and say what to start."""
        ...

    def abandon(self, scene: Scene) -> None:
        """Take back what `plan` said to the others: it did not come up."""
        ...

    def config(self, scene: Scene) -> list[Snippet]:
        """Its tables in the demo's midwatch configuration."""
        ...


def servers() -> list[list[DemoServer]]:
    """In the order in which they are started, those of one list at the same time: those behind them are told
    where they are. They stop the other way round."""
    from tui.demo.servers.etcd import DemoEtcd
    from tui.demo.servers.journald import DemoJournald
    from tui.demo.servers.node_exporter import DemoNodeExporter
    from tui.demo.servers.prometheus import DemoPrometheus
    from tui.demo.servers.supervisord import DemoSupervisord
    from tui.demo.servers.zookeeper import DemoZookeeper

    first: list[DemoServer] = [DemoZookeeper(), DemoEtcd()]
    return [first, [DemoSupervisord()], [DemoJournald()], [DemoNodeExporter()], [DemoPrometheus()]]


def chosen(only: Collection[str]) -> list[list[DemoServer]]:
    """Those of these names; all of them where none is named."""
    named = [[server for server in together if not only or server.name in only] for together in servers()]
    return [together for together in named if together]
