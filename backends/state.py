"""Where midwatch keeps what it writes for its user, and folders that no other account can look into."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path


def state_folder(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/midwatch`."""
    base = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME", "/"), ".local", "state")
    return Path(base) / "midwatch"


def private_folder(path: Path) -> Path:
    """The folder, made (0700) where it is not there, with those above it. Blocks. Raises as `check_private`."""
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    check_private(path)
    return path


def check_private(path: Path) -> None:
    """Raises OSError; `PermissionError` for a folder that is somebody else's, or that others can look into."""
    info = path.stat()
    if info.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, "belongs to another account", str(path))
    if stat.S_IMODE(info.st_mode) & 0o077:
        raise PermissionError(errno.EACCES, f"others can look into it: chmod 700 {path}", str(path))
