"""RowFilter: which rows show a text, in any of their columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from backends.clean import clean
from widgets.columns import Kind, Shown, Sight


class RowFilter:
    def __init__(self, kind: Kind[Any]) -> None:
        self._kind = kind
        self._texts: dict[str, tuple[Any, str]] = {}

    def matcher(self, text: str, rows: int, now: Sight) -> Callable[[Shown], bool] | None:
        """Whether a row passes; None where all do. `!` in front inverts; `rows` is how many there are, and `now`
        what ages are reckoned by."""
        inverted = text.startswith("!")
        text = text[1:] if inverted else text
        if not text:
            return None
        try:
            pattern = re.compile(text, 0 if text != text.lower() else re.IGNORECASE)
        except re.error:
            pattern = re.compile(re.escape(text), re.IGNORECASE)
        if len(self._texts) > 2 * rows + 100:
            self._texts.clear()
        return lambda row: (pattern.search(self._text(row, now)) is None) is inverted

    def _text(self, row: Any, now: Sight) -> str:
        """All that a row shows, as one text to match; kept as long as the row is the same object."""
        kept = self._texts.get(row.key)
        if kept is not None and kept[0] is row:
            return kept[1]
        text = " ".join(clean(column.text(row, now)) for column in self._kind.columns)
        self._texts[row.key] = (row, text)
        return text
