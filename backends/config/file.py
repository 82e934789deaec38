"""Which file is the configuration, and reading it: the file here, its words in `reader`.

Imports nothing slow: the first frame looks into the file, too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from backends.config.configuration import Config

MOST_BYTES = 4 << 20
"""No configuration is as long; a device or a log named by mistake is."""


class Unreadable(Exception):
    """What is there is no file of the kind that a configuration is; says why."""


def config_path(given: str | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """Which file is the configuration, and whether somebody named it on purpose (then it must be there)."""
    from pathlib import Path

    name, deliberate = config_name(given, env)
    return Path(name), deliberate


def config_name(given: str | None, env: Mapping[str, str]) -> tuple[str, bool]:
    """The same, as a string."""
    if given or env.get("MIDWATCH_CONFIG"):
        return os.path.expanduser(given or env["MIDWATCH_CONFIG"]), True
    base = env.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # "All paths must be absolute", XDG Base Directory Specification
        base = os.path.join(env.get("HOME", "/"), ".config")
    return os.path.join(base, "midwatch", "config.toml"), False


def read_only_wanted(flag: bool, env: Mapping[str, str]) -> bool:
    """Whether the flag or `$MIDWATCH_READ_ONLY` makes every context read-only."""
    return flag or env.get("MIDWATCH_READ_ONLY", "") not in ("", "0")


def load_config(given: str | None, env: Mapping[str, str], *, read_only: bool = False) -> Config:
    """Read and check the configuration. Raises `ConfigError`. Blocks."""
    from backends.config.configuration import Config, ConfigError, Document

    path, deliberate = config_path(given, env)
    try:
        data, foreign = read_bytes(path)
    except FileNotFoundError:
        if deliberate:
            raise ConfigError(str(path), "", "no such file; `midwatch config init` writes one") from None
        return Config(None)
    except Unreadable as error:
        raise ConfigError(str(path), "", str(error)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(str(path), "", f"not readable: {reason}") from None
    from backends.config.reader import read

    return read(Document(path, data, foreign), read_only=read_only_wanted(read_only, env))


def read_bytes(path: str | Path) -> tuple[bytes, bool]:
    """What the file holds, and whether others than its reader can write it."""
    # Without waiting: a FIFO would hold the start up until somebody writes to it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("not a file, expected one in TOML")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unreadable(f"longer than {MOST_BYTES >> 20} MiB, expected a configuration in TOML")
    return data, bool(info.st_mode & 0o022) or info.st_uid not in (0, os.geteuid())
