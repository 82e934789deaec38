"""From a wish on a screen to the door: the menu, the dialog, and how it goes until it has ended.

Nothing is decided here: the door is asked at each step, and what is done is the action that the dialog was opened
with, whatever has moved on the screen since.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

from backends.api.actions import Action, End, Outcome, Refused
from backends.api.clock import Clock
from backends.api.errors import BackendError
from backends.api.nouns import Row, called
from backends.api.runs import Deploy
from backends.changes.door import Door, NotAudited
from backends.viewer import Viewer
from backends.watch import Watch
from tui.action_menu import blocked, menu_of
from tui.arm_command import ArmFlow
from tui.deploying import DeployFlow
from tui.endings import Endings
from tui.offering import heading_of, parent_of_zombie, what_can_be_done
from tui.question import OnEnd, Question, plain, titled
from tui.ways import Ways
from widgets.dialog import CLOSE, Button, Dialog, Form
from widgets.look import Look

ONE_BY_ONE = "without an audit only one by one, each by its typed name"


class ActionDesk(Protocol):
    """Whom it serves."""

    @property
    def watching(self) -> Watch | None: ...
    @property
    def ways(self) -> Ways: ...
    @property
    def door(self) -> Door | None: ...
    @property
    def clock(self) -> Clock: ...
    async def open_door(self) -> Door | None: ...
    def say(self, text: str) -> None: ...
    def report(self, text: str) -> None:
        """One line that stays until it can have been read."""

    def work(self, job: Coroutine[Any, Any, None], group: str = "default") -> None: ...


class ActionFlow:
    """One at a time."""

    def __init__(self, desk: ActionDesk) -> None:
        self.dialog = Dialog(desk.clock.monotonic)
        self._desk = desk
        self._question: Question | None = None
        self._under_way: Question | None = None
        self._heard: list[str] = []
        self._viewer = Viewer()
        self._began = 0.0
        self._progress: Form | None = None
        self.arming = ArmFlow(desk)
        self._endings = Endings(desk, self.dialog, self.ask)
        self.deploys = DeployFlow(desk, self.dialog, self.ask, self.is_free)

    # The menu

    def is_free(self) -> bool:
        """Whether no action is under way; else that is said."""
        if self._under_way is not None:
            self._desk.say(f"{self._under_way.title} has not ended yet")
        return self._under_way is None

    @property
    def under_way(self) -> str:
        """What is being done just now; "" where nothing is."""
        return "" if self._under_way is None else self._under_way.title

    def forget(self) -> None:
        """The context changes: what was asked in the old one is no question any more."""
        self.deploys.begun.look(self._desk.watching)
        self._question = None
        self._viewer.close()
        self.dialog.close()

    def menu(self, rows: Sequence[Row], *, verb: str = "", hidden: Collection[str] = ()) -> None:
        """What can be done to these rows: all of it, or what one verb names; `hidden` are the keys of those that
        a filter hides. Reads, and changes nothing."""
        if not rows:
            self._desk.say("nothing to act on: no row is chosen")
        elif not self.is_free():
            return
        elif len(rows) == 1 and isinstance(rows[0], Deploy):
            self.deploys.parameters(rows[0])
        else:
            waiting = self._wait("what can be done", "asking …")
            in_order = sorted(rows, key=lambda row: row.key)
            self._desk.work(self._offer(in_order, verb, hidden, waiting), "action")

    def _wait(self, title: str, text: str) -> Form:
        """A dialog that something is read for. Whatever is read is shown only while that still stands there."""
        self._question = None
        waiting = Form(title, (plain(text),))
        self.dialog.show(waiting)
        return waiting

    async def _offer(self, rows: list[Row], verb: str, hidden: Collection[str], waiting: Form) -> None:
        door, watching = await self._desk.open_door(), self._desk.watching
        try:
            offered = [] if watching is None else await what_can_be_done(rows, verb, watching, self._viewer)
        except (Refused, BackendError) as error:
            self._refuse(error, waiting)
            return
        if door is None or not offered or self.dialog.form is not waiting:
            return
        row = rows[0]
        if verb and len(offered) == 1 and not blocked(door, offered[0]):
            # It was named already: nothing is left to choose.
            self.ask(offered[0], heading_of(row, offered[0][0]), hidden=hidden)
        else:
            self._show_menu(door, row, offered, hidden)

    def _show_menu(self, door: Door, row: Row, offered: list[list[Action]], hidden: Collection[str]) -> None:
        def asker(actions: list[Action]) -> Callable[[], None]:
            return lambda: self.ask(actions, heading_of(row, actions[0]), hidden=hidden)

        instead: list[Button] = []
        parent = parent_of_zombie(row, self._desk.watching)
        if parent is not None:
            means = f"what can be done to {called(parent)}, which has not collected it"
            instead.append(Button("its parent", lambda: self.menu([parent]), means=means))
        self.dialog.show(menu_of(row, offered, door, asker, instead))

    # The question

    def ask(
        self,
        actions: Sequence[Action],
        heading: Sequence[str] = (),
        ended: OnEnd | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        """Show what would happen, with Cancel chosen; what was asked is what is done, or nothing. `heading` is
        said first, `ended` hears of one that is done."""
        if self.is_free():
            waiting = self._wait(titled(actions), "reading what it would mean …")
            self._desk.work(self._propose(list(actions), heading, ended, hidden, waiting), "action")

    async def _propose(
        self,
        actions: list[Action],
        heading: Sequence[str],
        ended: OnEnd | None,
        hidden: Collection[str],
        waiting: Form,
    ) -> None:
        door, watching = await self._desk.open_door(), self._desk.watching
        if door is None or watching is None:
            return
        try:
            proposals = await door.propose(actions)
        except Refused as refusal:
            self._refuse(refusal, waiting)
            return
        if self.dialog.form is waiting and door is self._desk.door:
            question = Question(watching, door, proposals, hidden=hidden, heading=heading, ended=ended)
            self._show(question)

    def _show(self, question: Question) -> None:
        self._question = question
        question.shown = question.form(self._go)
        self.dialog.show(question.shown)

    def tick(self) -> None:
        """Once a second: how old the data is, and whether the door would still let it through."""
        if not self.dialog.open and self._under_way is None:
            self._viewer.close()
        question = self._question
        if question is not None and question.shown is not None and self.dialog.form is question.shown:
            self.dialog.update(question.form(self._go))
            question.shown = self.dialog.form
        elif self._under_way is not None and self.dialog.form is self._progress:
            self._show_progress(self._under_way)

    # Through the door

    def _go(self) -> None:
        question = self._question
        if question is None or self.dialog.form is not question.shown or not self.is_free():
            return
        lacking = question.lacking()
        if lacking is not None:
            label, text = lacking
            self.dialog.update(question.form(self._go))
            question.shown = self.dialog.form
            self.dialog.go_to_field(label)
            self.dialog.say(text)
            return
        self._question, self._under_way = None, question
        question.door.found = partial(self._found, question.context)
        self._heard = []
        self._began = 0.0 if self._desk.watching is None else self._desk.watching.clock.monotonic()
        self.dialog.show(Form(question.title, leave=CLOSE))
        self._progress = self.dialog.form
        self._show_progress(question)
        self._desk.work(self._carry_out(question), "act")

    async def _carry_out(self, question: Question) -> None:
        """One by one: the next only when this one is well. A signal to one says nothing of the others. Without an
        audit nothing is done to several: no name that could be typed stands for all of them."""
        ended: list[tuple[Action, Outcome]] = []
        asked = len(question.proposals)
        try:
            for number, proposal in enumerate(question.proposals):
                consent = question.consent(first=not number)
                try:
                    outcome = await question.door.carry_out(proposal, consent, self._hear)
                except NotAudited as refusal:
                    if question.may_go_unaudited and self.dialog.form is self._progress:
                        question.want_unaudited(f"{refusal.reason}; its line is held, and written later")
                        self._show(question)
                        return
                    hint = refusal.hint if question.may_go_unaudited else ONE_BY_ONE
                    ended.append((proposal.action, Outcome(End.REFUSED, f"{refusal.reason}; {hint}")))
                    break
                except Refused as refusal:
                    outcome = Outcome(End.REFUSED, refusal.reason)
                ended.append((proposal.action, outcome))
                self.deploys.begun.note(question.context, proposal.action, outcome.end)
                if outcome.end is not End.DONE and proposal.action.verb != "signal":
                    break
        finally:
            self._under_way = None
        self._tell(question, ended, asked)

    def _found(self, context: str, action: Action, outcome: Outcome) -> None:
        self.deploys.begun.note(context, action, outcome.end)
        self._endings.tell_later(action, outcome)

    def _hear(self, text: str) -> None:
        self._heard.append(text)
        if self._under_way is not None:
            self._show_progress(self._under_way)

    def _show_progress(self, question: Question) -> None:
        """What was heard so far, and how long it takes; gone once esc has closed it."""
        if self.dialog.form is not self._progress:
            return
        lines = [
            *(plain(text) for text in self._heard[-6:]),
            plain(f"waiting for what becomes of it{self._left(question)} …"),
        ]
        lines.append(plain("closing this leaves it to itself; how it ends is told here and in :events", Look.DIM))
        self.dialog.update(Form(question.title, tuple(lines), leave=CLOSE))
        self._progress = self.dialog.form

    def _left(self, question: Question) -> str:
        """The countdown to what is offered where this does not do."""
        action, watching = question.actions[0], self._desk.watching
        if len(question.actions) > 1 or not action.escalation or not action.patience or watching is None:
            return ""
        left = max(0.0, action.patience - (watching.clock.monotonic() - self._began))
        return f": {left:.0f} s, then {action.escalation} is offered"

    def _tell(self, question: Question, ended: list[tuple[Action, Outcome]], asked: int) -> None:
        watched = self.dialog.form is self._progress
        if watched:
            self.dialog.close()
        action, outcome = ended[-1]
        if question.ended is not None and outcome.end is End.DONE:
            # It goes on where this leads to: "has started" would stay when it has long failed.
            question.ended(action, outcome)
            return
        self._endings.tell(ended, asked, watched=watched)

    def _refuse(self, error: Refused | BackendError, waiting: Form) -> None:
        if self.dialog.form is not waiting:
            return
        lines = [plain(str(error), Look.WARN)]
        if error.hint:
            lines.append(plain(error.hint, Look.DIM))
        self.dialog.show(Form("not possible", tuple(lines), leave=CLOSE))
