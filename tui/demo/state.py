"""What is known of the demos of this user: where each is, and which processes belong to it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tui.demo.process import Identity


@dataclass(frozen=True, slots=True)
class Running:
    name: str
    address: str
    identity: Identity
    patience: float


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo. `left_out` are the servers that this machine can't have, with the reason."""

    folder: Path
    keeper: Identity
    ready: bool = False
    servers: tuple[Running, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def save(self) -> None:
        data = asdict(replace(self, folder=Path()))
        data["folder"] = str(self.folder)
        part = self.folder / "state.json.part"
        part.write_text(json.dumps(data))
        part.rename(self.folder / "state.json")

    @classmethod
    def load(cls, folder: Path) -> Demo | None:
        try:
            data: Mapping[str, Any] = json.loads((folder / "state.json").read_text())
            return cls(
                folder=Path(data["folder"]),
                keeper=Identity(**data["keeper"]),
                ready=bool(data["ready"]),
                servers=tuple(
                    Running(item["name"], item["address"], Identity(**item["identity"]), item["patience"])
                    for item in data["servers"]
                ),
                left_out=tuple(data["left_out"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _index() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "midwatch" / "demos"


def remember(folder: Path) -> None:
    index = _index()
    index.mkdir(parents=True, exist_ok=True, mode=0o700)
    (index / folder.name).write_text(str(folder))


def forget(folder: Path) -> None:
    (_index() / folder.name).unlink(missing_ok=True)


def known() -> list[Path]:
    """The folders of this user's demos, also of those whose keeper has died."""
    try:
        return [Path(entry.read_text()) for entry in sorted(_index().iterdir())]
    except OSError:
        return []
