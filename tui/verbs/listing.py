"""`members`, `units` and the like: each kind as a table or as JSON, through the same feeds as the screens."""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from typing import Any

from backends.api.readings import FeedKey, Reading
from backends.config.context import Context
from backends.viewer import Viewer
from backends.watch import Watch
from tui.kinds.known import KINDS
from tui.verbs.printing import complain
from tui.verbs.readings import source_states, troubles
from tui.verbs.sources import WrongSource, find_source
from tui.verbs.told import Told
from widgets.tables.columns import Kind


class Listing:
    """The feeds of one kind, looked at without a screen."""

    def __init__(self, context: Context, kind: Kind[Any], timeout: float, source: str | None) -> None:
        """`source` is the only one to ask; its name alone will do. Raises `WrongSource`."""
        self.kind = kind
        self.watch = Watch(context, timeout=timeout)
        self._seen: datetime | None = None
        """When somebody was in the group last, as far as it was looked at."""
        self._viewer = Viewer()
        self._beside = self.watch.feeds(*kind.beside) if kind.beside else {}
        self._feeds = self.watch.feeds(*kind.nouns)
        if source is not None:
            known = list(dict.fromkeys(key.source for key in self._feeds))
            chosen = find_source(self.watch, source, known)
            self._feeds = {key: feed for key, feed in self._feeds.items() if key.source == chosen}
            if not self._feeds:
                raise WrongSource(f"{source} has no {kind.title}, expected one of {', '.join(known) or 'none'}")

    async def first_words(self, timeout: float) -> None:
        """Wait until every feed has answered or failed once, at most `timeout` seconds."""
        if self._beside:
            await self._viewer.first_words(self._beside.values(), timeout / 2)
        await self._viewer.first_words(self._feeds.values(), timeout / 2 if self._beside else timeout)

    async def change(self) -> None:
        """Wait for news of any feed, and then a moment for what comes with it."""
        await self._viewer.change()
        await asyncio.sleep(0.2)

    @property
    def readings(self) -> dict[FeedKey, Reading[Any]]:
        return {key: feed.reading for key, feed in self._feeds.items()}

    def rows(self, group: str | None) -> list[tuple[Any, Reading[Any]]]:
        """Each row with what its source says."""
        return [
            (row, reading)
            for reading in self.readings.values()
            for row in reading.rows.values()
            if group is None or row.group == group
        ]

    def without(self, group: str | None) -> str:
        """Why nothing can be in a group: no source is configured to look for it; empty where one is."""
        if group is None:
            return ""
        known = {name for config in self.watch.context.sources for name in getattr(config.settings, "groups", ())}
        known |= {row.group for row, _ in self.rows(None) if row.group is not None}
        there = f"expected one of {', '.join(sorted(known))}" if known else "and none is configured"
        return "" if group in known else f"no group {group}, {there}"

    def _nobody(self, group: str | None) -> str:
        """What to say where nobody is in a group; whether somebody was before we looked, nobody tells us."""
        if group is None:
            return ""
        if self._seen is None:
            return f"no members: nobody is registered in {group} now; who was before is not known from here"
        return f"no members: nobody is registered in {group} any more; somebody was until {self._seen:%H:%M:%S}"

    def troubles(self) -> list[str]:
        """One line for each source that is not live: its name, the address and the reason."""
        return troubles(self.readings, self.watch) + [
            f"{item.source}: {item.error}" for item in self.watch.broken
        ]

    def told(self, group: str | None) -> Told:
        rows = self.rows(group)
        if rows:
            self._seen = self.watch.clock.now().astimezone()
        return Told(
            kind=self.kind,
            context=self.watch.context.name,
            rows=rows,
            sources=source_states(self.readings, self.watch.broken),
            now=self.watch.clock.monotonic(),
            wall=self.watch.clock.now(),
            well=not self.troubles(),
            nothing=self._nobody(group),
        )


async def listing(context: Context, options: argparse.Namespace) -> int:
    """Print one kind; 0 where every source is live, else 3 with each trouble on stderr."""
    try:
        here = Listing(context, KINDS[options.verb], options.timeout, getattr(options, "source", None))
    except WrongSource as error:
        complain(f"midwatch: {error}")
        return 2
    group, output = getattr(options, "group", None), options.output or "table"
    try:
        await here.first_words(options.timeout)
        if without := here.without(group):
            complain(f"midwatch: {without}")
            return 2
        here.told(group).show(output, documents=options.watch)
        told = here.troubles()
        for line in told:
            complain(line)
        while options.watch:
            await here.change()
            here.told(group).show(output, documents=True)
            now = here.troubles()
            for line in now:
                if line not in told:
                    complain(line)
            told = now
    finally:
        await here.watch.close()
    return 3 if told else 0
