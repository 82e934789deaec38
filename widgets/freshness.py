"""How true what is shown is, in words: the state of a row with its age, the right end of a view's title, and what
the masthead says of all sources. No textual in here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from backends.api.details import Trouble
from backends.api.errors import BackendError, Misconfigured
from backends.api.readings import ILL, Reading, State, worst
from widgets.look import Look
from widgets.quantities import age, since

AGE_FROM = 5.0
"""Seconds after which even a live reading says its age: longer than sources pause between two looks."""
NO_SOURCE = "NO SOURCE", Look.WARN
STANDINGS = {
    State.UNREACHABLE: Look.BAD,
    State.STALE: Look.WARN,
    State.LOADING: Look.DIM,
    State.IDLE: Look.DIM,
    State.LIVE: Look.GOOD,
}
"""What a source's state means for a reader; its word is its value."""


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


def word_of(reading: Reading[Any]) -> str:
    """How it is; what our own settings or a query did wrong has a word of its own, for nothing else will help."""
    return reading.error.word if isinstance(reading.error, Misconfigured) else reading.state.value


def standing_of(readings: Iterable[Reading[Any]], now: float) -> tuple[str, Look]:
    """One line for a view with these readings, and what it means. `now` is monotonic."""
    all_of = list(readings)
    reading = worst(all_of)
    if reading is None:
        return NO_SOURCE
    alike = sum(1 for other in all_of if other.state is reading.state)
    share = f" {alike} of {len(all_of)}" if 1 <= alike < len(all_of) else ""
    text = reading.state.value.upper() + share
    old = None if reading.at is None else now - reading.at
    look = STANDINGS[reading.state]
    if reading.state is State.LIVE:
        return (text if old is None or old < AGE_FROM else f"{text} {age(old)}"), look
    if reading.state not in ILL:
        return text, look
    if old is not None:
        text += f" {age(old)}"
    if reading.error is not None:
        text += f"  {reading.error.reason}"
    if reading.abandoned:
        text += f", {reading.abandoned} attempt{'' if reading.abandoned == 1 else 's'} stuck"
    if reading.next_try is not None:
        text += f", again in {max(1, round(reading.next_try - now))} s"
    elif reading.state is State.UNREACHABLE:
        text += ", trying now"
    return text, look
