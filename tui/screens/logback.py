"""Looking back from the lines in memory to older ones: what is read when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tui.commands import key_of
from tui.lookback import STREAMS, Lookback
from tui.screens.logjob import LogJob
from tui.screens.logparts import MANY, Parts
from widgets.logfeeder import Feeder
from widgets.logsearch import Pattern
from widgets.lookbackview import LookbackView


class LookingBack:
    """Decides which of the parts is read."""

    def __init__(self, parts: Parts, job: LogJob, say: Callable[[str], None]) -> None:
        self._parts, self._job, self._say = parts, job, say

    def show(self, feeders: Sequence[Feeder]) -> None:
        """The lines in memory of these sources."""
        self._job.stop()
        self._parts.show(feeders)

    def leave(self) -> None:
        """To the newest lines in memory, where a part was shown."""
        self._job.stop()
        if self._parts.part is not None:
            self.show(self._parts.live)

    def first(self) -> None:
        """To the very first line: that of the oldest time where there are several files. A window of time is one
        over the lines in memory."""
        parts, lines = self._parts, self._parts.view.lines
        part = parts.part
        if part is not None and part.at_end(back=True):
            parts.view.go_to(0)
            self._job.begin(lambda: self._compare(part), ahead=True)
            return
        if part is not None or (lines.since is None and parts.older):
            self._job.begin(parts.from_the_beginning)
            return
        parts.view.go_to(0)
        if parts.older and lines.dropped:
            lifts, reads = key_of("window 0"), key_of("first")
            self._say(
                f"the first line in memory; {lifts} lifts the window, then {reads} reads from the beginning"
            )

    async def _compare(self, part: Lookback) -> None:
        """Behind the first line, which is there already, with what it is now."""
        if await self._parts.renewed(part):
            self._job.lines_change()
            await self._parts.from_the_beginning()

    def edge(self, message: LookbackView.Edge) -> None:
        """One came near the end of what is here: read on."""
        parts, part, back = self._parts, self._parts.part, message.back
        if self._job.busy or parts.view.lines.since is not None:
            return
        if part is None:
            if back and parts.older:
                self._job.begin(lambda: parts.from_memory(beyond=message.beyond))
        elif not part.at_end(back=back):
            # What failed is not asked again by every key that is near.
            if message.beyond or not part.stuck(back=back):
                more, ahead = lambda: parts.read_on(part, back=back, again=message.beyond), not message.beyond
                self._job.begin(more, ahead=ahead)
        elif message.beyond and not back:
            self._job.begin(lambda: parts.rejoin(part))

    def to_time(self, moment: datetime, otherwise: Callable[[], None]) -> None:
        """To the lines about a time, out of their sources; `otherwise` where there are none."""

        async def go() -> None:
            if await self._parts.about(moment, lambda lines: 0):
                self._parts.view.go_to_time(moment)
            else:
                otherwise()

        self._job.begin(go)

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
            self._job.begin(lambda: parts.around(on.block, on.line))
        else:
            self._job.begin(lambda: parts.filter_anew(when))

    def search_on(self, step: int, pattern: Pattern | None) -> None:
        """Nothing was found among the lines that are here: look further, in the file itself; for the next error
        where there is no pattern."""
        parts, part, back, say = self._parts, self._parts.part, step < 0, self._say
        more = (back and parts.older) if part is None else not part.at_end(back=back)
        streams = len(parts.streams())
        if not more or parts.view.lines.since is not None:
            say("nothing further in this direction")
        elif streams == 1:
            self._job.begin(lambda: parts.find(pattern, back=back))
        elif streams > STREAMS:
            say(f"nothing further in the lines read of {streams} files{MANY}")
        else:
            self._job.begin(lambda: parts.find_in_several(pattern, back=back))
