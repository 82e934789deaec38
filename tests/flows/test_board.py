"""A board of which nothing is chosen begins at its first line again as soon as there is room."""

from __future__ import annotations

from textual.app import App, ComposeResult

from widgets.board import Board, Entry
from widgets.safe import style


class Boarded(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.board = Board("SIGNS")

    def compose(self) -> ComposeResult:
        yield self.board


def entry(name: str) -> Entry:
    return Entry(name, ((name, style()),))


async def test_it_was_small_for_a_while() -> None:
    app = Boarded()
    async with app.run_test(size=(40, 12)) as pilot:
        # What came later stands before what the cursor, which nobody sees, is on.
        app.board.show([entry("second")])
        app.board.show([entry(name) for name in ("first", "second", "third", "fourth")])
        for height in (2, 4):
            app.board.styles.height = height
            await pilot.pause()
        texts = [app.board.render_line(y).text.strip() for y in range(4)]
        assert texts == ["SIGNS  1 more", "first", "second", "third"]
