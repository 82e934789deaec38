"""Every widget is told its size when it comes into view, whoever has asked for it before."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Resize
from textual.widget import Widget

from widgets.private.app import QuietApp


class Pane(Widget):
    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []

    def on_resize(self, event: Resize) -> None:
        self.told.append(event.size.width)


class Panes(QuietApp):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Pane(), Pane()
        self.second.display = False

    def compose(self) -> ComposeResult:
        yield self.first
        yield self.second


async def test_one_whose_place_is_looked_up_before_it_is_laid_out() -> None:
    app = Panes()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert (app.first.told, app.second.told) == ([80], [])
        app.second.display = True
        # As happens by itself where a frame has to wait for a terminal: what is to be painted is counted first.
        app.screen._compositor.update_widgets({app.second})
        assert app.second.size.width == 80
        await pilot.pause()
        assert app.second.told == [80]
