"""Pager: which lines a log view shows, those in memory or a part of their history, and the ways between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from backends.api.logs import Beside, LogBlock, moment_of
from tui.screens.logs.history import BYTES_AT_ONCE, STREAMS, LoadedHistory, end_of
from tui.screens.logs.history_search import search_one, search_several
from tui.screens.logs.progress import Progress
from tui.screens.logs.streams import oldest, streams_of, whole
from widgets.logs.feeder import Feeder, LineReader
from widgets.logs.history_buffer import START
from widgets.logs.history_view import HistoryView
from widgets.logs.lines import LogLines
from widgets.logs.locate import Located, find_in_tails, locate, row_of_line, row_of_number, row_of_text
from widgets.logs.search_pattern import Pattern

MANY = "; :logs and a path reads one of them"


class Pager:
    """What reads is awaited, never two at once; `progress` hears how far that is, and `say` tells what has to be
    known of it."""

    def __init__(self, view: HistoryView, progress: Progress, say: Callable[[str], None]) -> None:
        self.view = view
        self.live: Sequence[Feeder] = ()
        """The lines in memory, which grow."""
        self.history: LoadedHistory | None = None
        """The part of what the sources hold that is shown instead of them."""
        self._progress, self._say = progress, say

    def show(self, feeders: Sequence[Feeder]) -> None:
        """The lines in memory of these sources."""
        self.live, self.history = feeders, None
        self.view.show(feeders)

    @property
    def current(self) -> Located | None:
        """The line under the cursor."""
        return locate(self.view.lines, self.view.cursor)

    @property
    def older(self) -> bool:
        """Whether there may be lines before those in memory."""
        return not all(whole(feeder.tail) for feeder in self.live)

    def streams(self) -> list[tuple[str, str, LineReader]]:
        """Those of what is shown: its title and its place are of them, whatever came meanwhile."""
        history, lines = self.history, self.view.lines
        if history is not None:
            return [(stream.source, stream.origin, stream.reader) for stream in history.streams]
        return streams_of(self.live, lines.origins, lines.only)

    def lacks(self, moment: datetime) -> bool:
        """Whether lines of a time are no longer, or were never, in memory."""
        if self.history is not None or not self.older:
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
        history = self._of(streams)
        await history.begin()
        if history.empty:
            if not history.said:
                kept = self.view.lines.keep is not None
                history.said.append("no line passes, from the first one to the last" if kept else "no line yet")
            self._tell(history)
            self.view.go_to(0)
            return
        self._tell(history)
        await self._show(history, lambda lines: 0)
        await self._read_until_some(history)

    async def is_renewed(self, history: LoadedHistory) -> bool:
        """Whether what is shown from its beginning is to be read anew."""
        renewed = await history.is_renewed()
        self._tell(history)
        return renewed

    async def filter_anew(self, when: int) -> None:
        """Several files about a time again: what does not pass was left out, or is now."""
        history = self._of(self.streams())
        await history.begin(moment_of(when))
        self._tell(history)
        await self._show(history, lambda lines: lines.nearest(when))
        await self._read_until_some(history)

    async def _read_until_some(self, history: LoadedHistory) -> None:
        """Where what is read has next to no line that passes."""
        while len(self.view.lines.rows) < self.view.size.height and not history.stuck(back=False):
            await self.read_on(history, back=False)

    async def from_memory(self, *, beyond: bool) -> None:
        """Read on before the first line that is kept."""
        streams, on = self.streams(), self.current
        if on is None or not streams:
            return
        if len(streams) > 1:
            row = self.view.lines.rows[self.view.cursor]
            when, raw = self.view.lines.when(row), self.view.lines.records.raw(row)
            await self.about(moment_of(when), lambda lines: row_of_text(lines, when, raw), self._line)
            return
        history = self._of(streams)
        origin, buffer = history.streams[0].origin, history.streams[0].buffer
        numbers, room = dict[int, int](), BYTES_AT_ONCE
        for first, block in on.feeder.tail.blocks(on.first):
            if origin in ("", block.origin) and room > 0:
                numbers[first], room = buffer.span.end, room - len(block.data)
                buffer.grow([block], back=False)
        await history.more(back=True)
        self._tell(history)
        # One may have moved meanwhile.
        now = self.current
        if buffer.span.first == START:
            if beyond and history.at_end(back=True):
                self._say("there is nothing older")
        elif now is not None and now.feeder is on.feeder and now.first in numbers:
            number = numbers[now.first] + now.line
            await self._show(history, lambda lines: row_of_number(lines, number), self._line)

    async def about(self, moment: datetime, on: Callable[[LogLines], int], line: int = 0) -> bool:
        """Show what is about a time; whether there was anything."""
        streams = self.streams()
        if len(streams) > STREAMS:
            self._say(f"{len(streams)} files are too many to be read together{MANY}")
            return False
        history = self._of(streams)
        await history.begin(moment)
        self._tell(history)
        if not history.empty:
            await self._show(history, on, line)
        return not history.empty

    async def read_on(self, history: LoadedHistory, *, back: bool, again: bool = False) -> None:
        """Until there are other rows at that end; what failed to be read is tried `again`."""
        lines, at = self.view.lines, 0 if back else -1
        before = lines.rows[at] if lines.rows else None
        if again:
            await history.retry(back=back)
            self.view.grew(history.settled, back=back)
        while not history.stuck(back=back):
            await history.more(back=back)
            self.view.grew(history.settled, back=back)
            if lines.rows and lines.rows[at] != before:
                break
        self._tell(history)

    async def rejoin(self, history: LoadedHistory) -> None:
        """Behind the last line: on among those in memory, if it is there, else in the grown files."""
        if not self.view.lines.rows:
            self.show(self.live)
            return
        lines = self.view.lines
        ends = [(s.source, s.buffer.edge(back=False)) for s in history.streams]
        reached = [(source, block, block.count - 1) for source, block in ends if block is not None]
        if not all(find_in_tails(self.live, *place) for place in reached):
            before = [stream.buffer.span.end for stream in history.streams]
            for stream in history.streams:
                stream.ended[False] = False
            await self.read_on(history, back=False, again=True)
            if before != [stream.buffer.span.end for stream in history.streams] or history.behind_failure:
                return
        last = locate(lines, len(lines.rows) - 1)
        there = None if last is None else find_in_tails(self.live, last.feeder.source, last.block, last.line)
        self.history = None
        self.view.show(self.live)
        if there is None:
            return
        at = row_of_line(lines, *there)
        while at is None and self.view.work():
            # The newest rows come first; older ones in steps.
            await asyncio.sleep(0)
            at = row_of_line(lines, *there)
        if at is not None:
            self.view.go_to(at + 1)

    async def around(self, block: LogBlock, line: int) -> None:
        """Show what is about a block, with the cursor on one of its lines."""
        history = self._of(self.streams())
        history.streams[0].buffer.grow([block], back=False)
        await history.more(back=True)
        await history.more(back=False)
        await self._show(history, lambda lines: row_of_number(lines, START + line), self.view.size.height // 2)
        self._tell(history)

    async def find(self, pattern: Pattern | None, *, back: bool) -> None:
        """The next match beyond what is here, of one stream; the next error where there is no pattern."""
        history = self.history or self._of(self.streams())
        place = history.streams[0].beside(back=back)
        if self.history is None:
            place = Beside(place.origin, oldest(self.live, history.streams[0].source, place.origin), back)
        found = await search_one(history, place, pattern)
        if found is None:
            self._say(f"nothing further, up to the {'beginning' if back else 'end'}")
        else:
            await self.around(*found)

    async def find_in_several(self, pattern: Pattern | None, *, back: bool) -> None:
        """The same of several streams."""
        history, streams, lines = self.history, self.streams(), self.view.lines
        if history is None:
            found = [oldest(self.live, source, origin) for source, origin, _ in streams]
            known = [[] if block is None else [block] for block in found]
        else:
            known = [[block for _, block in stream.buffer.blocks()] for stream in history.streams]
        hidden = LoadedHistory(streams, self.view.clock.now(), sought=(pattern,), progress=self._progress)
        match = await search_several(hidden, known, lines, pattern, back=back)
        if match is None:
            end = "beginning" if back else "end"
            hidden.said.insert(0, f"nothing further, up to the {end} of {len(streams)} files")
            self._tell(hidden)
            return
        when, raw = match
        await self.about(moment_of(when), lambda rows: row_of_text(rows, when, raw), self.view.size.height // 2)

    @property
    def _line(self) -> int:
        """On which line of the terminal the cursor is."""
        placed, cursor = self.view.sheet.placed, self.view.cursor
        return placed.index(cursor) if cursor in placed else 0

    def _of(self, streams: list[tuple[str, str, LineReader]]) -> LoadedHistory:
        return LoadedHistory(streams, self.view.clock.now(), self.view.lines.keep, progress=self._progress)

    async def _show(self, history: LoadedHistory, on: Callable[[LogLines], int], line: int = 0) -> None:
        self.history = history
        await self.view.show_history(history.feeders, history.settled, on, line)

    def _tell(self, history: LoadedHistory) -> None:
        """What has to be known of it, once."""
        if history.said:
            self._say("; ".join(history.said))
            history.said.clear()
