"""Where the terminal's encoding has no sign for something, another of as many cells stands there."""

from __future__ import annotations

import pytest

from widgets.charts.sparkline import EIGHTHS
from widgets.safe import width_of
from widgets.substitutes import SUBSTITUTES


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "euc-jp"])
@pytest.mark.parametrize("text", ["✖ ▲ ● ○ ◌", "│ ─ ┌ ┐ … ⏎", EIGHTHS, "⣀⡠⠔⠊", "日本語 🚀", "e\u0301", "שלום"])
def test_it_takes_as_many_cells(text: str, encoding: str) -> None:
    there = text.encode(encoding, SUBSTITUTES).decode(encoding)
    assert width_of(there) == width_of(text)


def test_marks_of_different_states_stay_different() -> None:
    marks = "✖▲△●○◌"
    assert len(set(marks.encode("ascii", SUBSTITUTES))) == len(marks)
