"""Where midwatch keeps what it writes for its user, and folders that no other account can look into."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

FOREIGN = "belongs to somebody else"


def state_folder(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/midwatch`."""
    base = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME", "/"), ".local", "state")
    return Path(base) / "midwatch"


def audit_folder(env: Mapping[str, str]) -> Path:
    """Where the audit of this account is."""
    return state_folder(env) / "audit"


def own_folder(path: Path) -> Path:
    """The folder, 0700 whatever the umask: made where it is not there, with those above it that are missing
    (0700 too, as XDG has it), and closed to others where it is ours. Blocks. Raises OSError; `PermissionError`
    where it is somebody else's, or a link that is or leads to somebody else's."""
    _make(path)
    if path.lstat().st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, FOREIGN, str(path))
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        info = os.fstat(handle)
        if info.st_uid != os.geteuid():
            raise PermissionError(errno.EACCES, f"is a link to a folder that {FOREIGN}", str(path))
        if info.st_mode & 0o077:
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)
    # Some file systems take a mode and do not keep it.
    check_private(path)
    return path


def private_folder(state: Path, *parts: str) -> Path:
    """The folder of these names below midwatch's own, each made (0700) where it is not there. Blocks. Raises as
    `own_folder` does for `state`, and as `check_private` for those below it."""
    path = own_folder(state)
    for part in parts:
        path /= part
        _make(path)
        check_private(path)
    return path


def check_private(path: Path) -> None:
    """Raises OSError; `PermissionError` for a folder that is somebody else's, or that others can look into."""
    info = path.stat()
    if info.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, FOREIGN, str(path))
    if stat.S_IMODE(info.st_mode) & 0o077:
        raise PermissionError(errno.EACCES, f"others can look into it: chmod 700 {path}", str(path))


def _make(path: Path) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        if path == path.parent:
            raise
        _make(path.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
