"""Only cells that differ are painted again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.look import Look
from widgets.repaint import Runs, differences
from widgets.safe import style

runs = st.lists(
    st.tuples(st.text("ab │", min_size=1, max_size=6), st.sampled_from([style(), style(Look.DIM)])), max_size=6
)


def cells(line: Runs, width: int = 40) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [(char, made) for text, made in line for char in text]
    return (found + [(" ", style())] * width)[:width]


@given(st.lists(st.tuples(runs, runs), max_size=5))
def test_every_cell_that_differs_is_painted(pairs: list[tuple[Runs, Runs]]) -> None:
    regions = differences([old for old, _ in pairs], [new for _, new in pairs], 40)
    for y, (old, new) in enumerate(pairs):
        for x, (before, now) in enumerate(zip(cells(old), cells(new), strict=True)):
            if before != now:
                assert any(region.contains(x, y) for region in regions)


def test_a_column_that_moves_is_one_block_of_two_cells() -> None:
    plain = style()
    before: list[Runs] = [[("   │", plain), ("  │     ", plain)] for _ in range(10)]
    now: list[Runs] = [[("   │", plain), ("   │    ", plain)] for _ in range(10)]
    (region,) = differences(before, now, 12)
    assert (region.x, region.y, region.width, region.height) == (6, 0, 2, 10)
    assert differences(now, [list(line) for line in now], 12) == []
