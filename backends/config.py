"""The configuration: which file, which context, what to say about a mistake. `config_reader` reads it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct, field

from backends.clean import clean
from backends.config_lines import key_lines
from backends.context import Context

MOST_BYTES = 4 << 20
"""No configuration is as long; a device or a log named by mistake is."""


class ConfigError(Exception):
    """A mistake in the configuration: one line, `FILE:LINE: key: what is wrong, what was expected, nearest`,
    safe to print whatever the file holds."""

    def __init__(self, where: str, key: str, wrong: str) -> None:
        super().__init__(clean(f"{where}: {key}: {wrong}" if key else f"{where}: {wrong}"))


class Config(Struct, frozen=True):
    """All contexts of a file, checked. `path` is None where there is no file; `text` is what it held."""

    path: Path | None
    contexts: Mapping[str, Context] = field(default_factory=dict)
    default: str | None = None
    text: str = ""

    def lines(self) -> Mapping[tuple[str, ...], int]:
        """The line of each key and table by its path."""
        return key_lines(self.text)


class Document(Struct, frozen=True):
    """A configuration file as it was read. `foreign`: others than its reader can write it."""

    path: Path
    data: bytes
    foreign: bool


def config_path(given: str | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """Which file is the configuration, and whether somebody named it on purpose (then it must be there)."""
    if given or env.get("MIDWATCH_CONFIG"):
        return Path(os.path.expanduser(given or env["MIDWATCH_CONFIG"])), True
    base = env.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # "All paths must be absolute", XDG Base Directory Specification
        base = os.path.join(env.get("HOME", "/"), ".config")
    return Path(base) / "midwatch" / "config.toml", False


def read_only_wanted(flag: bool, env: Mapping[str, str]) -> bool:
    """Whether the flag or `$MIDWATCH_READ_ONLY` makes every context read-only."""
    return flag or env.get("MIDWATCH_READ_ONLY", "") not in ("", "0")


def load_config(given: str | None, env: Mapping[str, str], *, read_only: bool = False) -> Config:
    """Read and check the configuration. Raises `ConfigError`. Blocks."""
    path, deliberate = config_path(given, env)
    try:
        document = _read(path)
    except FileNotFoundError:
        if deliberate:
            raise ConfigError(str(path), "", "no such file; `midwatch config init` writes one") from None
        return Config(None)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(str(path), "", f"not readable: {reason}") from None
    from backends.config_reader import read

    return read(document, read_only=read_only_wanted(read_only, env))


def _read(path: Path) -> Document:
    # Without waiting: a FIFO would hold the start up until somebody writes to it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise ConfigError(str(path), "", "not a file, expected one in TOML")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ConfigError(str(path), "", f"longer than {MOST_BYTES >> 20} MiB, expected a configuration in TOML")
    foreign = bool(info.st_mode & 0o022) or info.st_uid not in (0, os.geteuid())
    return Document(path, data, foreign)


def choose_context(config: Config, given: str | None, env: Mapping[str, str]) -> Context | None:
    """The context to open: named, else `$MIDWATCH_CONTEXT`, the file's default, the only one. None where there
    is no configuration: discovery makes `default`. Raises `ConfigError` where the choice is not clear."""
    names = list(config.contexts)
    named = given or env.get("MIDWATCH_CONTEXT")
    wanted = named or config.default or (names[0] if len(names) == 1 else None)
    where = str(config.path) if config.path else "midwatch"
    if not names and wanted in (None, "default"):
        return None
    if wanted is None:
        raise ConfigError(where, "default", f"not set, expected one of {', '.join(names)}, or --context NAME")
    if wanted in config.contexts:
        return config.contexts[wanted]
    key = "--context" if given else "$MIDWATCH_CONTEXT"
    raise ConfigError(where, key, f"no context {wanted!r}{nearest(wanted, names or ['default'])}")


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message: what was expected, and the nearest valid word where one is near."""
    words = list(known)
    close = get_close_matches(word, words, 1, 0.5)
    expected = f", expected one of {', '.join(words)}" if words else ", there is none"
    return f"{expected}; nearest is {close[0]}" if close else expected
