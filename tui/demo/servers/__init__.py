"""The servers of the demo, one file each: how each is started, when it is ready, what it adds to the config.

A new server is a module here with a `Demo…` class and one row in `servers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Start:
    """One process to start. `ready` is a URL, or the path of a unix socket, that answers once it is up."""

    name: str
    argv: tuple[str, ...]
    ready: str
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 5.0
    """Seconds between SIGTERM and SIGKILL when it is stopped."""


@dataclass
class Scene:
    """What the servers of one demo share: its folder, whether it is quiet, and what was planned so far."""

    folder: Path
    quiet: bool = False
    etcd: list[str] = field(default_factory=list)
    """Client endpoints, `host:port`."""
    services: dict[str, list[str]] = field(default_factory=dict)
    """Addresses by service name."""

    def logs(self, kind: str) -> Path:
        path = self.folder / "log" / kind
        path.mkdir(parents=True, exist_ok=True)
        return path


class DemoServer(Protocol):
    """One system of the demo. Raises `Missing` where this machine can't have it."""

    name: str

    def plan(self, scene: Scene) -> list[Start]:
        """Write its configuration into the scene's folder and say what to start."""
        ...

    def config(self, scene: Scene) -> str:
        """Its tables in the demo's midwatch configuration."""
        ...


def servers() -> list[DemoServer]:
    """In the order in which they are started; they stop the other way round."""
    from tui.demo.servers.etcd import DemoEtcd
    from tui.demo.servers.supervisord import DemoSupervisord

    return [DemoEtcd(), DemoSupervisord()]
