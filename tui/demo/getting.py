"""Real servers without installing anything: found on PATH, else unpacked from Debian's packages into a cache.

`apt-get download` and `dpkg-deb -x` need no root and start nothing; removing the cache folder removes all.
Lists of our own are fetched where the machine has none or its mirror has moved on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 300
"""How long one step of apt may take."""
SYSTEM = ("/usr/sbin", "/sbin", "/usr/local/sbin")
"""Where servers are installed that a plain user's PATH does not name."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """A server's program and the Debian packages that hold it."""

    name: str
    packages: tuple[str, ...]


class Missing(Exception):
    """A program that can't be had on this machine, and why."""


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "midwatch" / "servers"


def get(program: Program, say: Say | None = None) -> str:
    """The path of a program, fetched if need be. Raises `Missing` with the reason in words."""
    tell = say or (lambda text: None)
    found = find(program.name)
    if found is not None:
        return found
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, program, tell):
        found = find(program.name)
        if found is None:
            _fetch(program, folder, tell)
            found = find(program.name)
    if found is None:
        raise Missing(f"{program.name} is in none of the packages {' '.join(program.packages)}")
    return found


def find(name: str) -> str | None:
    """A program on PATH, in the system's folders for servers, or in the cache."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))
    found = shutil.which(name, path=path)
    if found is not None:
        return found
    for part in ("usr/bin", "usr/sbin", "bin", "sbin"):
        for tree in sorted(cache_folder().glob(f"*/{part}/{name}")):
            if os.access(tree, os.X_OK):
                return str(tree)
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
        yield


def _fetch(program: Program, folder: Path, say: Say) -> None:
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Missing(f"{program.name} is not installed, and there is no {tool} to get it with")
    options = _lists(program, folder, say)
    say(f"{program.name}: downloading {' '.join(program.packages)}")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        done = _apt(["apt-get", *options, "download", *program.packages], scratch)
        if done.returncode:
            own = _own_lists(folder, say)
            done = _apt(["apt-get", *own, "download", *program.packages], scratch)
        if done.returncode:
            raise Missing(f"{program.name} could not be downloaded: {_last_line(done.stderr)}")
        tree = Path(scratch) / "tree"
        tree.mkdir()
        for package in sorted(Path(scratch).glob("*.deb")):
            say(f"{program.name}: unpacking {package.name.split('_')[0]}")
            done = _apt(["dpkg-deb", "-x", str(package), str(tree)], scratch)
            if done.returncode:
                raise Missing(f"{program.name} could not be unpacked: {_last_line(done.stderr)}")
        # Renamed whole: what was interrupted leaves nothing half done.
        target = folder / program.name
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)


def _lists(program: Program, folder: Path, say: Say) -> list[str]:
    """The options by which apt knows these packages; its own lists where the machine's do not. One unknown name
    and nothing at all would be downloaded, so each is asked for first."""
    if not _unknown(program.packages, []):
        return []
    options = _own_lists(folder, say)
    unknown = _unknown(program.packages, options)
    if unknown:
        raise Missing(f"{program.name}: this release has no package {' '.join(unknown)}")
    return options


def _own_lists(folder: Path, say: Say) -> list[str]:
    lists = folder / "apt" / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    options = [
        *("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder / 'apt'}"),
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
    ]
    say("package lists: fetching our own, about 10 MB")
    done = _apt(["apt-get", *options, "update"], str(folder))
    if done.returncode:
        raise Missing(f"no package lists to be had: {_last_line(done.stderr)}")
    return options


def _unknown(packages: Sequence[str], options: list[str]) -> list[str]:
    return [name for name in packages if _apt(["apt-cache", *options, "show", name], "/").returncode]


def _apt(argv: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no answer within {SECONDS} s")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or ["no reason given"])[-1]


ETCD = Program("etcd", ("etcd-server",))
ETCDCTL = Program("etcdctl", ("etcd-client",))


def main() -> int:
    """`python -m tui.demo.getting`: fetch everything that the tests and the demo start."""
    status = 0
    for program in (ETCD, ETCDCTL):
        try:
            sys.stdout.write(f"{program.name}: {get(program, print_line)}\n")
        except Missing as error:
            sys.stdout.write(f"{program.name}: left out: {error}\n")
            status = 1
    return status


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
