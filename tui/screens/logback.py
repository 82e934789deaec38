"""From the lines in memory to older ones, which are read again from their sources, and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from backends.api.errors import BackendError
from backends.api.logs import Beside, LogBlock, moment_of
from tui.lookback import PAGE, STREAMS, Lookback, end_of
from tui.looksearch import search
from tui.screens.base import Desk
from widgets.logfeeder import Feeder, Reader
from widgets.logheld import Held, held, in_memory, numbered, row_of, same
from widgets.loglines import LogLines
from widgets.logsearch import Pattern
from widgets.logstreams import oldest, streams_of, whole
from widgets.logstretch import START
from widgets.logview import LogView
from widgets.lookbackview import LookbackView
from widgets.quantities import count, size

log = logging.getLogger("midwatch.logs")
GROUP = "look back"
MANY = "; :logs and a path reads one of them"


class LookingBack:
    """What a log view shows beside the lines in memory: a part of one or several files (`tui.lookback`)."""

    def __init__(self, view: LookbackView, desk: Callable[[], Desk]) -> None:
        self._view, self._desk = view, desk
        self._live: Sequence[Feeder] = ()
        self._part: Lookback | None = None
        self._job: object = None
        self._done = asyncio.Event()
        """Set when what is read now has ended, or another thing is read."""

    @property
    def busy(self) -> bool:
        """Whether something is read now."""
        return self._job is not None

    def show(self, feeders: Sequence[Feeder]) -> None:
        """The lines in memory of these sources."""
        self.stop()
        self._live, self._part = feeders, None
        self._view.show(feeders)

    def leave(self) -> None:
        """To the newest lines in memory, where a part was shown."""
        self.stop()
        if self._part is not None:
            self.show(self._live)

    def stop(self) -> bool:
        """End what is read; whether there was something."""
        was, self._job = self.busy, None
        self._done.set()
        if was:
            self._desk().work(_nothing, GROUP)
        return was

    def first(self) -> None:
        """To the very first line: that of the oldest time where there are several files. A window of time is one
        over the lines in memory."""
        part, view = self._part, self._view
        more = (view.lines.since is None and self._older) if part is None else not part.at_end(back=True)
        if more:
            self._begin(self._from_the_beginning)
            return
        view.go_to(0)
        if part is None and self._older and view.lines.dropped:
            self._desk().say("the first line in memory; 0 lifts the window, then g reads from the beginning")

    def edge(self, message: LookbackView.Edge) -> None:
        """One came near the end of what is here: read on."""
        back, part = message.back, self._part
        if self.busy or self._view.lines.since is not None:
            return
        if part is None:
            if back and self._older:
                self._begin(lambda: self._from_memory(beyond=message.beyond))
        elif not part.at_end(back=back):
            # What failed is not asked again by every key that is near.
            if message.beyond or not part.stuck(back=back):
                self._begin(lambda: self._read_on(part, back=back, again=message.beyond))
        elif message.beyond and not back:
            self._begin(lambda: self._rejoin(part))

    def lacks(self, moment: datetime) -> bool:
        """Whether lines of a time are no longer, or were never, in memory."""
        if self._part is not None or not self._older:
            return False
        blocks = [(oldest(self._live, source, origin), reader) for source, origin, reader in self._streams()]
        times = [
            end_of(block, reader, back=True) for block, reader in blocks if block is not None and block.first != 0
        ]
        return any(time is not None and time > moment for time in times)

    def to_time(self, moment: datetime, otherwise: Callable[[], None]) -> None:
        """To the lines about a time, out of their sources; `otherwise` where there are none."""

        async def go() -> None:
            if await self._about(moment, lambda lines: 0):
                self._view.go_to_time(moment)
            else:
                otherwise()

        self._begin(go)

    def filtered(self, change: Callable[[], None]) -> None:
        """After `change` other lines are kept than before."""
        part, lines, on = self._part, self._view.lines, self._held
        keep, others = lines.keep, (lines.since, lines.only)
        when = None if on is None else lines.when(lines.rows[self._view.cursor])
        change()
        if part is None or (lines.since, lines.only) != others:
            self.leave()
        elif lines.keep == keep:
            return
        elif on is None or when is None:
            self.leave()
        elif part.alone is not None:
            self._begin(lambda: self._around(on.block, on.line))
        else:
            self._begin(lambda: self._filter_anew(when))

    def search_on(self, step: int, pattern: Pattern | None) -> None:
        """Nothing was found among the lines that are here: look further, in the file itself; for the next error
        where there is no pattern."""
        back, part, say = step < 0, self._part, self._desk().say
        more = (back and self._older) if part is None else not part.at_end(back=back)
        streams = len(self._streams())
        if not more or self._view.lines.since is not None:
            say("nothing further in this direction")
        elif streams == 1:
            self._begin(lambda: self._find(pattern, back=back))
        elif streams > STREAMS:
            say(f"nothing further in the lines read of {streams} files{MANY}")
        else:
            self._begin(lambda: self._find_in_several(pattern, back=back))

    @property
    def passing_none(self) -> str:
        """What was looked at where no line passes the filter."""
        part = self._part
        if part is None:
            kept = f"none of {count(self._view.lines.total)} lines"
            if self._view.lines.since is not None or not self._older:
                return f"{kept} passes"
            return f"{kept} in memory passes; g looks from the beginning on"
        if part.stuck(back=False):
            whole = part.stuck(back=True)
            return f"none of the lines passes, {'of all that can be read' if whole else 'up to the end'}"
        settled = part.settled
        until = "" if settled is None else f" up to {moment_of(settled[1]).astimezone():%H:%M:%S}"
        return f"none of the lines read{until} passes; pgdn reads on"

    @property
    def share(self) -> str:
        """What of all that there is the rows are of; empty where they are all of it."""
        if self._part is not None:
            return "a part of what there is, as shown"
        return "the lines in memory, not all that there are" if self._older else ""

    async def read(self) -> None:
        """Wait until nothing is read any more."""
        while self._job is not None:
            await self._done.wait()

    @property
    def standing(self) -> str:
        """Where one is, of all that there is."""
        on, stream = self._held, None if self._part is None else self._part.alone
        if stream is None or on is None or on.block.first is None:
            return "not the newest, G: end"
        block, edge = on.block, stream.stretch.edge(back=False)
        at = on.block.first + len(block.data) * on.line // block.count
        newest = [feeder.tail.block_of(feeder.tail.span.end - 1) for feeder in self._live]
        # What was read to its end says how long it is: memory may hold lines of one that had its name before.
        more = () if stream.ended[False] else (found[1] for found in newest if found is not None)
        ends = [edge, *more]
        known = [found for found in ends if found is not None and found.origin == block.origin]
        end = max((found.first or 0) + len(found.data) for found in known)
        return f"{100 * at / end:.1f} % of {size(end)}, G: end"

    # What takes time

    async def _from_the_beginning(self) -> None:
        streams = self._streams()
        if len(streams) > STREAMS:
            self._view.go_to(0)
            self._desk().say(f"{len(streams)} files are too many to be read from their beginnings{MANY}")
            return
        part = self._of(streams)
        await part.begin()
        if part.empty:
            if self._view.lines.keep is not None and not part.said:
                part.said.append("no line passes, from the first one to the last")
            self._say(part)
            self._view.go_to(0)
            return
        self._say(part)
        await self._show(part, lambda lines: 0)
        await self._read_until_some(part)

    async def _filter_anew(self, when: int) -> None:
        """Several files about a time again: what does not pass was left out, or is now."""
        part = self._of(self._streams())
        await part.begin(moment_of(when))
        self._say(part)
        await self._show(part, lambda lines: lines.nearest(when))
        await self._read_until_some(part)

    async def _read_until_some(self, part: Lookback) -> None:
        """Where what is read has next to no line that passes."""
        while len(self._view.lines.rows) < self._view.size.height and not part.stuck(back=False):
            await self._read_on(part, back=False)

    async def _from_memory(self, *, beyond: bool) -> None:
        """Read on before the first line that is kept."""
        streams, on = self._streams(), self._held
        if on is None or not streams:
            return
        if len(streams) > 1:
            row = self._view.lines.rows[self._view.cursor]
            when, raw = self._view.lines.when(row), self._view.lines.records.raw(row)
            await self._about(moment_of(when), lambda lines: same(lines, when, raw), self._line)
            return
        part = self._of(streams)
        origin, stretch = part.streams[0].origin, part.streams[0].stretch
        numbers, room = dict[int, int](), PAGE
        for first, block in on.feeder.tail.blocks(on.first):
            if origin in ("", block.origin) and room > 0:
                numbers[first], room = stretch.span.end, room - len(block.data)
                stretch.grow([block], back=False)
        await part.more(back=True)
        self._say(part)
        # One may have moved meanwhile.
        now = self._held
        if stretch.span.first == START:
            if beyond and part.at_end(back=True):
                self._desk().say("there is nothing older")
        elif now is not None and now.feeder is on.feeder and now.first in numbers:
            number = numbers[now.first] + now.line
            await self._show(part, lambda lines: numbered(lines, number), self._line)

    async def _about(self, moment: datetime, on: Callable[[LogLines], int], line: int = 0) -> bool:
        """Show what is about a time; whether there was anything."""
        streams = self._streams()
        if len(streams) > STREAMS:
            self._desk().say(f"{len(streams)} files are too many to be read together{MANY}")
            return False
        part = self._of(streams)
        await part.begin(moment)
        self._say(part)
        if not part.empty:
            await self._show(part, on, line)
        return not part.empty

    async def _read_on(self, part: Lookback, *, back: bool, again: bool = False) -> None:
        """Until there are other rows at that end; what failed to be read is tried `again`."""
        lines, at = self._view.lines, 0 if back else -1
        before = lines.rows[at] if lines.rows else None
        if again:
            await part.retry(back=back)
            self._view.grew(part.settled, back=back)
        while not part.stuck(back=back):
            await part.more(back=back)
            self._view.grew(part.settled, back=back)
            if lines.rows and lines.rows[at] != before:
                break
        self._say(part)

    async def _rejoin(self, part: Lookback) -> None:
        """Behind the last line: on among those in memory, if it is there, else in the grown files."""
        if not self._view.lines.rows:
            self.leave()
            return
        lines = self._view.lines
        ends = [(s.source, s.stretch.edge(back=False)) for s in part.streams]
        reached = [(source, block, block.count - 1) for source, block in ends if block is not None]
        if not all(in_memory(self._live, *place) for place in reached):
            before = [stream.stretch.span.end for stream in part.streams]
            for stream in part.streams:
                stream.ended[False] = False
            await self._read_on(part, back=False, again=True)
            if before != [stream.stretch.span.end for stream in part.streams] or part.behind_failure:
                return
        last = held(lines, len(lines.rows) - 1)
        there = None if last is None else in_memory(self._live, last.feeder.source, last.block, last.line)
        self._part = None
        self._view.show(self._live)
        if there is None:
            return
        at = row_of(lines, *there)
        while at is None and self._view.work():
            # The newest rows come first; older ones in steps.
            await asyncio.sleep(0)
            at = row_of(lines, *there)
        if at is not None:
            self._view.go_to(at + 1)

    async def _around(self, block: LogBlock, line: int) -> None:
        """Show what is about a block, with the cursor on one of its lines."""
        part = self._of(self._streams())
        part.streams[0].stretch.grow([block], back=False)
        await part.more(back=True)
        await part.more(back=False)
        await self._show(part, lambda lines: numbered(lines, START + line), self._view.size.height // 2)
        self._say(part)

    async def _find(self, pattern: Pattern | None, *, back: bool) -> None:
        part = self._part or self._of(self._streams())
        place = part.streams[0].beside(back=back)
        if self._part is None:
            place = Beside(place.origin, oldest(self._live, part.streams[0].source, place.origin), back)
        found = await part.find(place, pattern)
        if found is None:
            self._desk().say(f"nothing further, up to the {'beginning' if back else 'end'}")
        else:
            await self._around(*found)

    async def _find_in_several(self, pattern: Pattern | None, *, back: bool) -> None:
        part, streams, lines = self._part, self._streams(), self._view.lines
        if part is None:
            found = [oldest(self._live, source, origin) for source, origin, _ in streams]
            known = [[] if block is None else [block] for block in found]
        else:
            known = [[block for _, block in stream.stretch.blocks()] for stream in part.streams]
        hidden = Lookback(streams, self._view.clock.now(), sought=(pattern,))
        match = await search(hidden, known, lines, pattern, back=back)
        if match is None:
            end = "beginning" if back else "end"
            hidden.said.insert(0, f"nothing further, up to the {end} of {len(streams)} files")
            self._say(hidden)
            return
        when, raw = match
        await self._about(moment_of(when), lambda rows: same(rows, when, raw), self._view.size.height // 2)

    # Parts

    @property
    def _line(self) -> int:
        """On which line of the terminal the cursor is."""
        placed, cursor = self._view.sheet.placed, self._view.cursor
        return placed.index(cursor) if cursor in placed else 0

    @property
    def _held(self) -> Held | None:
        return held(self._view.lines, self._view.cursor)

    @property
    def _older(self) -> bool:
        """Whether there may be lines before those in memory."""
        return not all(whole(feeder.tail) for feeder in self._live)

    def _streams(self) -> list[tuple[str, str, Reader]]:
        """Those of the part that is shown: its title and its place are of them, whatever came meanwhile."""
        part, lines = self._part, self._view.lines
        if part is not None:
            return [(stream.source, stream.origin, stream.reader) for stream in part.streams]
        return streams_of(self._live, lines.origins, lines.only)

    def _of(self, streams: list[tuple[str, str, Reader]]) -> Lookback:
        return Lookback(streams, self._view.clock.now(), self._view.lines.keep)

    async def _show(self, part: Lookback, on: Callable[[LogLines], int], line: int = 0) -> None:
        self._part = part
        await self._view.show_part(part.feeders, part.settled, on, line)

    def _say(self, part: Lookback) -> None:
        """What has to be known of it, once."""
        if part.said:
            self._desk().say("; ".join(part.said))
            part.said.clear()

    def _begin(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Instead of what is read now."""
        mine = self._job = object()
        self._done.set()
        self._done = asyncio.Event()

        async def run() -> None:
            try:
                await job()
            except BackendError as error:
                self._desk().say(str(error))
            except Exception as error:
                log.exception("looking back through logs")
                self._desk().say(f"bug in a log source: {type(error).__name__}: {error}; see :log")
            finally:
                if self._job is mine:
                    self._job = None
                    self._done.set()
                    self._view.post_message(LogView.Changed())

        self._desk().work(run, GROUP)
        self._view.post_message(LogView.Changed())


async def _nothing() -> None:
    """What runs in place of what is ended."""
