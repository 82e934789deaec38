"""Parts: the lines in memory, or a part of what one or several files hold, and the ways between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from backends.api.logs import Beside, LogBlock, moment_of
from tui.lookback import PAGE, STREAMS, Lookback, end_of
from tui.looked import Looked
from tui.looksearch import search
from widgets.logfeeder import Feeder, Reader
from widgets.logheld import Held, held, in_memory, numbered, row_of, same
from widgets.loglines import LogLines
from widgets.logsearch import Pattern
from widgets.logstreams import oldest, streams_of, whole
from widgets.logstretch import START
from widgets.lookbackview import LookbackView

MANY = "; :logs and a path reads one of them"


class Parts:
    """What a log view shows. What reads is awaited, never two at once; `looked` hears how far that is, and `say`
    tells what has to be known of it."""

    def __init__(self, view: LookbackView, looked: Looked, say: Callable[[str], None]) -> None:
        self.view = view
        self.live: Sequence[Feeder] = ()
        """The lines in memory."""
        self.part: Lookback | None = None
        """What is shown instead of them."""
        self._looked, self._say = looked, say

    def show(self, feeders: Sequence[Feeder]) -> None:
        """The lines in memory of these sources."""
        self.live, self.part = feeders, None
        self.view.show(feeders)

    @property
    def held(self) -> Held | None:
        """The line under the cursor."""
        return held(self.view.lines, self.view.cursor)

    @property
    def older(self) -> bool:
        """Whether there may be lines before those in memory."""
        return not all(whole(feeder.tail) for feeder in self.live)

    def streams(self) -> list[tuple[str, str, Reader]]:
        """Those of the part that is shown: its title and its place are of them, whatever came meanwhile."""
        part, lines = self.part, self.view.lines
        if part is not None:
            return [(stream.source, stream.origin, stream.reader) for stream in part.streams]
        return streams_of(self.live, lines.origins, lines.only)

    def lacks(self, moment: datetime) -> bool:
        """Whether lines of a time are no longer, or were never, in memory."""
        if self.part is not None or not self.older:
            return False
        blocks = [(oldest(self.live, source, origin), reader) for source, origin, reader in self.streams()]
        times = [
            end_of(block, reader, back=True) for block, reader in blocks if block is not None and block.first != 0
        ]
        return any(time is not None and time > moment for time in times)

    async def from_the_beginning(self) -> None:
        """Show the very first lines: those of the oldest time where there are several files."""
        streams = self.streams()
        if len(streams) > STREAMS:
            self.view.go_to(0)
            self._say(f"{len(streams)} files are too many to be read from their beginnings{MANY}")
            return
        part = self._of(streams)
        await part.begin()
        if part.empty:
            if not part.said:
                kept = self.view.lines.keep is not None
                part.said.append("no line passes, from the first one to the last" if kept else "no line yet")
            self._tell(part)
            self.view.go_to(0)
            return
        self._tell(part)
        await self._show(part, lambda lines: 0)
        await self._read_until_some(part)

    async def renewed(self, part: Lookback) -> bool:
        """Whether what is shown from its beginning is to be read anew."""
        renewed = await part.renewed()
        self._tell(part)
        return renewed

    async def filter_anew(self, when: int) -> None:
        """Several files about a time again: what does not pass was left out, or is now."""
        part = self._of(self.streams())
        await part.begin(moment_of(when))
        self._tell(part)
        await self._show(part, lambda lines: lines.nearest(when))
        await self._read_until_some(part)

    async def _read_until_some(self, part: Lookback) -> None:
        """Where what is read has next to no line that passes."""
        while len(self.view.lines.rows) < self.view.size.height and not part.stuck(back=False):
            await self.read_on(part, back=False)

    async def from_memory(self, *, beyond: bool) -> None:
        """Read on before the first line that is kept."""
        streams, on = self.streams(), self.held
        if on is None or not streams:
            return
        if len(streams) > 1:
            row = self.view.lines.rows[self.view.cursor]
            when, raw = self.view.lines.when(row), self.view.lines.records.raw(row)
            await self.about(moment_of(when), lambda lines: same(lines, when, raw), self._line)
            return
        part = self._of(streams)
        origin, stretch = part.streams[0].origin, part.streams[0].stretch
        numbers, room = dict[int, int](), PAGE
        for first, block in on.feeder.tail.blocks(on.first):
            if origin in ("", block.origin) and room > 0:
                numbers[first], room = stretch.span.end, room - len(block.data)
                stretch.grow([block], back=False)
        await part.more(back=True)
        self._tell(part)
        # One may have moved meanwhile.
        now = self.held
        if stretch.span.first == START:
            if beyond and part.at_end(back=True):
                self._say("there is nothing older")
        elif now is not None and now.feeder is on.feeder and now.first in numbers:
            number = numbers[now.first] + now.line
            await self._show(part, lambda lines: numbered(lines, number), self._line)

    async def about(self, moment: datetime, on: Callable[[LogLines], int], line: int = 0) -> bool:
        """Show what is about a time; whether there was anything."""
        streams = self.streams()
        if len(streams) > STREAMS:
            self._say(f"{len(streams)} files are too many to be read together{MANY}")
            return False
        part = self._of(streams)
        await part.begin(moment)
        self._tell(part)
        if not part.empty:
            await self._show(part, on, line)
        return not part.empty

    async def read_on(self, part: Lookback, *, back: bool, again: bool = False) -> None:
        """Until there are other rows at that end; what failed to be read is tried `again`."""
        lines, at = self.view.lines, 0 if back else -1
        before = lines.rows[at] if lines.rows else None
        if again:
            await part.retry(back=back)
            self.view.grew(part.settled, back=back)
        while not part.stuck(back=back):
            await part.more(back=back)
            self.view.grew(part.settled, back=back)
            if lines.rows and lines.rows[at] != before:
                break
        self._tell(part)

    async def rejoin(self, part: Lookback) -> None:
        """Behind the last line: on among those in memory, if it is there, else in the grown files."""
        if not self.view.lines.rows:
            self.show(self.live)
            return
        lines = self.view.lines
        ends = [(s.source, s.stretch.edge(back=False)) for s in part.streams]
        reached = [(source, block, block.count - 1) for source, block in ends if block is not None]
        if not all(in_memory(self.live, *place) for place in reached):
            before = [stream.stretch.span.end for stream in part.streams]
            for stream in part.streams:
                stream.ended[False] = False
            await self.read_on(part, back=False, again=True)
            if before != [stream.stretch.span.end for stream in part.streams] or part.behind_failure:
                return
        last = held(lines, len(lines.rows) - 1)
        there = None if last is None else in_memory(self.live, last.feeder.source, last.block, last.line)
        self.part = None
        self.view.show(self.live)
        if there is None:
            return
        at = row_of(lines, *there)
        while at is None and self.view.work():
            # The newest rows come first; older ones in steps.
            await asyncio.sleep(0)
            at = row_of(lines, *there)
        if at is not None:
            self.view.go_to(at + 1)

    async def around(self, block: LogBlock, line: int) -> None:
        """Show what is about a block, with the cursor on one of its lines."""
        part = self._of(self.streams())
        part.streams[0].stretch.grow([block], back=False)
        await part.more(back=True)
        await part.more(back=False)
        await self._show(part, lambda lines: numbered(lines, START + line), self.view.size.height // 2)
        self._tell(part)

    async def find(self, pattern: Pattern | None, *, back: bool) -> None:
        """The next match beyond what is here, of one stream; the next error where there is no pattern."""
        part = self.part or self._of(self.streams())
        place = part.streams[0].beside(back=back)
        if self.part is None:
            place = Beside(place.origin, oldest(self.live, part.streams[0].source, place.origin), back)
        found = await part.find(place, pattern)
        if found is None:
            self._say(f"nothing further, up to the {'beginning' if back else 'end'}")
        else:
            await self.around(*found)

    async def find_in_several(self, pattern: Pattern | None, *, back: bool) -> None:
        """The same of several streams."""
        part, streams, lines = self.part, self.streams(), self.view.lines
        if part is None:
            found = [oldest(self.live, source, origin) for source, origin, _ in streams]
            known = [[] if block is None else [block] for block in found]
        else:
            known = [[block for _, block in stream.stretch.blocks()] for stream in part.streams]
        hidden = Lookback(streams, self.view.clock.now(), sought=(pattern,), looked=self._looked)
        match = await search(hidden, known, lines, pattern, back=back)
        if match is None:
            end = "beginning" if back else "end"
            hidden.said.insert(0, f"nothing further, up to the {end} of {len(streams)} files")
            self._tell(hidden)
            return
        when, raw = match
        await self.about(moment_of(when), lambda rows: same(rows, when, raw), self.view.size.height // 2)

    @property
    def _line(self) -> int:
        """On which line of the terminal the cursor is."""
        placed, cursor = self.view.sheet.placed, self.view.cursor
        return placed.index(cursor) if cursor in placed else 0

    def _of(self, streams: list[tuple[str, str, Reader]]) -> Lookback:
        return Lookback(streams, self.view.clock.now(), self.view.lines.keep, looked=self._looked)

    async def _show(self, part: Lookback, on: Callable[[LogLines], int], line: int = 0) -> None:
        self.part = part
        await self.view.show_part(part.feeders, part.settled, on, line)

    def _tell(self, part: Lookback) -> None:
        """What has to be known of it, once."""
        if part.said:
            self._say("; ".join(part.said))
            part.said.clear()
