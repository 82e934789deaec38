"""Timeline: what changed, from all sources of a context, each thing once and in the order it was heard in."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

from msgspec.structs import replace

from backends.api.clock import Clock
from backends.api.errors import Denied
from backends.api.events import Event, EventKind, Occurrence, Occurrences
from backends.api.readings import ILL, FeedKey, News, Reading, Seen, State, differing
from backends.incident.pulse import Pulse

WITNESSED_WITHIN = 5.0
"""Seconds for which the other sources of a cluster may still witness an event."""
EVENTS_MOST = 2_000
"""Events that are kept; older ones are for the recorder."""
CONFIRM = 1.0
"""Seconds between two words of a timeline on which nothing happens: it is always up to date."""

TIMELINE = FeedKey("midwatch/timeline", "events")
"""Its own feed, and the source of its own events."""
BRIEFLY = 0.1
"""Seconds for which nobody may watch without a word of it: a context that was opened anew."""
TOLD_BY_THE_MINUTE = 120.0
"""Seconds from which on it is told to the minute."""
PROMPT = 2.0
"""Seconds within which what happened is told. What is told later, by a journal, stands where it happened."""
EXCUSED = 5.0
"""Seconds for which a source may be lost after we stood still ourselves, before it is called so."""
CATCHING_UP = 2.0
"""Seconds from a source's first word for which it may tell what happened while nobody watched."""

Settled = Callable[[Occurrence], None]
"""Called when nobody else will witness an event any more."""


class Timeline:
    """`peers` tells which sources speak for a cluster, by its id."""

    def __init__(self, clock: Clock, peers: Callable[[str], frozenset[str]]) -> None:
        self._clock, self._peers = clock, peers
        self._kept: deque[str] = deque()
        self._rows: dict[str, Occurrence] = {}
        self._open: dict[tuple[str, ...], list[str]] = {}
        """What others may witness yet, oldest first: the same may happen twice before they have told of it."""
        self._listeners: list[Settled] = []
        self._number = self._version = 0
        self._heard = asyncio.Event()
        self._ill: dict[str, dict[str, float]] = {}
        self._met: set[tuple[str, str]] = set()
        self._reached: set[str] = set()
        """The sources of which any feed was met."""
        self._unreached: dict[str, set[str]] = {}
        """By source that was found not to be reached, its feeds that have not been since."""
        self._unseen: set[tuple[str, str]] = set()
        """The feeds that said something before nobody watched, and nothing since."""
        self._late: dict[str, float] = {}
        """Until when each source may tell yet what happened while nobody watched."""
        self._pulse = Pulse(clock, self._stood_still)
        self._excused_until = 0.0
        self._excused: dict[str, tuple[Event, float]] = {}
        """The sources that are lost since we stood still, with what is told of each that does not come back, and
        when it was lost."""

    def begin(self) -> None:
        """Somebody watches from now on, on the running loop."""
        self._pulse.begin()

    def rest(self) -> None:
        """Nobody watches any more."""
        self._pulse.end()

    def on_settled(self, listener: Settled) -> None:
        self._listeners.append(listener)

    def go_on(self, peers: Callable[[str], frozenset[str]], since: float) -> None:
        """Somebody watches again, who knows other `peers`; nobody did `since` then (monotonic seconds)."""
        self._peers = peers
        self._unseen = set(self._met)
        self._late = {source: math.inf for source, _ in self._met}
        seconds = self._clock.monotonic() - since
        if seconds >= BRIEFLY:
            self._not_watched(seconds, "another context was open")

    def hear(self, source: str, news: tuple[News, ...]) -> None:
        """What a source saw itself."""
        self._pulse.look()
        heard, wall = self._clock.monotonic(), self._clock.now()
        late = heard < self._late.get(source, 0.0)
        for item in news:
            if isinstance(item, Event):
                # A deploy's journal has the times of what nobody watched.
                gap = item.after_gap or (late and item.kind is not EventKind.DEPLOY)
                ago = (wall - item.time).total_seconds()
                at = heard - ago if ago > PROMPT else heard
                self._take(source, item if gap is item.after_gap else replace(item, after_gap=gap), at)

    def reading(self, source: str, noun: str, new: Reading[object]) -> None:
        """How well a source's feed is; one that is lost or comes back is an event. How it was found is none, but
        that one which was not reached then is now."""
        self._pulse.look()
        feeds = self._ill.setdefault(source, {})
        gap = (source, noun) in self._unseen
        if new.state is State.LIVE:
            self._met.add((source, noun))
            self._reached.add(source)
            unreached = self._unreached.get(source, set())
            if noun in unreached:
                unreached.remove(noun)
                if not unreached:
                    back = self._event(source, "back: not reached until now", gap)
                    self._take(source, back, self._clock.monotonic())
            since = feeds.pop(noun, None)
            if since is not None and not feeds and self._excused.pop(source, None) is None:
                # Of one that came back while nobody watched it is not known when.
                away = "" if gap else f" after {round(self._clock.monotonic() - since)} s"
                self._take(source, self._event(source, f"back{away}", gap), self._clock.monotonic())
            if gap or self._late.get(source) == math.inf:
                self._late[source] = self._clock.monotonic() + CATCHING_UP
        elif new.state in ILL and source not in self._reached:
            # Who says no was reached.
            if not isinstance(new.error, Denied):
                self._unreached.setdefault(source, set()).add(noun)
        elif new.state in ILL and (source, noun) in self._met and noun not in feeds:
            first = not feeds
            feeds[noun] = self._clock.monotonic() if new.at is None else new.at
            if first:
                why = f"lost: {new.error.reason}" if new.error is not None else "lost"
                self._lose(source, self._event(source, why, gap, bad=True))
        if new.state is not State.LOADING:
            self._unseen.discard((source, noun))

    async def events(self, last: Occurrences | None) -> AsyncGenerator[Seen[Occurrences], None]:
        """Everything that is kept, by key, as a source for a feed."""
        rows, version = dict(self._rows), self._version
        yield Seen(rows)
        while True:
            timer = self._clock.call_later(CONFIRM, self._heard.set)
            try:
                await self._heard.wait()
            finally:
                timer.cancel()
            # Not before: what was heard since the last word would wait for the next one.
            self._heard.clear()
            if version == self._version:
                yield Seen(rows, frozenset())
            else:
                before, rows, version = rows, dict(self._rows), self._version
                yield Seen(rows, differing(before, rows))

    def _stood_still(self, seconds: float) -> None:
        """Whoever spoke meanwhile was not heard, and that is no reason to call it lost: it gets time to speak."""
        now = self._clock.monotonic()
        self._not_watched(seconds, "midwatch itself stood still")
        self._late |= {source: now + CATCHING_UP for source, _ in self._met if self._late.get(source) != math.inf}
        self._excused_until = now + EXCUSED
        self._clock.call_later(EXCUSED, self._tell_lost)

    def _lose(self, source: str, event: Event) -> None:
        now = self._clock.monotonic()
        if now < self._excused_until:
            self._excused[source] = event, now
        else:
            self._take(source, event, now)

    def _tell_lost(self) -> None:
        if self._clock.monotonic() < self._excused_until:
            return  # We stood still once more.
        for source, (event, at) in self._excused.items():
            self._take(source, event, at)
        self._excused.clear()

    def _not_watched(self, seconds: float, why: str) -> None:
        now = self._clock.now()
        since = now - timedelta(seconds=seconds)
        pattern = "%H:%M" if seconds >= TOLD_BY_THE_MINUTE else "%H:%M:%S"
        span = f"{since.astimezone():{pattern}} to {now.astimezone():{pattern}}"
        event = Event(now, EventKind.SOURCE, TIMELINE.source, "midwatch", f"not watched from {span}: {why}")
        self._take(TIMELINE.source, event, self._clock.monotonic())

    def _event(self, source: str, text: str, gap: bool, *, bad: bool = False) -> Event:
        facts = (self._clock.now(), EventKind.SOURCE, source, source, text)
        return Event(*facts, after_gap=gap, bad=bad)

    def _take(self, source: str, event: Event, at: float) -> None:
        same = _identity(source, event)
        waiting = (self._rows[key] for key in self._open.get(same, ()) if key in self._rows)
        before = next((row for row in waiting if source not in row.witnesses), None)
        if before is not None:
            key = before.key
            self._rows[key] = replace(before, witnesses=(*before.witnesses, source))
        else:
            key = self._keep(source, event, at)
            self._open.setdefault(same, []).append(key)
            if event.cluster is not None:
                self._clock.call_later(WITNESSED_WITHIN, lambda: self._settle(same, key))
        self._version += 1
        self._heard.set()
        if event.cluster is None or self._peers(event.cluster) <= set(self._rows[key].witnesses):
            self._settle(same, key)

    def _keep(self, source: str, event: Event, at: float) -> str:
        self._number += 1
        key = f"{self._number:08}"
        facts = (event.time, event.kind, event.target, event.text)
        marks = (event.after_gap, event.bad, event.restart)
        self._rows[key] = Occurrence(
            key,
            source,
            *facts,
            (source,),
            *marks,
            asked_to_end=event.asked_to_end,
            about=event.about,
            address=event.address,
            at=at,
        )
        self._kept.append(key)
        if len(self._kept) > EVENTS_MOST:
            del self._rows[self._kept.popleft()]
        return key

    def _settle(self, same: tuple[str, ...], key: str) -> None:
        waiting = self._open.get(same, [])
        if key not in waiting:
            return
        waiting.remove(key)
        if not waiting:
            del self._open[same]
        row = self._rows.get(key)
        if row is not None:
            for listener in tuple(self._listeners):
                listener(row)


def _identity(source: str, event: Event) -> tuple[str, ...]:
    """What two sources of one cluster would both say of the same event; their reasons may differ."""
    if event.cluster is None:
        return ("source", source, event.kind, event.target, event.text)
    target = "" if event.target == source else event.target
    what = event.text.partition(":")[0].partition(" (")[0]
    return ("cluster", event.cluster, event.kind, target, what)
