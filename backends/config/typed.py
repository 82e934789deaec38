"""A value of the configuration as a type says, and which part of it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

WORDS = {
    "array": "a list",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
    "time": "a time",
}
"""msgspec's names of types as people call them."""
T = TypeVar("T")


class Wrong(Exception):
    """What is wrong at which place of a value; `word` is what was meant to be one of the `known` ones."""

    def __init__(self, path: tuple[str, ...], text: str, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.path, self.text, self.word, self.known = path, text, word, known


def typed(value: Any, model: type[T], expected: str = "") -> T:
    """A value as the type that it should be. `expected` says what that is as a whole, the description in its
    `Meta` what a field is. Raises `Wrong`."""
    known = keys_of(model)
    if known and isinstance(value, dict):
        # Before anything else: with one that is written wrong another one is missing.
        for key in value:
            if key not in known:
                raise Wrong((key,), "unknown key", key, known)
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), value, model, expected) from None


@cache
def fields_of(model: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """msgspec looks up the types of all fields each time: once for each of three questions a source, that was a
    twentieth of a start."""
    return msgspec.structs.fields(model)


def _wrong(told: str, value: Any, model: Any, expected: str) -> Wrong:
    text, _, place = told.partition(" - at `$")
    path = _resolved(re.findall(r"[^.\[\]`]+|\.\.\.", place), value, model)
    hints = _hints(model, path)
    words = _literals(hints)
    if unknown := re.search(r"unknown field `(.*)`", text):
        word = unknown.group(1)
        return Wrong((*path, word), "unknown key", word, _keys(hints))
    if missing := re.search(r"missing required field `(.*)`", text):
        here = (*path, missing.group(1))
        return Wrong(here, f"missing, expected {_described(_hints(model, here)) or 'it here'}")
    if word := re.fullmatch(r"Invalid enum value '(.*)'", text):
        return Wrong(path, f"wrong value {word.group(1)!r}", word.group(1), words)
    if found := re.fullmatch(r"Expected `(.*)`, got `(.*)`", text):
        got = _words(found.group(2))
        if words:
            return Wrong(path, f"wrong type, got {got}", "", words)
        wanted = (_described(hints) if path else expected) or _words(found.group(1))
        return Wrong(path, f"wrong type, expected {wanted}, got {got}")
    return Wrong(path, "wrong value, " + re.sub("`([^`]*)`", lambda m: _words(m.group(1)), _lower(text)))


def _resolved(parts: list[str], table: dict[str, Any], model: Any) -> tuple[str, ...]:
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
        except msgspec.ValidationError as error:
            if f"$.{name}[...]" not in str(error):
                continue  # It is about another key of the table's table.
            return (name, key, *(part for part in parts[2:] if part != "..."))
    return (name,)


def keys_of(model: Any) -> tuple[str, ...]:
    """The keys that a table of this type may have; none where it is of no such type, or of a free one."""
    is_table = isinstance(model, type) and issubclass(model, msgspec.Struct)
    return tuple(item.encode_name for item in fields_of(model)) if is_table else ()


def _hints(model: Any, path: tuple[str, ...]) -> list[Any]:
    """The types that stand at a place of a type, each of a union by itself."""
    found = list(_each(model))
    for part in path:
        found = [one for hint in found for below in _below(hint, part) for one in _each(below)]
    return found


def _bare(hint: Any) -> Any:
    """A type without what is said of it."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _each(hint: Any) -> Iterator[Any]:
    """A type with what is said of it, or those of a union."""
    bare = _bare(hint)
    if get_origin(bare) in (Union, UnionType):
        yield from get_args(bare)
    else:
        yield hint


def _below(hint: Any, part: str) -> Iterator[Any]:
    """What a type has at a key of it, or at any number."""
    hint = _bare(hint)
    origin = get_origin(hint)
    if keys_of(hint):
        hints = get_type_hints(hint, include_extras=True)
        yield from (hints[item.name] for item in fields_of(hint) if item.encode_name == part)
    elif isinstance(origin, type):
        # Of a mapping its values, of a list its entries.
        yield get_args(hint)[1 if issubclass(origin, Mapping) else 0]


def _keys(hints: list[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for hint in hints for key in keys_of(_bare(hint))))


def _literals(hints: list[Any]) -> tuple[str, ...]:
    """The words that may stand there."""
    choices = [get_args(_bare(hint)) for hint in hints if get_origin(_bare(hint)) is Literal]
    return tuple(word for words in choices for word in words if isinstance(word, str))


def _described(hints: list[Any]) -> str:
    """What people call it, where that was said."""
    said = (meta for hint in hints if get_origin(hint) is Annotated for meta in get_args(hint)[1:])
    return next((one.description for one in said if isinstance(one, msgspec.Meta) and one.description), "")


def _words(names: str) -> str:
    found = [name for name in names.split(" | ") if name != "null"]
    # Whoever takes any number takes a whole one.
    return " or ".join(WORDS.get(name, name) for name in found if not (name == "int" and "float" in found))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
