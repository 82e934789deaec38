"""Navigation: which lines a key, a search or a filter leads to, and whether they have to be read for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.commands import key_of
from tui.screens.logs.history import STREAMS, LoadedHistory
from tui.screens.logs.pager import MANY, Pager
from tui.screens.logs.position_text import missed, no_match
from tui.screens.logs.read_task import ReadTask
from widgets.logs.feeder import Feeder
from widgets.logs.history_view import HistoryView
from widgets.logs.search import Wish
from widgets.logs.search_pattern import Pattern
from widgets.logs.view import LogView


class Navigation:
    """Tells the pager what to show and to read, one thing at a time."""

    def __init__(self, pager: Pager, task: ReadTask, say: Callable[[str], None]) -> None:
        self._pager, self._task, self._say = pager, task, say

    def show(self, feeders: Sequence[Feeder]) -> None:
        """The lines in memory of these sources."""
        self._task.stop()
        self._pager.show(feeders)

    def leave(self) -> None:
        """To the newest lines in memory, where others were shown."""
        self._task.stop()
        if self._pager.history is not None:
            self.show(self._pager.live)

    def first(self) -> None:
        """To the very first line: that of the oldest time where there are several files. A window of time is one
        over the lines in memory."""
        pager, lines = self._pager, self._pager.view.lines
        history = pager.history
        if history is not None and history.at_end(back=True):
            pager.view.go_to(0)
            self._task.begin(lambda: self._compare(history), ahead=True)
            return
        if history is not None or (lines.since is None and pager.older):
            self._task.begin(pager.from_the_beginning)
            return
        pager.view.go_to(0)
        if pager.older and lines.dropped:
            lifts, reads = key_of("window 0"), key_of("first")
            self._say(
                f"the first line in memory; {lifts} lifts the window, then {reads} reads from the beginning"
            )

    async def _compare(self, history: LoadedHistory) -> None:
        """Behind the first line, which is there already, with what it is now."""
        if await self._pager.is_renewed(history):
            self._task.lines_change()
            await self._pager.from_the_beginning()

    def edge(self, message: HistoryView.Edge) -> None:
        """One came near the end of what is here: read on."""
        pager, history, back = self._pager, self._pager.history, message.back
        if self._task.busy or pager.view.lines.since is not None:
            return
        if history is None:
            if back and pager.older:
                self._task.begin(lambda: pager.from_memory(beyond=message.beyond))
        elif not history.at_end(back=back):
            # What failed is not asked again by every key that is near.
            if message.beyond or not history.stuck(back=back):
                more, ahead = lambda: pager.read_on(history, back=back, again=message.beyond), not message.beyond
                self._task.begin(more, ahead=ahead)
        elif message.beyond and not back:
            self._task.begin(lambda: pager.rejoin(history))

    def arrived(self, message: LogView.Arrived) -> None:
        """One is at the line in memory that is nearest to a time: read the lines of that time where
        memory does not go so far back. Say so where there are none."""
        if self._pager.lacks(message.asked):
            self._task.begin(lambda: self._go_to_time(message))
        else:
            self._say_missed(message)

    async def _go_to_time(self, message: LogView.Arrived) -> None:
        if await self._pager.about(message.asked, lambda lines: 0):
            self._pager.view.go_to_time(message.asked)
        else:
            self._say_missed(message)

    def _say_missed(self, message: LogView.Arrived) -> None:
        view = self._pager.view
        said = missed(view.current, message, dropped=bool(view.lines.dropped))
        if said:
            self._say(said)

    def filtered(self, change: Callable[[], None]) -> None:
        """After `change` other lines are kept than before."""
        pager, history, on = self._pager, self._pager.history, self._pager.current
        lines = pager.view.lines
        keep, others = lines.keep, (lines.since, lines.only)
        when = None if on is None else lines.when(lines.rows[pager.view.cursor])
        change()
        if history is None or (lines.since, lines.only) != others:
            self.leave()
        elif lines.keep == keep:
            return
        elif on is None or when is None:
            self.leave()
        elif history.alone is not None:
            self._task.begin(lambda: pager.around(on.block, on.line))
        else:
            self._task.begin(lambda: pager.filter_anew(when))

    def not_found(self, wish: Wish) -> None:
        """There is no match, or no error, among the lines that are here: look further where a key asked for the
        next one. Enter looks no further; say which key does."""
        pager, view = self._pager, self._pager.view
        if wish.near:
            self._say(no_match(pager.history, view.lines, older=pager.older))
        else:
            self._search_on(wish.step, None if wish.errors else view.sheet.pattern)

    def _search_on(self, step: int, pattern: Pattern | None) -> None:
        """Look further, in the files themselves; for the next error where there is no pattern."""
        pager, history, back, say = self._pager, self._pager.history, step < 0, self._say
        more = (back and pager.older) if history is None else not history.at_end(back=back)
        streams = len(pager.streams())
        if not more or pager.view.lines.since is not None:
            say("nothing further in this direction")
        elif streams == 1:
            self._task.begin(lambda: pager.find(pattern, back=back))
        elif streams > STREAMS:
            say(f"nothing further in the lines read of {streams} files{MANY}")
        else:
            self._task.begin(lambda: pager.find_in_several(pattern, back=back))
