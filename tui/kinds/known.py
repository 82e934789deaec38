"""Every kind, for the screens and for the headless tables."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tui.kinds.named import NAMED
from widgets.tables.columns import Kind


def _kind(name: str) -> Kind[Any]:
    kind: Kind[Any] = getattr(import_module(f"tui.kinds.{name}"), name.upper())
    return kind


KINDS: dict[str, Kind[Any]] = {row.name: _kind(row.name) for row in NAMED}
