"""View: what every screen of midwatch is: one widget that fills the room between the masthead and the footer.

All of them live in one Textual screen, so that changing between them repaints only that room, and works at once:
keys typed ahead find the new view in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

if TYPE_CHECKING:
    from tui.app import MidwatchApp


class View(Vertical):
    """A screen. Subclasses add the methods that `commands.COMMANDS` names for their `screen`."""

    DEFAULT_CSS = "View { height: 1fr; width: 1fr; }"
    screen_name: ClassVar[str] = "table"
    """Which commands apply: `table`, `logs` or `text` of `tui.commands`."""

    @property
    def desk(self) -> MidwatchApp:
        """The app, typed: what a view may ask of it is `say`, `show_view`, `copy_text` and the open watch."""
        return self.app  # type: ignore[return-value]

    @property
    def kind_name(self) -> str:
        """The kind whose own keys apply here, if any."""
        return ""

    @property
    def name_in_path(self) -> str:
        """What this view is called where it is gone back to."""
        return self.screen_name

    def attach(self) -> None:
        """Now in front: watch what it shows. Called again after each change of context."""

    def detach(self) -> None:
        """No longer in front: look away from what it showed."""

    def tick(self) -> None:
        """Once a second: repaint ages, where their rounded text has changed."""

    def escape(self) -> bool:
        """Clear the nearest thing that can be cleared (a search, an open detail); False when there is none."""
        return False

    @property
    def searching(self) -> str:
        """The present filter or search, to edit it further."""
        return ""

    def search(self, text: str) -> None:
        """Called at each keystroke of `/`, and with the final text on Enter. Must be fast."""

    def plain_text(self) -> str:
        """What is shown, as plain lines, for `:w` and for a copy of everything."""
        return ""

    def copied(self) -> str:
        """What `c` copies: the row, the marked rows, the line."""
        return ""

    def frozen(self, on: bool) -> None:
        """`Z` was pressed: stop changing what is drawn, or go on."""
