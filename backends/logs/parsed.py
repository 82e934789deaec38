"""What a format makes of a line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from backends.api.logs import Level


class Parsed(NamedTuple):
    """A line taken apart. `time` is aware; None in `time` and `level` is "the line does not say"."""

    message: str
    time: datetime | None = None
    level: Level | None = None
    fields: Mapping[str, str] = {}
