"""One log record, spelled out: for the text screen."""

from __future__ import annotations

from backends.api.logs import LogRecord
from widgets.quantities import count

RAW_MOST = 100_000
"""Bytes of one value that are spelled out; `:w` saves whole lines."""


def record_lines(record: LogRecord, origin: str) -> list[str]:
    """Its message, its facts, and its bytes as they came."""
    level = record.level.word if record.level is not None else "–"
    when = record.time.astimezone().isoformat(" ", "milliseconds") if record.time is not None else "–"
    facts = [
        ("time", when),
        ("level", level),
        ("source", record.source),
        ("file", origin),
        ("format", record.format),
        *record.fields.items(),
    ]
    width = max(len(label) for label, _ in facts)
    lines = [*_cut(record.message).split("\n"), ""]
    for label, text in facts:
        first, *more = _cut(text).split("\n")
        lines += [f"{label:>{width}}  {first}", *(" " * (width + 2) + part for part in more)]
    return [*lines, "", "as it came:", *byte_lines(record.raw)]


def byte_lines(raw: bytes) -> list[str]:
    """Bytes as text, each that does not print by its number."""
    text = raw[:RAW_MOST].decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    more = len(raw) - RAW_MOST
    return [shown] if more <= 0 else [shown, f"… {count(more)} bytes more"]


def _cut(text: str) -> str:
    more = len(text) - RAW_MOST
    return text if more <= 0 else f"{text[:RAW_MOST]} … {count(more)} characters more"
