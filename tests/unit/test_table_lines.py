"""Which columns have room: none reaches beyond the edge, where it would be cut without a word."""

from __future__ import annotations

import pytest

from tui.kinds.known import KINDS
from widgets.safe import wrapped
from widgets.tablelines import Lines


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_columns_end_where_the_terminal_does(kind: object) -> None:
    lines = Lines(kind)  # type: ignore[arg-type]
    for width in range(40, 220):
        columns = lines.columns(width)
        used = 1 + sum(cells for _, cells in columns) + lines.gap * (len(columns) - 1)
        assert used <= width, (width, [column.key for column, _ in columns])


@pytest.mark.parametrize("noun", ["members", "units", "targets", "processes", "runs", "deploys"])
def test_the_state_is_in_sight_on_the_smallest_terminal(noun: str) -> None:
    lines = Lines(KINDS[noun])
    (room,) = [cells for column, cells in lines.columns(40) if column.key == "state"]
    assert room >= len("unknown")


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
