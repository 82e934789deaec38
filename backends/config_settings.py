"""One backend's table to its typed Settings, and which part of it is wrong."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any, get_args, get_type_hints

import msgspec

from backends.api.settings import SecretRef, Settings

WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
}
"""msgspec's names of types as people call them."""
FILES = ("ca", "cert", "key", "file", "directory")
GLOBS = ("paths", "files")


class Wrong(Exception):
    """What is wrong at which place of a table; `word` is the key that is not one of the `known` ones."""

    def __init__(self, path: tuple[str, ...], text: str, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.path, self.text, self.word, self.known = path, text, word, known


def typed_settings(table: dict[str, Any], model: type[Settings]) -> Settings:
    """A table as a backend's settings. Raises `Wrong`."""
    known = _keys(model)
    for key in table:
        if key not in known:
            raise Wrong((key,), "unknown key", key, known)
    try:
        return msgspec.convert(table, model)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), table, model) from None


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

    defaults = {item.encode_name: item.default for item in _fields(model)}
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
        items = {item.encode_name: getattr(value, item.name) for item in _fields(type(value))}
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


def _wrong(told: str, table: dict[str, Any], model: type[Settings]) -> Wrong:
    text, _, place = told.partition(" - at `$")
    path = _resolved(re.findall(r"[^.\[\]`]+|\.\.\.", place), table, model)
    if unknown := re.search(r"unknown field `(.*)`", text):
        word = unknown.group(1)
        return Wrong((*path, word), "unknown key", word, _nested(model, path))
    if missing := re.search(r"missing required field `(.*)`", text):
        return Wrong((*path, missing.group(1)), "missing, expected it here")
    if word := re.fullmatch(r"Invalid enum value '(.*)'", text):
        return Wrong(path, f"wrong value {word.group(1)!r}", word.group(1), _literals(model, path))
    if found := re.fullmatch(r"Expected `(.*)`, got `(.*)`", text):
        return Wrong(path, f"wrong type, expected {_words(found.group(1))}, got {_words(found.group(2))}")
    return Wrong(path, "wrong value, " + re.sub("`([^`]*)`", lambda m: _words(m.group(1)), _lower(text)))


def _resolved(parts: list[str], table: dict[str, Any], model: type[Settings]) -> tuple[str, ...]:
    """msgspec writes `...` for a key of a free table: which one it was shows when each is tried alone."""
    if "..." not in parts:
        return tuple(parts)
    at = parts.index("...")
    if at != 1:
        return tuple(parts[:at])
    name = parts[0]
    for key, item in table[name].items():
        try:
            msgspec.convert({**table, name: {key: item}}, model)
        except msgspec.ValidationError:
            return (name, key, *(part for part in parts[2:] if part != "..."))
    return (name,)


@cache
def _fields(model: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """msgspec looks up the types of all fields each time: once for each of three questions a source, that was a
    twentieth of a start."""
    return msgspec.structs.fields(model)


def _keys(model: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(item.encode_name for item in _fields(model))


def _nested(model: type[Settings], path: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that a table within a setting may have."""
    if not path:
        return _keys(model)
    return tuple(
        dict.fromkeys(key for struct in _structs(get_type_hints(model)[path[0]]) for key in _keys(struct))
    )


def _literals(model: type[Settings], path: tuple[str, ...]) -> tuple[str, ...]:
    """The words that a setting may be."""
    return tuple(word for word in get_args(get_type_hints(model)[path[0]]) if isinstance(word, str))


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in get_args(hint):
        yield from _structs(part)


def _words(names: str) -> str:
    return " or ".join(WORDS.get(name, name) for name in names.split(" | ") if name != "null")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
