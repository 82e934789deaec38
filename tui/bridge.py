"""Bridge: the only place where a Reading reaches a widget.

A widget gets `readings`, a mapping from (source, noun) to Reading. A change of state paints at once, further
changes of value at most ten times a second, and a widget that nobody looks at costs its source nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from backends.api.clock import Clock, Timer
from backends.api.feed import Feed
from backends.api.readings import FeedKey, Reading, Readings
from backends.watch import Watch

PAINT = 0.1
"""Seconds between two paints for changes of value."""
CONFIRM = 1.0
"""Seconds until a widget hears that its source has confirmed the same value again: only its age moves."""
CALM = 2.0
"""Seconds until a widget that need not hear of values at once is told of them."""


class Shows(Protocol):
    """What the bridge feeds: anything with `readings`."""

    readings: Any


@dataclass
class _Seat:
    """One widget and what it watches."""

    widget: Shows
    readings: dict[FeedKey, Reading[Any]]
    at_once: tuple[str, ...]
    """The nouns of which a new value is told at once."""
    calm: float
    """Seconds that all else may wait."""
    leave: list[Callable[[], None]] = field(default_factory=list)
    timer: Timer | None = None
    due: float = 0.0
    painted: float = float("-inf")


class Bridge:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._clock: Clock = watch.clock
        self._seats: dict[int, _Seat] = {}
        self._frozen = False
        self._missed = 0

    def attach(
        self,
        widget: Shows,
        nouns: tuple[str, ...],
        sources: tuple[str, ...] | None = None,
        *,
        at_once: tuple[str, ...] | None = None,
    ) -> None:
        """Let a widget watch these nouns, of these sources or of all; replaces what it watched before. Where
        `at_once` names some of them, what is told of the others may wait for `CALM`."""
        feeds = self._watch.feeds(*nouns)
        wanted = {key: feed for key, feed in feeds.items() if sources is None or key.source in sources}
        self._seat(widget, wanted, *((nouns, CONFIRM) if at_once is None else (at_once, CALM)))

    def attach_feeds(self, widget: Shows, feeds: Mapping[FeedKey, Feed[Any, Any]]) -> None:
        """Let a widget watch these feeds; replaces what it watched before."""
        self._seat(widget, feeds, tuple(key.noun for key in feeds), CONFIRM)

    def _seat(
        self, widget: Shows, feeds: Mapping[FeedKey, Feed[Any, Any]], at_once: tuple[str, ...], calm: float
    ) -> None:
        self.detach(widget)
        seat = _Seat(widget, {key: feed.reading for key, feed in feeds.items()}, at_once, calm)
        self._seats[id(widget)] = seat
        for key, feed in feeds.items():
            seat.leave.append(feed.watch(self._listener(seat, key)))
            seat.readings[key] = feed.reading
        # Frozen, too: without it a view that is opened then would deny what it has never been told.
        self._set(seat)

    def detach(self, widget: Shows) -> None:
        seat = self._seats.pop(id(widget), None)
        if seat is None:
            return
        if seat.timer is not None:
            seat.timer.cancel()
        for leave in seat.leave:
            leave()

    @property
    def clock(self) -> Clock:
        return self._clock

    def readings(self, *nouns: str) -> Readings:
        """What the feeds of these nouns (of all, where none is named) say now, for those who look once a
        second; looking so does not make them run."""
        return {key: feed.reading for key, feed in self._watch.feeds(*nouns).items()}

    def charts(self) -> list[Reading[Any]]:
        """What the charts that somebody looks at say now."""
        charts = self._watch.charts.feeds()
        looked_at = {key for seat in self._seats.values() for key in seat.readings if key in charts}
        return [charts[key].reading for key in looked_at]

    def freeze(self, on: bool) -> None:
        """Stop setting readings; the feeds go on, and what is missed is counted. Off shows the present."""
        self._frozen, self._missed = on, 0
        for seat in self._seats.values():
            if not on:
                self._paint(seat)

    @property
    def missed(self) -> int:
        """Updates that came while frozen, for whatever was in front then."""
        return self._missed

    def close(self) -> None:
        for seat in list(self._seats.values()):
            self.detach(seat.widget)

    def _listener(self, seat: _Seat, key: FeedKey) -> Callable[[Reading[Any], Reading[Any]], None]:
        def heard(new: Reading[Any], before: Reading[Any]) -> None:
            seat.readings[key] = new
            if self._frozen:
                self._missed += new.value is not before.value
            elif new.state is not before.state or new.error != before.error:
                self._paint(seat)
            else:
                at_once = new.value is not before.value and key.noun in seat.at_once
                self._soon(seat, PAINT if at_once else seat.calm)

        return heard

    def _soon(self, seat: _Seat, pause: float) -> None:
        now = self._clock.monotonic()
        due = max(now, seat.painted + pause)
        if seat.timer is not None:
            if seat.due <= due:
                return
            seat.timer.cancel()
        seat.due = due
        seat.timer = self._clock.call_later(due - now, lambda: self._paint(seat))

    def _paint(self, seat: _Seat) -> None:
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        if not self._frozen:
            self._set(seat)

    def _set(self, seat: _Seat) -> None:
        seat.painted = self._clock.monotonic()
        seat.widget.readings = dict(seat.readings)
