"""What a filter's text means, and that it is asked of the row as it is now."""

from __future__ import annotations

import pytest

from tests.clock import START
from tests.things import THINGS, Thing
from widgets.freshness import Sight
from widgets.tables.row_filter import RowFilter, filter_words

NOW = Sight(1000.0, START)
ROWS = (Thing("Web"), Thing("web-2"), Thing("db", note="a[1"))


def passing(text: str, rows: tuple[Thing, ...] = ROWS, among: RowFilter | None = None) -> list[str]:
    passes = (among or RowFilter(THINGS)).matcher(text, len(rows))
    return [row.key for row in rows if passes is None or passes(row, NOW)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("web", ["Web", "web-2"]),
        ("Web", ["Web"]),
        ("!web", ["db"]),
        ("!Web", ["web-2", "db"]),
        ("", ["Web", "web-2", "db"]),
        ("!", ["Web", "web-2", "db"]),
        ("w.b-", ["web-2"]),
        ("a[1", ["db"]),
        ("A[1", []),
    ],
    ids=[
        "any case",
        "a capital asks for it",
        "not",
        "not, by case",
        "none",
        "not yet",
        "pattern",
        "no pattern",
        "nor, by case",
    ],
)
def test_what_a_filter_means(text: str, keys: list[str]) -> None:
    assert passing(text) == keys


def test_a_row_is_matched_as_it_is_now() -> None:
    same = RowFilter(THINGS)
    assert passing("full", (Thing("a"), Thing("b", note="full")), same) == ["b"]
    assert passing("full", (Thing("a", note="full"), Thing("b")), same) == ["a"]


def test_a_title_says_what_is_taken_as_text_without_the_sign_that_inverts() -> None:
    assert filter_words("!*b") == "as plain text (nothing to repeat): !*b"
    assert filter_words("*b") == "as plain text (nothing to repeat): *b"
    assert filter_words("!b*") == "!b*"
