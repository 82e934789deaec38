"""View: what every screen of midwatch is: one widget that fills the room between the masthead and the footer.

All of them live in one Textual screen, so that changing between them repaints only that room, and works at once:
keys typed ahead find the new view in place.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, cast

from textual.containers import Vertical

from backends.config.context import Context
from backends.watch import Watch
from tui.bridge import Bridge
from tui.keys import Keys
from widgets.look import Look

if TYPE_CHECKING:
    from tui.acting import ActionFlow
    from tui.commands import Command
    from tui.first_paint import FirstPaint
    from tui.key_queue import KeyQueue
    from tui.screens.metrics.dashboards import Dashboards
    from tui.ways import Ways

Job = Coroutine[Any, Any, None] | Callable[[], Coroutine[Any, Any, None]]


class Sought(NamedTuple):
    """What there may be no row of: the filter that finds its rows, and what to say where there is none."""

    text: str
    told: Callable[[], list[str]]


class Desk(Protocol):
    """What a view may ask of the app, and all that it may."""

    keys: Keys
    ways: Ways
    """What leads to other views."""
    first_paint: FirstPaint
    key_queue: KeyQueue

    @property
    def context(self) -> Context: ...
    @property
    def watching(self) -> Watch | None:
        """The open context; None before it is open."""

    @property
    def bridge(self) -> Bridge | None: ...
    @property
    def view(self) -> View: ...
    @property
    def asking(self) -> bool:
        """Whether a dialog is open: what it stands over holds still."""

    @property
    def flow(self) -> ActionFlow:
        """The way to the door."""

    @property
    def dashboards(self) -> Dashboards | None:
        """The open context's pages of charts; None before it is open."""

    @property
    def without_source(self) -> tuple[str, Look]:
        """What a title says where nothing feeds its view."""

    def say(self, text: str) -> None:
        """One line, which stays until the next key."""

    def prompt_changed(self) -> None:
        """What the prompt shows is another thing now, though no key was pressed."""

    def work(self, job: Job, group: str = "default") -> None:
        """Run something that takes time; it ends what still runs of the same group. What may be replaced before
        its first turn comes as a function: Python complains of a coroutine that never ran."""


class View(Vertical):
    """A screen. Subclasses add the methods that `commands.COMMANDS` names for their `screen`."""

    DEFAULT_CSS = "View { height: 1fr; width: 1fr; }"
    screen_name: ClassVar[str] = "table"
    """Which commands apply: one of `tui.commands.SCREENS`."""

    filters: ClassVar[bool] = True
    """Whether `/` keeps rows; else it looks for something among all of them."""
    passing: ClassVar[bool] = False
    """Whether it is only read and closed again: never what one goes back to with `-`."""

    ends_waiting: ClassVar[tuple[str, ...]] = ()
    """What commands do that are not held back while `keys_wait`, but end that."""

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.app)

    @property
    def keys_wait(self) -> bool:
        """Whether it is not yet what the next key is about. It calls `key_queue.go_on` when it is."""
        return False

    @property
    def kind_name(self) -> str:
        """The kind whose own keys apply here, if any."""
        return ""

    @property
    def current(self) -> Any:
        """The row at the cursor; None where there is none."""
        return None

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

    def go_to_row(self, key: str) -> bool:
        """Put the cursor onto a row; False where it is not there any more."""
        return False

    @property
    def missing(self) -> str:
        """What to say of a row that `go_to_row` has not found."""
        return "it is not there any more"

    def begin_anew(self) -> None:
        """It was asked for by its name, not gone back to."""

    def escape(self) -> bool:
        """Clear the nearest thing that can be cleared (a search, an open detail); False when there is none."""
        return False

    def close(self) -> bool:
        """Close what is open beside what it shows, the one level that is above it; False where nothing is."""
        return False

    def does(self, command: Command) -> bool:
        """Whether a command does something for what is chosen now: else the footer does not offer it."""
        return True

    @property
    def searching(self) -> str:
        """The present filter or search; a filter is edited further, a search begins anew."""
        return ""

    def search(self, text: str) -> None:
        """Called at each keystroke of `/`. Must be fast."""

    def seek(self, sought: Sought) -> None:
        """Look for what there may be no row of."""
        self.search(sought.text)

    def searched(self, text: str) -> None:
        """Called with the final text on Enter."""
        self.search(text)

    def cancel(self) -> bool:
        """End what runs for this view; False where nothing does."""
        return False

    def choose(self, name: str) -> None:
        """What was typed after the word that opens this screen: rows to keep, or one of its pages."""
        self.search(name)

    @property
    def share(self) -> str:
        """What `plain_text` is of all that there is; empty where it is all of it, or what is seen."""
        return ""

    def plain_text(self) -> str:
        """What is shown, as plain lines, for `:w` and for a copy of everything."""
        return ""

    def copied(self) -> str:
        """What `c` copies: the row, the marked rows, the line."""
        return ""
