"""`members`, `units` and the like: each kind as a table or as JSON, through the same feeds as the screens."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from backends.api.readings import Reading
from backends.context import Context
from backends.watch import FeedKey, Watch
from tui.kinds.known import KINDS
from tui.verbs.output import complain, say, table, to_json
from tui.verbs.readings import first_word, readings_json, troubles
from tui.verbs.sources import WrongSource, find_source
from widgets.columns import Kind, Sight


class Listing:
    """The feeds of one kind, looked at without a screen."""

    def __init__(self, context: Context, kind: Kind[Any], timeout: float, source: str | None = None) -> None:
        """`source` is the only one to ask; its name alone will do. Raises `WrongSource`."""
        self.kind = kind
        self.watch = Watch(context, timeout=timeout)
        self._heard = asyncio.Event()
        self._beside = self.watch.feeds(*kind.beside) if kind.beside else {}
        self._feeds = self.watch.feeds(*kind.nouns)
        if source is not None:
            chosen = find_source(self.watch, source)
            self._feeds = {key: feed for key, feed in self._feeds.items() if key.source == chosen}
            if not self._feeds:
                known = ", ".join(dict.fromkeys(key.source for key in self.watch.feeds(*kind.nouns)))
                raise WrongSource(f"{source} has no {kind.title}, expected one of {known or 'none'}")

    async def first_word(self, timeout: float) -> None:
        """Wait until every feed has answered or failed once, at most `timeout` seconds."""
        if self._beside:
            await first_word(self._beside, self._heard, timeout / 2)
        await first_word(self._feeds, self._heard, timeout / 2 if self._beside else timeout)

    async def change(self) -> None:
        """Wait for news of any feed, and then a moment for what comes with it."""
        self._heard.clear()
        await self._heard.wait()
        await asyncio.sleep(0.2)

    @property
    def readings(self) -> dict[FeedKey, Reading[Any]]:
        return {key: feed.reading for key, feed in self._feeds.items()}

    def rows(self, group: str | None) -> list[tuple[Any, FeedKey]]:
        found = [
            (row, key)
            for key, reading in self.readings.items()
            for row in (reading.value or {}).values()
            if group is None or row.group == group
        ]
        order = self.kind.group or (lambda row: ())
        return sorted(found, key=lambda pair: (order(pair[0]), self.kind.tie(pair[0])))

    def without(self, group: str | None) -> str:
        """Why nothing can be in a group: no source is configured to look for it; empty where one is."""
        if group is None:
            return ""
        known = {name for config in self.watch.context.sources for name in getattr(config.settings, "groups", ())}
        known |= {row.group for row, _ in self.rows(None) if row.group is not None}
        there = f"expected one of {', '.join(sorted(known))}" if known else "and none is configured"
        return "" if group in known else f"no group {group}, {there}"

    def troubles(self) -> list[str]:
        """One line for each source that is not live: its name, the address and the reason."""
        return troubles(self.readings, self.watch) + [
            f"{item.source}: {item.error}" for item in self.watch.broken
        ]

    def document(self, context: Context, group: str | None) -> dict[str, Any]:
        return {
            "kind": self.kind.name,
            "context": context.name,
            "readings": readings_json(self.readings, self.watch.broken),
            "items": [self.kind.json(row) for row, _ in self.rows(group)],
        }

    @property
    def nothing(self) -> str:
        """What to say where there is no row."""
        return self.kind.none if self._feeds else self.kind.empty

    def lines(self, group: str | None) -> list[str]:
        """The rows as a table; those of a source that is not live say so, as on the screen."""
        clock = self.watch.clock
        now, wall, readings = clock.monotonic(), clock.now(), self.readings
        return table(self.kind, [(row, Sight.of(readings[key], now, wall)) for row, key in self.rows(group)])


async def listing(context: Context, options: argparse.Namespace) -> int:
    """Print one kind; 0 where every source is live, else 3 with each trouble on stderr."""
    try:
        here = Listing(context, KINDS[options.verb], options.timeout, getattr(options, "source", None))
    except WrongSource as error:
        complain(f"midwatch: {error}")
        return 2
    group = getattr(options, "group", None)
    try:
        await here.first_word(options.timeout)
        if without := here.without(group):
            complain(f"midwatch: {without}")
            return 2
        _print(here, context, options, group)
        told = here.troubles()
        for line in told:
            complain(line)
        while options.watch:
            await here.change()
            _print(here, context, options, group)
            now = here.troubles()
            for line in now:
                if line not in told:
                    complain(line)
            told = now
    finally:
        await here.watch.close()
    return 3 if told else 0


def _print(here: Listing, context: Context, options: argparse.Namespace, group: str | None) -> None:
    output = options.output or "table"
    if output == "json" or (output == "jsonl" and options.watch):
        say(to_json(here.document(context, group)))
    elif output == "jsonl":
        for row, _ in here.rows(group):
            say(to_json(here.kind.json(row)))
    else:
        lines = here.lines(group)
        say(*(lines if len(lines) > 1 or here.troubles() else [here.nothing]))
