"""Text on its way to cells: where it is cut when there is no room."""

from __future__ import annotations

import pytest

from widgets.safe import wrapped


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("one two three four", ["one two", "three four"]),
        ("  set in is so", ["  set in", "  is so"]),
        ("k   the help of k", ["k   the", "    help of", "    k"]),
        ("nowhereacut", ["nowhereacu", "t"]),
    ],
)
def test_text_is_cut_between_words_and_goes_on_below_its_column(text: str, lines: list[str]) -> None:
    assert wrapped(text, 11 if text[0] == "k" else 10) == lines
