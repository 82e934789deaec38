"""RowFilter: which rows show a text, in any of their columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from backends.clean import clean
from widgets.freshness import Sight
from widgets.tables.columns import Kind, Shown
from widgets.typed_pattern import as_taken, typed_pattern

TEXT_KEPT = 60.0
"""Seconds for which a row's text is matched as it was, at most, and at least half of them: only its ages differ.
Each row for itself, as thousands of texts made anew at once would hold the loop up."""


class _Text(Struct, frozen=True):
    row: Any
    sight: Sight
    until: float
    """Monotonic seconds."""
    text: str


class RowFilter:
    def __init__(self, kind: Kind[Any]) -> None:
        self._kind = kind
        self._texts: dict[str, _Text] = {}

    def matcher(self, text: str, rows: int) -> Callable[[Shown, Sight], bool] | None:
        """Whether a row passes as it is shown now; None where all do. `!` in front inverts; `rows` is how many
        there are."""
        inverted, wanted = _parted(text)
        pattern = typed_pattern(wanted)
        if pattern is None:
            return None
        if len(self._texts) > 2 * rows + 100:
            self._texts.clear()
        search = pattern.search
        return lambda row, sight: (search(self._text(row, sight)) is None) is inverted

    def _text(self, row: Any, sight: Sight) -> str:
        """All that a row shows, as one text to match: kept as long as it is the same row of a source that is as
        well as it was, for each key that is typed looks at every row."""
        kept = self._texts.get(row.key)
        if kept is not None and kept.row is row and sight.now < kept.until and _is_alike(kept.sight, sight):
            return kept.text
        text = " ".join(clean(column.text(row, sight)) for column in self._kind.columns)
        until = sight.now + TEXT_KEPT * (0.5 + hash(row.key) % 100 / 200)
        self._texts[row.key] = _Text(row, sight, until, text)
        return text


def filter_words(text: str) -> str:
    """What a title says of a filter: the text as it was typed, behind how it is taken where that is not meant."""
    _, wanted = _parted(text)
    return as_taken(wanted).removesuffix(wanted) + text


def _parted(text: str) -> tuple[bool, str]:
    """Whether it keeps what does not match, and what is to match."""
    return text.startswith("!"), text.removeprefix("!")


def _is_alike(before: Sight, now: Sight) -> bool:
    return before.state is now.state and before.error == now.error
