"""The first frame: context, mode, and each source, which is loading, as the plain words of the configuration say.

The file is read again and checked while the frame stands; what is wrong with it is said then.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from backends.clean import clean
from backends.config.context_words import COLOURS, DEFAULT, THIS_HOST, mode, paint, wanted_context
from backends.config.file import Unreadable, config_name, read_bytes

SGR = {name: code for code, name in enumerate(COLOURS, 31)}


class Glance(NamedTuple):
    """What is to be opened, at first sight."""

    name: str
    mode: str
    colour: str
    sources: tuple[str, ...]


def glance(file: str | None, context: str | None, env: Mapping[str, str], *, read_only: bool) -> Glance | None:
    """None where the configuration is not as it should be: reading all of it says why."""
    name, deliberate = config_name(file, env)
    try:
        raw: dict[str, Any] = tomllib.loads(read_bytes(name)[0].decode("utf-8-sig"))
    except FileNotFoundError:
        if deliberate:
            return None
        raw = {}
    except (OSError, ValueError, RecursionError, Unreadable):
        return None
    contexts = raw.get("context", {})
    if not isinstance(contexts, dict):
        return None
    default = raw.get("default")
    if default is not None and default not in list(contexts):
        return None
    wanted = wanted_context(list(contexts), default, context, env)
    if not contexts and wanted in (None, DEFAULT):
        return Glance(DEFAULT, mode(read_only=read_only, arm=""), paint(DEFAULT, ""), ())
    table = contexts.get(str(wanted))
    if wanted is None or not isinstance(table, dict):
        return None
    return Glance(
        str(wanted),
        mode(read_only=read_only or table.get("read_only") is True, arm=str(table.get("arm"))),
        paint(str(wanted), str(table.get("colour", ""))),
        tuple(_sources(table)),
    )


def _sources(table: dict[str, Any]) -> list[str]:
    # Whatever is a table in a context's own is a kind of backend.
    named = [f"{kind}/{name}" for kind, tables in table.items() if isinstance(tables, dict) for name in tables]
    return named if table.get("local") is False else [*named, THIS_HOST]


def first_frame(seen: Glance | None, size: os.terminal_size) -> list[str]:
    """Its lines, with escapes. The app draws over it."""
    if seen is None:
        return []
    bar = clean(f" midwatch  {seen.name}  {seen.mode}")[: size.columns].ljust(size.columns)
    texts = [f"{source}  loading" for source in seen.sources] or ["looking for sources …"]
    colour = SGR.get(seen.colour, SGR["cyan"])
    lines = [f"\x1b[7;{colour}m{bar}\x1b[0m", ""]
    return lines + [f"  \x1b[2m{clean(text)[: size.columns - 2]}\x1b[0m" for text in texts[: size.lines - 3]]
