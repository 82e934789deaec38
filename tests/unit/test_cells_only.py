"""What is sent to the terminal of a line of which some cells changed."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from widgets.private.app import repaint_cells_only


@pytest.fixture(autouse=True)
def cells_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # Put back by pytest afterwards: the next test has Textual's own.
    monkeypatch.setattr(ChopsUpdate, "render_segments", ChopsUpdate.render_segments)
    repaint_cells_only()


def sent(text: str, low: int, high: int) -> str:
    strip = Strip([Segment(text)])
    update = ChopsUpdate([{0: strip}], [(0, low, high)], [[strip.cell_length]])
    return update.render_segments(Console(width=80))


@pytest.mark.parametrize(
    ("text", "low", "high", "cells"),
    [
        ("name  up  3 ms", 10, 14, "\x1b[1;11H3 ms"),
        ("name  up  3 ms", 6, 8, "\x1b[1;7Hup"),
        ("name  up  3 ms", 0, 80, "\x1b[1;1Hname  up  3 ms"),
        ("日本語  up", 2, 4, "\x1b[1;3H本"),
    ],
)
def test_only_the_cells_that_changed(text: str, low: int, high: int, cells: str) -> None:
    assert sent(text, low, high) == cells


def test_of_several_widgets_on_a_line_each_only_where_it_changed() -> None:
    left, right = Strip([Segment("left ")]), Strip([Segment("right")])
    update = ChopsUpdate([{0: left, 5: right}, {0: left, 5: None}], [(0, 4, 7), (1, 3, 9)], [[5, 10], [5, 10]])
    assert update.render_segments(Console(width=80)) == "\x1b[1;5H \x1b[1;6Hri\x1b[2;4Ht "
