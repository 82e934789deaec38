"""The files and the commands in a backend's settings: where those lie, and whether there are any of these."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import msgspec

from backends.api.settings import SecretRef, Settings
from backends.config.typed import fields_of

FILES = ("ca", "cert", "key", "file", "directory")
GLOBS = ("paths", "files")


def rooted(table: dict[str, Any], folder: FilePath, model: type[Settings] = Settings) -> dict[str, Any]:
    """A backend's table with the files in it made absolute: `~` is a home, the rest begins at `folder`, and so do
    those that `model` has by default."""

    def place(name: str, *, pattern: bool = False) -> str:
        name = os.path.expanduser(name)
        if os.path.isabs(name):
            return name
        # A folder may be named like a glob; its own characters are meant as they are.
        root = glob.escape(str(folder)) if pattern and glob.has_magic(name) else str(folder)
        return os.path.normpath(os.path.join(root, name))

    defaults = {item.encode_name: item.default for item in fields_of(model)}
    out = {key: value for key, value in defaults.items() if key in FILES and isinstance(value, str)} | table
    for key, value in tuple(out.items()):
        if key in FILES and isinstance(value, str):
            out[key] = place(value)
        elif key in GLOBS and isinstance(value, list):
            out[key] = [place(item, pattern=True) if isinstance(item, str) else item for item in value]
        elif isinstance(value, dict):
            out[key] = _placed(value, place)
    return out


def _placed(table: dict[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """A secret's file made absolute, also of one that stands in a table of them (headers)."""
    if isinstance(table.get("file"), str) and len(table) == 1:
        return {"file": place(table["file"])}
    return {key: _placed(item, place) if isinstance(item, dict) else item for key, item in table.items()}


def command_in(value: Any) -> tuple[str, ...] | None:
    """Where settings hold a command, a secret's or their own; None where they don't."""
    if isinstance(value, SecretRef):
        return ("command",) if value.command else None
    pairs: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, msgspec.Struct):
        items = {item.encode_name: getattr(value, item.name) for item in fields_of(type(value))}
        commands = value.commands if isinstance(value, Settings) else ()
        own = next((key for key in commands if items[key]), None)
        if own is not None:
            return (own,)
        pairs = iter(items.items())
    elif isinstance(value, dict):
        pairs = iter(value.items())
    elif isinstance(value, list | tuple):
        pairs = iter(enumerate(value))
    for key, item in pairs:
        found = command_in(item)
        if found is not None:
            return (str(key), *found)
    return None
