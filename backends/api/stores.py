"""Changes of the keys in a store."""

from __future__ import annotations

import enum
from datetime import datetime

from msgspec import Struct


class ChangeKind(enum.StrEnum):
    PUT = "put"
    DELETE = "delete"
    GAP = "gap"
    """History between the last change and this one is gone; `text` of the value says why."""


class KeyChange(Struct, frozen=True):
    """One change of one key in a store, in the store's own order."""

    time: datetime
    kind: ChangeKind
    key: bytes
    version: int | None
    modified: int | None
    """The store's revision (etcd: mod_revision) of this change."""
    value: bytes | None
