"""What the patterns of a source lead to, and why a file may not be read."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import resource
import stat
from collections.abc import Callable, Sequence
from fnmatch import fnmatch

FILES_MOST = 4_096
"""Files that one source follows at most: the newest ones, and no more than half of what a process may open."""


class Patterns:
    """Files and globs as the configuration names them: `~` is a home directory, `**` any depth."""

    def __init__(self, patterns: tuple[str, ...] | list[str]) -> None:
        expanded = [os.path.expanduser(pattern) for pattern in patterns]
        self.all = tuple(dict.fromkeys(expanded))
        # `app[1].log` may be the name of a file as well.
        self.globs = tuple(
            pattern for pattern in self.all if glob.has_magic(pattern) and not os.path.lexists(pattern)
        )
        self.literal = tuple(pattern for pattern in self.all if pattern not in self.globs)
        self._names = tuple(os.path.basename(pattern) or "*" for pattern in self.globs)

    def expand(self) -> list[str]:
        """Every literal path, there or not, and what the globs lead to now, without directories."""
        found = dict.fromkeys(self.literal)
        for pattern in self.globs:
            found.update(dict.fromkeys(glob.iglob(pattern, recursive=True)))
        return list(found)

    def may_match(self, path: str) -> bool:
        """Whether a glob may lead to this path, judged by its last part alone."""
        name = os.path.basename(path)
        return any(fnmatch(name, pattern) for pattern in self._names)

    @property
    def unmatched(self) -> str:
        """What to say where they lead to nothing."""
        return f"no file matches {', '.join(self.all)}"

    def folders(self) -> set[str]:
        """The directories that the patterns name without a wildcard."""
        return {folder for pattern in self.all if not glob.has_magic(folder := os.path.dirname(pattern))}


def most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return FILES_MOST if soft == resource.RLIM_INFINITY else max(16, min(FILES_MOST, soft // 2))


def open_files_most() -> int:
    """Files that one source holds open at most, those that were renamed since and are not read yet included."""
    return most() * 3 // 2


def newest(paths: list[str]) -> list[str]:
    """The paths by the time of their last write, oldest first; those that are not there come first."""
    times = []
    for path in paths:
        try:
            times.append((os.stat(path).st_mtime_ns, path))
        except OSError:
            times.append((0, path))
    return [path for _, path in sorted(times)]


def readable(path: str) -> bool:
    """Whether this process may read a path, by its effective user as `open` does."""
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def refusal(path: str) -> tuple[str, str]:
    """Why this user may not read a path, and what would help."""
    try:
        info = os.stat(path)
    except OSError:
        return "permission denied in its directory", "ask for the right to enter the directory"
    group = _name(grp.getgrgid, info.st_gid)
    owner = _name(pwd.getpwuid, info.st_uid)
    if info.st_mode & stat.S_IRGRP:
        return f"permission denied: only {owner} and the group {group} may read it", f"join the group {group}"
    return f"permission denied: only {owner} may read it", f"run as {owner}, or let a group read it"


def _name(look_up: Callable[[int], Sequence[object]], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)
