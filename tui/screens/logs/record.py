"""One log record, spelled out on the text screen."""

from __future__ import annotations

from backends.api.logs import LogRecord
from tui.screens.base import Desk
from widgets.logs.view import LogView
from widgets.quantities import count

RAW_MOST = 100_000
"""Bytes of one value that are spelled out; `:w` saves whole lines."""


def show_record(desk: Desk, view: LogView) -> None:
    """The record under the cursor: its message, its facts, and its bytes as they came."""
    record = view.current
    if record is None:
        desk.say("no line to open")
        return
    lines = record_lines(record, view.current_origin)
    text = desk.ways.show_text("log record", lambda: lines)
    text.pane.labels = _labels(_facts(record, view.current_origin))


def show_bytes(desk: Desk, view: LogView) -> None:
    """Only its bytes."""
    record = view.current
    if record is None:
        desk.say("no line to show")
        return
    lines = byte_lines(record.raw)
    desk.ways.show_text("log record, as it came", lambda: lines)


def record_lines(record: LogRecord, origin: str) -> list[str]:
    """Its message, its facts, and its bytes as they came."""
    facts = _facts(record, origin)
    width = _labels(facts)
    lines = [*_cut(record.message).split("\n"), ""]
    for label, text in facts:
        first, *more = _cut(text).split("\n")
        lines += [f"{label:>{width}}  {first}", *(" " * (width + 2) + part for part in more)]
    return [*lines, "", "as it came:", *byte_lines(record.raw)]


def _facts(record: LogRecord, origin: str) -> list[tuple[str, str]]:
    level = record.level.word if record.level is not None else "–"
    when = record.time.astimezone().isoformat(" ", "milliseconds") if record.time is not None else "–"
    return [
        ("time", when),
        ("level", level),
        ("source", record.source),
        ("file", origin),
        ("format", record.format),
        *record.fields.items(),
    ]


def _labels(facts: list[tuple[str, str]]) -> int:
    """Cells of their labels."""
    return max(len(label) for label, _ in facts)


def byte_lines(raw: bytes) -> list[str]:
    """Bytes as text, each that does not print by its number."""
    text = raw[:RAW_MOST].decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    more = len(raw) - RAW_MOST
    return [shown] if more <= 0 else [shown, f"… {count(more)} bytes more"]


def _cut(text: str) -> str:
    more = len(text) - RAW_MOST
    return text if more <= 0 else f"{text[:RAW_MOST]} … {count(more)} characters more"
