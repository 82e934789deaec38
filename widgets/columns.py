"""Column and Kind: how one noun is shown. No textual in here: the headless tables use the same rows."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from backends.api.details import Trouble
from backends.api.errors import BackendError
from backends.api.readings import ILL, Reading, Readings, State
from widgets.quantities import UNKNOWN, age, since


class Shown(Protocol):
    """What a row must have to be shown; every `backends.api.nouns.Row` has it."""

    @property
    def key(self) -> str: ...
    @property
    def source(self) -> str: ...


R = TypeVar("R", bound=Shown)


class Look(enum.Enum):
    """What a cell means; how that looks is in `widgets.safe`. A word or glyph always says it too."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"
    STRONG = "strong"


class Sight(Struct, frozen=True):
    """The moment at which a row is looked at, and how true its source is then.

    `now` is monotonic seconds, `wall` aware; `state`, `at`, `error` and `as_of` are the source's reading's.
    """

    now: float
    wall: datetime
    state: State = State.LIVE
    at: float | None = None
    error: BackendError | None = None
    as_of: datetime | None = None

    @classmethod
    def of(cls, reading: Reading[Any] | None, now: float, wall: datetime) -> Sight:
        if reading is None:
            return cls(now, wall, State.LOADING)
        return cls(now, wall, reading.state, reading.at, reading.error, reading.as_of)

    @property
    def age(self) -> float | None:
        """Seconds since the server last confirmed what is shown."""
        return None if self.at is None else self.now - self.at

    @property
    def known(self) -> datetime:
        """Until when what is told of a row is known to hold: now, or when its source last said so."""
        return self.wall if self.state is State.LIVE or self.as_of is None else self.as_of

    def lasting(self, begun: datetime | None) -> str:
        """For how long something that holds has, as far as that is known; of what is over `since` tells how long
        ago it was, and that counts on."""
        return since(begun, self.known)

    def said(self, word: str) -> str:
        """A word of a row beside its standing: what it was when its source last spoke."""
        return word if self.state is State.LIVE else f"was {word}"


STANDINGS = {
    State.UNREACHABLE: Look.BAD,
    State.STALE: Look.WARN,
    State.LOADING: Look.DIM,
    State.IDLE: Look.DIM,
    State.LIVE: Look.GOOD,
}
"""What a source's state means for a reader; its word is its value."""


class Column(Struct, Generic[R], frozen=True):
    """One column of a kind.

    `text` gives the cell, from outside and not yet cleaned; `sort` what to order by (None sorts last in both
    directions), `width` its cells on the screen; exactly one column of a kind may `grow` into what is left;
    once that has twice its width, another may take `more` cells.
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
    brief: Callable[[R, Sight], str] | None = None
    """A row in one line, for the question of an action: what tells it from others of its name."""
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


def standing(word: str, trouble: Trouble | None, sight: Sight) -> str:
    """The state cell of a row: its own word while its source is live, else how its source is, with the age."""
    if sight.state in ILL:
        return f"{sight.state.value} {age(sight.age)}" if sight.at is not None else sight.state.value
    if sight.state is not State.LIVE:
        return sight.state.value
    if trouble is None:
        return word
    told = trouble.word(word)
    return f"{told} {age(sight.now - trouble.since)}" if trouble.since is not None else told


def standing_look(look: Look, trouble: Trouble | None, sight: Sight) -> Look:
    if sight.state is not State.LIVE:
        return STANDINGS[sight.state]
    return Look.BAD if trouble is not None and look is Look.PLAIN else look


def text_of(value: object) -> str:
    return UNKNOWN if value is None or value == "" else str(value)
