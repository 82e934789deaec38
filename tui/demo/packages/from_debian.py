"""Programs out of Debian's packages, without root: `apt-get download`, `dpkg-deb -x` (apt-get(8), dpkg-deb(1)).

apt checks the signatures, as ever. Where the machine has no package lists, or its mirror has moved on since
they were fetched, lists of our own are fetched into the cache folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tui.demo.packages.command import Missing, Say, reason, run

TOOLS = ("apt-get", "apt-cache", "dpkg-deb")
DEFAULT = "default-"
"""How packages are called that hold nothing and depend on this release's choice ("default-jre-headless")."""


def unpack(name: str, packages: Sequence[str], scratch: Path, cache: Path, say: Say) -> None:
    """Unpack the packages into `scratch/tree`; of `new|old` the first that there is. Raises `Missing` with the
    reason in words."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        raise Missing(f"it is not installed, and there is no {lacking[0]} to get it with")
    known, unknown = _sorted(_chosen(packages, []), [])
    if unknown or not _download(name, known, [], scratch, say):
        own = _own_lists(cache, say)
        known, unknown = _sorted(_chosen(packages, own), own)
        if unknown:
            raise Missing(f"this release has no package {' '.join(unknown)}")
        if not _download(name, known, own, scratch, say):
            raise Missing(f"could not be downloaded: {_why(known, own, scratch)}")
    tree = scratch / "tree"
    tree.mkdir()
    archives = sorted(scratch.glob("*.deb"))
    for number, archive in enumerate(archives, start=1):
        say(f"{name}: unpacking {archive.name.split('_')[0]} ({number} of {len(archives)})")
        done = run(["dpkg-deb", "-x", str(archive), str(tree)], scratch)
        if done.returncode:
            raise Missing(f"{archive.name} could not be unpacked: {reason(done)}")
    _mend_links(tree)


def _mend_links(tree: Path) -> None:
    """Absolute links whose target is in the tree are made relative: a JRE's configuration is linked to /etc."""
    for folder, folders, files in os.walk(tree):
        for link in (Path(folder, entry) for entry in (*folders, *files)):
            if not link.is_symlink() or not os.path.isabs(target := os.readlink(link)):
                continue
            inside = tree / target.lstrip("/")
            if os.path.lexists(inside):
                link.unlink()
                link.symlink_to(os.path.relpath(inside, folder))


def _chosen(packages: Sequence[str], options: Sequence[str]) -> list[str]:
    """The packages, with this release's own in the place of its defaults."""
    chosen: list[str] = []
    for name in packages:
        depends = ""
        if name.startswith(DEFAULT):
            depends = run(["apt-cache", *options, "depends", name], Path("/")).stdout
        lines = (line.strip().partition("Depends: ") for line in depends.splitlines())
        chosen.append(next((found for before, _, found in lines if found and not before), name))
    return chosen


def _sorted(packages: Sequence[str], options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names that apt knows, and those it does not: with one of these it would download nothing at all."""
    known, unknown = [], []
    for package in packages:
        names = package.split("|")
        there = [name for name in names if not run(["apt-cache", *options, "show", name], Path("/")).returncode]
        if there:
            known.append(there[0])
        else:
            unknown.append(package)
    return known, unknown


def _download(name: str, packages: Sequence[str], options: Sequence[str], scratch: Path, say: Say) -> bool:
    for number, package in enumerate(packages, start=1):
        size = _size(package, options)
        say(f"{name}: downloading {package}{size} ({number} of {len(packages)})")
        if run(["apt-get", *options, *_as_root(), "download", package], scratch).returncode:
            say(f"{name}: {package} is not to be had by the lists at hand")
            return False
    return True


def _why(packages: Sequence[str], options: Sequence[str], scratch: Path) -> str:
    return reason(run(["apt-get", *options, "download", *packages], scratch))


def _size(package: str, options: Sequence[str]) -> str:
    for line in run(["apt-cache", *options, "show", package], Path("/")).stdout.splitlines():
        key, _, value = line.partition(":")
        if key == "Size" and value.strip().isdecimal():
            return f", {int(value) / 1e6:.1f} MB"
    return ""


def _own_lists(cache: Path, say: Say) -> list[str]:
    """Options by which apt uses lists in the cache folder, fetched now. `partial` must exist; with the two empty
    options apt writes no caches of 70 MB beside them."""
    apt = cache / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    options = [
        *("-o", f"Dir::State::Lists={apt / 'lists'}", "-o", f"Dir::Cache={apt}"),
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
    ]
    say("package lists: the machine's do not do; fetching our own, about 10 MB")
    done = run(["apt-get", *options, *_as_root(), "update"], cache)
    if done.returncode:
        raise Missing(f"no package lists to be had: {reason(done)}")
    return options


def _as_root() -> list[str]:
    """As root, apt would fetch as its user _apt, who can't write into our folder; a plain user's ignores it."""
    return ["-o", "APT::Sandbox::User=root"]
