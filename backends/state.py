"""Where midwatch keeps what it writes for its user, and how a folder is made that no other account can look into."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path


def state_folder(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/midwatch`."""
    base = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME", "/"), ".local", "state")
    return Path(base) / "midwatch"


def private_folder(path: Path) -> Path:
    """The folder, made (0700) where it is not there, with those above it. Blocks.

    Raises OSError; `PermissionError` where it is somebody else's, or others can look into it.
    """
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    info = path.stat()
    if info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) & 0o077:
        raise PermissionError(13, "others can look into it (chmod 700), or it is not yours", str(path))
    return path
