"""Looking back from the lines in memory to older ones: when something is read, and one thing at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from backends.api.errors import BackendError
from tui.lookback import STREAMS
from tui.screens.base import Desk
from tui.screens.logparts import MANY, Parts
from widgets.logfeeder import Feeder
from widgets.logsearch import Pattern
from widgets.logview import LogView
from widgets.lookbackview import LookbackView

log = logging.getLogger("midwatch.logs")
GROUP = "look back"


class LookingBack:
    """Decides which of the parts is read."""

    def __init__(self, parts: Parts, desk: Callable[[], Desk]) -> None:
        self._parts, self._desk = parts, desk
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
        self._parts.show(feeders)

    def leave(self) -> None:
        """To the newest lines in memory, where a part was shown."""
        self.stop()
        if self._parts.part is not None:
            self.show(self._parts.live)

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
        parts, lines = self._parts, self._parts.view.lines
        part = parts.part
        if part is not None or (lines.since is None and parts.older):
            self._begin(parts.from_the_beginning)
            return
        parts.view.go_to(0)
        if parts.older and lines.dropped:
            self._desk().say("the first line in memory; 0 lifts the window, then g reads from the beginning")

    def edge(self, message: LookbackView.Edge) -> None:
        """One came near the end of what is here: read on."""
        parts, part, back = self._parts, self._parts.part, message.back
        if self.busy or parts.view.lines.since is not None:
            return
        if part is None:
            if back and parts.older:
                self._begin(lambda: parts.from_memory(beyond=message.beyond))
        elif not part.at_end(back=back):
            # What failed is not asked again by every key that is near.
            if message.beyond or not part.stuck(back=back):
                self._begin(lambda: parts.read_on(part, back=back, again=message.beyond))
        elif message.beyond and not back:
            self._begin(lambda: parts.rejoin(part))

    def to_time(self, moment: datetime, otherwise: Callable[[], None]) -> None:
        """To the lines about a time, out of their sources; `otherwise` where there are none."""

        async def go() -> None:
            if await self._parts.about(moment, lambda lines: 0):
                self._parts.view.go_to_time(moment)
            else:
                otherwise()

        self._begin(go)

    def filtered(self, change: Callable[[], None]) -> None:
        """After `change` other lines are kept than before."""
        parts, part, on = self._parts, self._parts.part, self._parts.held
        lines = parts.view.lines
        keep, others = lines.keep, (lines.since, lines.only)
        when = None if on is None else lines.when(lines.rows[parts.view.cursor])
        change()
        if part is None or (lines.since, lines.only) != others:
            self.leave()
        elif lines.keep == keep:
            return
        elif on is None or when is None:
            self.leave()
        elif part.alone is not None:
            self._begin(lambda: parts.around(on.block, on.line))
        else:
            self._begin(lambda: parts.filter_anew(when))

    def search_on(self, step: int, pattern: Pattern | None) -> None:
        """Nothing was found among the lines that are here: look further, in the file itself; for the next error
        where there is no pattern."""
        parts, part, back, say = self._parts, self._parts.part, step < 0, self._desk().say
        more = (back and parts.older) if part is None else not part.at_end(back=back)
        streams = len(parts.streams())
        if not more or parts.view.lines.since is not None:
            say("nothing further in this direction")
        elif streams == 1:
            self._begin(lambda: parts.find(pattern, back=back))
        elif streams > STREAMS:
            say(f"nothing further in the lines read of {streams} files{MANY}")
        else:
            self._begin(lambda: parts.find_in_several(pattern, back=back))

    async def read(self) -> None:
        """Wait until nothing is read any more."""
        while self._job is not None:
            await self._done.wait()

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
                    self._parts.view.post_message(LogView.Changed())

        self._desk().work(run, GROUP)
        self._parts.view.post_message(LogView.Changed())


async def _nothing() -> None:
    """What runs in place of what is ended."""
