"""Lines made of keys and values: JSON lines and logfmt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from backends.api.logs import Level
from backends.logs.levels import SYSLOG, level_of, python_level
from backends.logs.parsed import Parsed
from backends.logs.times import any_time
from backends.no_json import NO_JSON

TIMES = ("time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "date", "t", "__REALTIME_TIMESTAMP")
LEVELS = ("level", "lvl", "severity", "levelname", "log.level", "loglevel", "log_level", "priority")
MESSAGES = ("msg", "message", "event", "short_message", "MESSAGE", "log", "error", "err")
FIELDS = 128
"""Fields of a record that are kept."""
_TIMES, _LEVELS = frozenset(TIMES), frozenset(LEVELS)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def json_line(text: str) -> Parsed | None:
    """One JSON object. Nested objects become dotted names one level deep, deeper ones stay JSON."""
    if not text.rstrip().endswith("}"):
        return None
    try:
        data = _decode(text.encode("utf-8", "replace"))
    except (*NO_JSON, ValueError):
        return None
    if not isinstance(data, dict):
        return None
    for value in data.values():
        if isinstance(value, dict):
            data = _flat(data)
            break
    return _from_fields(data, text)


def _flat(data: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            flat[key] = value
    return flat


_PAIR = re.compile(r'(?<!\S)([A-Za-z_@][\w.@/-]{0,99})=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def logfmt(text: str) -> Parsed | None:
    """`key=value key="quoted value"`: nothing but pairs, two at least, or one that says the level or the time."""
    first = _PAIR.match(text)
    if first is None:
        return None
    fields = pairs(text)
    if fields is None or (len(fields) < 2 and first[1] not in _LEVELS and first[1] not in _TIMES):
        return None
    return _from_fields(fields, text)


def pairs(text: str) -> dict[str, str] | None:
    """The pairs of a text that is made of them, save for a few bare words between; else None."""
    fields: dict[str, str] = {}
    size = 0
    for key, quoted, bare in _PAIR.findall(text):
        size += len(key) + len(quoted) + len(bare) + (4 if quoted else 2)
        if len(fields) < FIELDS:
            fields[key] = _plain(quoted) if quoted else bare
    return fields if fields and size >= len(text) * 0.9 else None


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), quoted) if "\\" in quoted else quoted


def _from_fields(data: Mapping[str, object], text: str) -> Parsed:
    time, time_key = _first_time(data)
    level, level_key = _first_level(data)
    message_key = next((key for key in MESSAGES if isinstance(data.get(key), str)), "")
    message = str(data[message_key]).rstrip("\n") if message_key else text
    fields: dict[str, str] = {}
    for key, value in data.items():
        if key in (time_key, level_key, message_key):
            continue
        if len(fields) >= FIELDS:
            break
        fields[key] = value if isinstance(value, str) else _encode(value).decode()
    return Parsed(message, time, level, fields)


def _first_time(data: Mapping[str, object]) -> tuple[datetime | None, str]:
    for key in TIMES:
        if key in data and (found := any_time(data[key])) is not None:
            return found, key
    return None, ""


def _first_level(data: Mapping[str, object]) -> tuple[Level | None, str]:
    for key in LEVELS:
        if key in data and (found := level_of(data[key])) is not None:
            return found, key
    if "PRIORITY" in data:
        number = str(data["PRIORITY"])
        return (SYSLOG[int(number)], "PRIORITY") if number in "01234567" and number else (None, "")
    level = python_level(data.get("levelno"))
    return level, "levelno" if level is not None else ""
