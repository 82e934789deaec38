"""The audit: every attempt to change something, a line before it is made and one after it has ended."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from backends.api.actions import Target


class AuditFailed(Exception):
    """A line could be written nowhere; why, in words. It is held in memory until it can."""


class AuditEntry(Struct, frozen=True):
    """One line. `outcome` is `asked` before the act, then `done`, `failed`, `unknown`, or `refused`."""

    time: datetime
    user: str
    origin: str
    context: str
    mode: str
    reason: str
    verb: str
    title: str
    target: Target
    call: str
    outcome: str
    text: str


class Audit:
    """The audit of this account, in a folder of its own (0700)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, entry: AuditEntry) -> None:
        """Write one line and make it last. Blocks. Raises `AuditFailed`."""
        raise AuditFailed("not written yet")
