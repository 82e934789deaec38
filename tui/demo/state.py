"""What is known of the demos of this user: where each is, and which processes belong to it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backends.state import private_folder, state_folder
from tui.demo.process import Identity, end, end_members
from tui.demo.runs import forget_runs

NAME = "state.json"
DEMOS = "demos"
"""The folder in which it is noted where each demo is."""
FOLDER_MOST = 80
"""Characters of a folder in which a unix socket's path still fits: 107 in all, and supervisord first makes
`supervisor.sock.PID` beside the one that it means (unix(7))."""


class Refused(Exception):
    """A folder that no demo may use, in words for the user."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something of a demo that runs, or should: `ready` is a URL, or the path of a unix socket, that answers."""

    name: str
    address: str
    ready: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where pids mean what they say. Homes are shared by machines and by containers."""

    host: str
    boot: str
    space: str

    @classmethod
    def here(cls) -> Place:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(socket.gethostname(), boot, os.readlink("/proc/self/ns/pid"))

    def is_elsewhere(self) -> bool:
        """Whether such processes may well live where we can't see them. After a reboot they do not."""
        here = Place.here()
        return self.host != here.host or (self.boot == here.boot and self.space != here.space)


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo. `left_out` are the servers that this machine can't have, with the reason."""

    folder: Path
    keeper: Identity
    place: Place = field(default_factory=Place.here)
    made: bool = True
    """Whether the folder is ours to remove; else only what is in it."""
    owned: bool = True
    """Whether it ends with the dashboard that started it."""
    ready: bool = False
    parts: tuple[Part, ...] = ()
    servers: tuple[Identity, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def is_kept(self) -> bool:
        return self.place == Place.here() and self.keeper.is_alive()

    def save(self) -> None:
        part = self.folder / f"{NAME}.part"
        part.write_text(json.dumps({**asdict(self), "folder": str(self.folder)}))
        part.rename(self.folder / NAME)

    @classmethod
    def load(cls, folder: Path) -> Demo | None:
        """None where the folder holds no demo, or says that it is another folder's."""
        try:
            data: Mapping[str, Any] = json.loads((folder / NAME).read_text())
            if data["folder"] != str(folder):
                return None
            return cls(
                folder=folder,
                keeper=Identity(**data["keeper"]),
                place=Place(**data["place"]),
                made=bool(data["made"]),
                owned=bool(data["owned"]),
                ready=bool(data["ready"]),
                parts=tuple(Part(**item) for item in data["parts"]),
                servers=tuple(Identity(**item) for item in data["servers"]),
                left_out=tuple(data["left_out"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def make_folder(wanted: str | None) -> tuple[Path, bool]:
    """The folder of a new demo, and whether we made it. Nothing that lies in it already is ever touched."""
    if wanted is None:
        for base in (tempfile.gettempdir(), "/tmp"):
            if len(os.path.realpath(base)) + len("/midwatch-12345678") <= FOLDER_MOST:
                return Path(os.path.realpath(tempfile.mkdtemp(prefix="midwatch-", dir=base))), True
        raise Refused("TMPDIR is too long a path for a unix socket")
    folder = Path(os.path.realpath(wanted))
    if len(str(folder)) > FOLDER_MOST:
        raise Refused(f"{folder} is too long a path for a unix socket, expected at most {FOLDER_MOST} characters")
    old = Demo.load(folder)
    if old is not None:
        if old.is_kept() or old.place.is_elsewhere():
            raise Refused(f"{folder} is in use by a demo; midwatch demo down --dir {folder} stops it")
        clean_up(old)
    try:
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise Refused(f"{folder} is not empty, expected a new or an empty folder")
        if not made and folder.stat().st_uid != os.geteuid():
            raise Refused(f"{folder} belongs to somebody else")
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from error
    return folder, made


def clean_up(demo: Demo) -> bool:
    """End what a dead keeper has left, and remove its folder; True when nothing is left."""
    gone = True
    if demo.place == Place.here():
        gone = end(demo.servers, 2.0) and end_members(demo.folder)
    return remove(demo) and gone


def remove(demo: Demo) -> bool:
    """Remove the folder, or what is in it where it was there before us, and forget the demo."""
    if demo.made:
        shutil.rmtree(demo.folder, ignore_errors=True)
    else:
        for entry in _entries(demo.folder):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        forget_runs(demo.folder, _index().parent)
        _entry(demo.folder).unlink(missing_ok=True)
    return not (demo.folder.exists() if demo.made else _entries(demo.folder))


def clean_dead(named: str | None = None) -> list[Path]:
    """Clear away the demos whose keeper was killed, and the named one; the folders that were cleared."""
    demo = Demo.load(Path(os.path.realpath(named))) if named else None
    demos = {demo.folder: demo for demo in (*known(), *([demo] if demo else ()))}
    dead = [demo for demo in demos.values() if not demo.is_kept() and not demo.place.is_elsewhere()]
    return [demo.folder for demo in dead if clean_up(demo)]


def remember(folder: Path) -> None:
    """Note where the demo is. Without a state folder that can be written it runs all the same, found by --dir."""
    with contextlib.suppress(OSError):
        private_folder(state_folder(os.environ), DEMOS)
        _entry(folder).write_text(str(folder))


def known() -> list[Demo]:
    """This user's demos, also those whose keeper has died; what points to no demo any more is forgotten."""
    demos: list[Demo] = []
    for entry in _entries(_index()):
        try:
            demo = Demo.load(Path(entry.read_text()))
            if demo is None:
                entry.unlink(missing_ok=True)
            else:
                demos.append(demo)
        except OSError:
            continue
    return demos


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _entry(folder: Path) -> Path:
    return _index() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def _index() -> Path:
    return state_folder(os.environ) / DEMOS
