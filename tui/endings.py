"""How actions ended: in one line that stays until it can have been read, and what is offered after that."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from backends.api.actions import Action, End, Outcome, Refused
from backends.api.clock import Clock
from backends.api.errors import BackendError
from backends.watch import Watch
from tui.offering import actions_of
from tui.question import plain
from widgets.dialog import CLOSE, Dialog, Form
from widgets.safe import width_of

ENDS = {End.DONE: "", End.FAILED: "failed: ", End.UNKNOWN: "unknown: ", End.REFUSED: "refused: "}


class EndingsDesk(Protocol):
    @property
    def watching(self) -> Watch | None: ...
    @property
    def clock(self) -> Clock: ...
    def report(self, text: str) -> None: ...
    def work(self, job: Coroutine[Any, Any, None], group: str = "default") -> None: ...


class Endings:
    """`ask` asks a question of the door."""

    def __init__(
        self, desk: EndingsDesk, dialog: Dialog, ask: Callable[[Sequence[Action], Sequence[str]], None]
    ) -> None:
        self._desk, self._dialog, self._ask = desk, dialog, ask
        self._shown: Form | None = None

    def tell(self, ended: list[tuple[Action, Outcome]], asked: int, *, watched: bool) -> None:
        """How those of `asked` actions ended that were tried; `watched` where somebody looked on until then: what
        is stronger is offered where one did not do, and what has no room in a line is shown whole."""
        action, outcome = ended[-1]
        text, stamp = _told(ended, asked), self._stamp()
        self._desk.report(f"{stamp}{text}")
        if watched and action.escalation and outcome.end is End.FAILED and asked == 1:
            self._desk.work(self._escalate(action, outcome), "action")
        elif watched and width_of(stamp + text) > self._dialog.app.size.width - 2:
            self._shown = _whole(text)
            self._dialog.show(self._shown)

    def tell_later(self, action: Action, outcome: Outcome) -> None:
        """Replaces the line that said that nobody knows."""
        text = f"{action.sentence}: {ENDS[outcome.end]}{_without_name(action, outcome)}"
        self._desk.report(f"{self._stamp()}{text}")
        if self._shown is not None and self._dialog.form is self._shown:
            self._shown = _whole(text)
            self._dialog.update(self._shown)

    def _stamp(self) -> str:
        return f"{self._desk.clock.now().astimezone():%H:%M:%S} "

    async def _escalate(self, action: Action, outcome: Outcome) -> None:
        """Offer what is stronger; the question is asked anew, with Cancel chosen."""
        watching = self._desk.watching
        if watching is None:
            return
        feed = watching.feed(action.target.source, action.target.noun)
        row = None if feed is None else feed.reading.rows.get(action.target.key)
        if row is None:
            return
        try:
            found = await actions_of(row, action.verb, watching)
        except (Refused, BackendError):
            return
        stronger = [other for other in found if other.title == action.escalation]
        if stronger and not self._dialog.open:
            self._ask(stronger, [f"{action.title}: {outcome.text}"])


def _whole(text: str) -> Form:
    return Form("how it ended", (plain(text),), leave=CLOSE)


def _without_name(action: Action, outcome: Outcome) -> str:
    """What is said of how it ended, behind the sentence that names its target already."""
    return outcome.text.removeprefix(f"{action.target.name} ")


def _told(ended: list[tuple[Action, Outcome]], asked: int) -> str:
    action, outcome = ended[-1]
    if asked == 1:
        again = f"; it is looked for again when {action.target.source} is back"
        later = again if outcome.end is End.UNKNOWN else ""
        return f"{action.sentence}: {ENDS[outcome.end]}{_without_name(action, outcome)}{later}"
    done = sum(outcome.end is End.DONE for _, outcome in ended)
    text = f"{action.title}: {done} of {asked} done"
    bad = next(((a, o) for a, o in ended if o.end is not End.DONE), None)
    if bad is not None:
        text += f"; {bad[0].target.shown}: {ENDS[bad[1].end]}{bad[1].text}"
    left = asked - len(ended)
    return text + (f"; {left} {'was' if left == 1 else 'were'} not tried" if left else "")
