"""What a cell means, whoever draws it."""

from __future__ import annotations

import enum


class Look(enum.Enum):
    """What a cell means; how that looks is in `widgets.safe`. A word or glyph always says it too."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"
    STRONG = "strong"
