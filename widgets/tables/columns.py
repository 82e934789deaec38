"""Column and Kind: how one noun is shown. No textual in here: the headless tables use the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from backends.api.readings import Reading, Readings
from widgets.freshness import Sight
from widgets.look import Look
from widgets.quantities import UNKNOWN


class Shown(Protocol):
    """What a row must have to be shown; every `backends.api.nouns.Row` has it."""

    @property
    def key(self) -> str: ...
    @property
    def source(self) -> str: ...


R = TypeVar("R", bound=Shown)


class Column(Struct, Generic[R], frozen=True):
    """One column of a kind.

    `text` gives the cell, from outside and not yet cleaned; `sort` what to order by (None sorts last in both
    directions), `width` its cells on the screen; exactly one column of a kind may `grow` into what is left;
    once that has twice its width, others may take `more` cells, those that want the fewest first.
    `drop` says which columns go first where the terminal is narrow: the highest goes first, 0 never goes.
    """

    key: str
    title: str
    text: Callable[[R, Sight], str]
    width: int
    sort: Callable[[R], Any] | None = None
    right: bool = False
    grow: bool = False
    drop: int = 0
    look: Callable[[R, Sight], Look] | None = None
    sparing: bool = False
    """Takes no room as long as no row has a value to sort it by."""
    descending: bool = False
    """Whether the first press of its sort key shows the largest first."""
    more: int = 0
    least: int = 0
    """To so many cells it shrinks where those that are never dropped have no room; 0: it keeps its width."""
    ends: bool = False
    """Whether what has no room keeps both of its ends: many names of its rows may begin alike."""
    shorter: Callable[[str], str] | None = None
    """What of a text is shown where it has no room: then its end is cut less."""


class LogsOf(Struct, frozen=True):
    """Which logs belong to something, and when they are of interest. `names` are its own, the one it is called by
    first: each log that is named after any of them is meant. `when` is None for what they say now."""

    names: tuple[str, ...]
    when: datetime | None = None
    source: str = ""
    """The log source that is meant; all of them where it is empty."""
    wider: tuple[str, ...] = ()
    """What it is part of, the most particular first: where no log has its own name the first of these that a log
    is named after decides, else all lines are meant."""


Lead = tuple[str, str] | LogsOf
"""Where something leads: a kind and the key of its row ("": wherever it was), or logs."""


class Kind(Struct, Generic[R], frozen=True):
    """How one noun is shown, on the screen and without it.

    `nouns` are the feeds that its rows come from, `aside` feeds that only its heading speaks of. `json` is
    the item of the outside contract. `empty` teaches: what to do where no source has such rows; `none` says that
    those which could have some have none.
    """

    name: str
    title: str
    nouns: tuple[str, ...]
    columns: tuple[Column[R], ...]
    json: Callable[[R], dict[str, Any]]
    facts: Callable[[R, Sight], Sequence[tuple[str, str]]]
    sort: str
    empty: str
    none: str
    tie: Callable[[R], Any]
    """Orders rows that the sort column leaves equal, so that nothing jumps."""
    label: Callable[[R], str]
    """A row's name in a sentence ("etcd/main m1")."""
    aside: tuple[str, ...] = ()
    heading: Callable[[Iterable[Reading[Any]]], tuple[str, ...]] | None = None
    """What its title says of all rows together, the same in ever fewer cells."""
    beside: tuple[str, ...] = ()
    """Feeds that complete its rows (a process's unit): asked first where nothing has asked them yet."""
    leads: Callable[[R, Readings], Lead | None] | None = None
    """Where Enter leads from a row, by all readings; None where that is gone. Without it Enter opens the row's
    detail."""
    logs: Callable[[R], LogsOf] | None = None
    """Where `l` leads from a row; None where no log is about it."""
    brief: Callable[[R, Sight], tuple[str, ...]] | None = None
    """For the question of an action, a line that tells a row from others of its name; then what may be long."""
    discovered: bool = True
    """Whether what has its rows may be found without a configuration: where there is none, the places where that
    was looked for are told."""
    history: bool = False
    """Whether its rows come one after the other: opened anew, its screen begins at the newest."""
    group: Callable[[R], Any] | None = None
    """Ordered before everything else, so that what belongs together stays together."""

    def column(self, key: str) -> Column[R] | None:
        return next((column for column in self.columns if column.key == key), None)

    def order(self, rows: Sequence[R], column: Column[R], descending: bool) -> list[R]:
        """The rows by a column: unknown last in both directions, equal ones by `tie`."""
        value = column.sort or self.tie
        rows = sorted(rows, key=self.tie)
        known = [row for row in rows if value(row) is not None]
        known.sort(key=value, reverse=descending)
        return known + [row for row in rows if value(row) is None]


def text_of(value: object) -> str:
    return UNKNOWN if value is None or value == "" else str(value)
