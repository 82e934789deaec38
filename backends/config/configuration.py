"""The configuration as it was read: its contexts, which of them to open, and the line in
which a mistake is told (its words: `reader`, `typed`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from backends.clean import clean
from backends.config.context import Context
from backends.config.context_words import DEFAULT, wanted_context
from backends.nearest import one_of


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
        from backends.config.lines import key_lines  # Asked for where something is wrong.

        return key_lines(self.text)


class Document(Struct, frozen=True):
    """A configuration file as it was read. `foreign`: others than its reader can write it."""

    path: Path
    data: bytes
    foreign: bool


def choose_context(config: Config, given: str | None, env: Mapping[str, str]) -> Context | None:
    """The context to open: named, else `$MIDWATCH_CONTEXT`, the file's default, the only one. None where there
    is no configuration: discovery makes `default`. Raises `ConfigError` where the choice is not clear."""
    names = list(config.contexts)
    wanted = wanted_context(names, config.default, given, env)
    where = str(config.path) if config.path else "midwatch"
    if not names and wanted in (None, DEFAULT):
        return None
    if wanted is None:
        raise ConfigError(where, "default", f"not set, expected one of {', '.join(names)}, or --context NAME")
    if wanted in config.contexts:
        return config.contexts[wanted]
    key = "--context" if given else "$MIDWATCH_CONTEXT"
    raise ConfigError(where, key, f"no context {wanted!r}{one_of(wanted, names or [DEFAULT])}")
