"""From a wish on a screen to the door and back: the menu, the dialog, and the line that tells how it ended.

Nothing is decided here: the door is asked at each step, and what is done is the action that the dialog was opened
with, whatever has moved on the screen since.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from backends.api.actions import Action, Danger, End, Outcome, Refused, Target
from backends.api.capabilities import Acting, ability
from backends.api.errors import BackendError
from backends.api.runs import Deploy
from backends.door import ARMED_FOR, Consent, Door, Mode, Proposal
from backends.watch import FeedKey, Watch
from tui.deploying import DeployFlow
from widgets.columns import Look, Sight
from widgets.dialog import Button, Dialog, Field, Form
from widgets.oneline import Part
from widgets.safe import style
from widgets.units import age, duration

REASON, TYPED = "reason", "type its name"
LISTED = 8
"""Targets that are named one by one; of more the number is told."""
DANGERS = {Danger.MILD: Look.PLAIN, Danger.NORMAL: Look.WARN, Danger.GRAVE: Look.BAD}
ENDS = {End.DONE: "", End.FAILED: "failed: ", End.UNKNOWN: "unknown: ", End.REFUSED: "refused: "}


class Desk(Protocol):
    """Whom it serves."""

    @property
    def watching(self) -> Watch | None: ...
    @property
    def door(self) -> Door | None: ...
    async def open_door(self) -> Door | None: ...
    def say(self, text: str) -> None: ...
    def show_run(self, source: str, run: str) -> None: ...
    def work(self, job: Coroutine[Any, Any, None], group: str = "default") -> None: ...


class Chosen(Protocol):
    """Rows that something shall be done to: `key` and `source`, as all nouns have them."""

    @property
    def key(self) -> str: ...
    @property
    def source(self) -> str: ...


class ActionFlow:
    """One at a time. `hidden` is how many of the chosen rows a filter hides."""

    def __init__(self, desk: Desk) -> None:
        self.dialog = Dialog()
        self._desk = desk
        self._proposals: list[Proposal] = []
        self._hidden = 0
        self._fields: tuple[Field, ...] = ()
        self._progress: list[str] = []
        self._acting = False
        self._heading: Sequence[str] = ()
        self._ended: Callable[[Action, Outcome], None] | None = None
        self.deploys = DeployFlow(desk, self.dialog, self._ask_deploy)

    # The menu

    def menu(self, rows: Sequence[Chosen], *, verb: str = "", hidden: int = 0) -> None:
        """What can be done to these rows: all of it, or what one verb names. Reads, and changes nothing."""
        if not rows:
            self._desk.say("nothing to act on: no row is chosen")
        elif self._acting:
            self._desk.say("the last action has not ended yet")
        elif len(rows) == 1 and isinstance(rows[0], Deploy):
            self.deploys.parameters(rows[0])
        else:
            self._hidden = hidden
            self.dialog.show(Form("what can be done", (_plain("asking …"),)))
            self._desk.work(self._offer(list(rows), verb), "action")

    async def _offer(self, rows: list[Chosen], verb: str) -> None:
        await self._desk.open_door()
        try:
            actions = [await self._actions(row, verb) for row in rows]
            if len(rows) == 1:
                actions[0] += await self._by_its_supervisor(rows[0], verb)
        except (Refused, BackendError) as error:
            self._refuse(error)
            return
        offered = [_of_all(action, actions) for action in actions[0]]
        offered = [found for found in offered if len(found) == len(rows)]
        if not offered:
            what = f"{verb} " if verb else ""
            self._refuse(Refused(f"nothing {what}can be done to {'these' if len(rows) > 1 else 'this'} here"))
        elif self.dialog.open:
            self._show_menu(offered)

    async def _actions(self, row: Chosen, verb: str) -> list[Action]:
        watching = self._desk.watching
        backend = None if watching is None else watching.backend(row.source)
        acting = None if backend is None else ability(backend, Acting)
        if acting is None:
            raise Refused(f"midwatch can change nothing in {row.source}")
        found = await acting.actions(row)  # type: ignore[arg-type]
        return [action for action in found if verb in ("", action.verb)]

    async def _by_its_supervisor(self, row: Chosen, verb: str) -> list[Action]:
        """What does in order what a signal to a process does roughly: its unit's own restart and stop."""
        watching = self._desk.watching
        related = [] if watching is None else watching.relations.of(row)  # type: ignore[arg-type]
        units = [found.row for found in related if found.feed[1] == "units"]
        verbs = ("restart",) if verb == "restart" else ("restart", "stop")
        found = [action for unit in units[:1] for action in await self._actions(unit, "")]
        return [action for action in found if action.verb in verbs and not action.blocked]

    def _show_menu(self, offered: list[list[Action]]) -> None:
        door = self._desk.door
        if door is None:
            return
        buttons = []
        noun = offered[0][0].target.noun
        for actions in offered:
            first = actions[0]
            whose = "" if first.target.noun == noun else f"{first.target.name}: "
            buttons.append(
                Button(
                    f"{first.title:<10} {whose}{first.effect}",
                    self._asker(actions),
                    DANGERS[first.danger],
                    first.blocked or door.allows(first.target.source, first.verb, first.target.key),
                )
            )
        first = offered[0][0]
        count = len(offered[0])
        title = first.target.name if count == 1 else f"{count} targets"
        self.dialog.show(
            Form(title, (_plain("nothing is done before the next question"),), (), tuple(buttons), True)
        )

    def _asker(self, actions: list[Action]) -> Callable[[], None]:
        return lambda: self.ask(actions)

    # The question

    def ask(
        self,
        actions: Sequence[Action],
        heading: Sequence[str] = (),
        ended: Callable[[Action, Outcome], None] | None = None,
    ) -> None:
        """Show what would happen, with Cancel chosen; what was asked is what is done, or nothing. `heading` is
        said first, `ended` hears of one that is done."""
        self._ended = ended
        self.dialog.show(Form(_title(actions), (_plain("reading what it would mean …"),)))
        self._desk.work(self._propose(list(actions), heading), "action")

    def _ask_deploy(
        self, actions: Sequence[Action], heading: Sequence[str], ended: Callable[[Action, Outcome], None]
    ) -> None:
        self.ask(actions, heading, ended)

    async def _propose(self, actions: list[Action], heading: Sequence[str]) -> None:
        door = await self._desk.open_door()
        if door is None:
            return
        try:
            self._proposals = [await door.propose(action) for action in actions]
        except Refused as refusal:
            self._refuse(refusal)
            return
        if not self.dialog.open:
            return
        fields = [Field(REASON)] if door.mode is Mode.GUARDED else []
        if len(actions) > 1 or self._proposals[0].needs_typing:
            fields.append(Field(TYPED if len(actions) == 1 else f"type {len(actions)}"))
        self._fields = tuple(fields)
        self._heading = heading
        self.dialog.show(self._form())

    def tick(self) -> None:
        """Once a second: how old the data is, and whether the door would still let it through."""
        if self.dialog.open and self._proposals and not self._acting:
            self.dialog.update(self._form())

    def _form(self) -> Form:
        actions = [proposal.action for proposal in self._proposals]
        first = actions[0]
        lines: list[tuple[Part, ...]] = [_plain(text, Look.WARN) for text in self._heading]
        lines += self._targets(actions)
        lines += [_plain(text, Look.WARN) for text in _once(p.consequences for p in self._proposals)]
        lines += [_plain(text) for text in _once([a.caution] for a in actions) if text]
        calls = _once([a.call] for a in actions[:LISTED] if a.call not in a.effect)
        lines += [_plain(f"by {text}", Look.DIM) for text in calls]
        blocked = self._blocked(actions)
        lines += [(), self._standing(actions)]
        button = Button(first.title, self._go, DANGERS[first.danger], blocked)
        if blocked:
            lines.append(_plain(blocked, Look.BAD))
        return Form(_title(actions), tuple(lines), self._fields, (button,), grave=first.danger is Danger.GRAVE)

    def _targets(self, actions: list[Action]) -> list[tuple[Part, ...]]:
        if len(actions) == 1:
            target = actions[0].target
            rows = [_plain(f"{target.name}: {actions[0].effect}", Look.STRONG)]
            return [*rows, _plain(self._brief(target)), _plain(target.identity, Look.DIM)]
        rows = [_plain(f"{actions[0].effect}: {len(actions)} targets", Look.STRONG)]
        rows += [_plain(f"  {action.target.name}  {self._brief(action.target)}") for action in actions[:LISTED]]
        if len(actions) > LISTED:
            rows.append(_plain(f"  and {len(actions) - LISTED} more"))
        if self._hidden:
            rows.append(_plain(f"{self._hidden} of them are hidden by the filter", Look.BAD))
        return rows

    def _brief(self, target: Target) -> str:
        """What a person tells it by: its row in one line, as it is now."""
        from tui.kinds.known import KINDS

        watching, kind = self._desk.watching, KINDS.get(target.noun)
        if watching is None or kind is None or kind.brief is None:
            return target.identity
        key = FeedKey(target.source, target.noun)
        reading = watching.feeds(target.noun)[key].reading
        row = (reading.value or {}).get(target.key)
        sight = Sight.of(reading, watching.clock.monotonic(), watching.clock.now())
        return target.identity if row is None else kind.brief(row, sight)

    def _blocked(self, actions: list[Action]) -> str:
        door = self._desk.door
        for action in actions:
            try:
                if door is not None:
                    door.check(action)
            except Refused as refusal:
                return f"{refusal.reason}; {refusal.hint}" if refusal.hint else refusal.reason
        return ""

    def _standing(self, actions: list[Action]) -> tuple[Part, ...]:
        door = self._desk.door
        if door is None:
            return ()
        who = door.who
        oldest = max((door.age(action.target) or 0.0 for action in actions), default=0.0)
        mode = f"guarded: arms {age(ARMED_FOR)}" if door.mode is Mode.GUARDED else door.mode.value
        left = f"as {who.user} on {actions[0].target.host or who.host}, {who.origin}"
        return _plain(f"{left}    data {age(oldest)} old    {mode}", Look.DIM)

    # Through the door

    def _go(self) -> None:
        door, proposals = self._desk.door, self._proposals
        if door is None or self._acting:
            return
        given = {field.label: field.value.strip() for field in self._fields}
        if given.get(REASON) == "":
            self.dialog.go_to_field(REASON)
            self.dialog.say("why? The reason arms this context for 15 minutes, and stands in the audit")
            return
        wanted = str(len(proposals)) if len(proposals) > 1 else proposals[0].action.target.name
        typed = next((value for label, value in given.items() if label != REASON), None)
        if typed is not None and typed != wanted:
            self.dialog.go_to_field(next(label for label in given if label != REASON))
            self.dialog.say(f"type {wanted} to go on")
            return
        self._acting = True
        self._progress = []
        self._show_progress()
        self._desk.work(self._carry_out(door, proposals, given.get(REASON, ""), typed is not None), "act")

    async def _carry_out(self, door: Door, proposals: list[Proposal], reason: str, typed: bool) -> None:
        ended: list[tuple[Action, Outcome]] = []
        try:
            for proposal in proposals:
                action = proposal.action
                consent = Consent(reason, action.target.name if typed else "")
                try:
                    outcome = await door.carry_out(proposal, consent, self._hear)
                except Refused as refusal:
                    outcome = Outcome(End.REFUSED, refusal.reason)
                ended.append((action, outcome))
                # One by one: the next only when this one is well. A signal to one says nothing of the others.
                if outcome.end is not End.DONE and action.verb != "signal":
                    break
        finally:
            self._acting = False
        self._tell(ended, len(proposals))

    def _hear(self, text: str) -> None:
        self._progress.append(text)
        self._show_progress()

    def _show_progress(self) -> None:
        if self.dialog.open:
            actions = [proposal.action for proposal in self._proposals]
            lines = [*(_plain(text) for text in self._progress[-6:]), _plain("waiting for what becomes of it …")]
            lines.append(_plain("esc leaves it to itself; how it ends is told here and in Events", Look.DIM))
            self.dialog.show(Form(_title(actions), tuple(lines)))

    def _tell(self, ended: list[tuple[Action, Outcome]], asked: int) -> None:
        self._proposals = []
        watched = self.dialog.open
        self.dialog.close()
        self._desk.say(_told(ended, asked))
        action, outcome = ended[-1]
        if self._ended is not None and outcome.end is End.DONE:
            self._ended(action, outcome)
        if watched and action.escalation and outcome.end is End.FAILED and asked == 1:
            self._desk.work(self._escalate(action, outcome), "action")

    async def _escalate(self, action: Action, outcome: Outcome) -> None:
        """Offer what is stronger; the question is asked anew, with Cancel chosen."""
        watching = self._desk.watching
        if watching is None:
            return
        key = (action.target.source, action.target.noun)
        feed = next((feed for found, feed in watching.feeds(action.target.noun).items() if found == key), None)
        row = None if feed is None else (feed.reading.value or {}).get(action.target.key)
        if row is None:
            return
        try:
            found = await self._actions(row, action.verb)
        except (Refused, BackendError):
            return
        stronger = [other for other in found if other.title == action.escalation]
        if stronger and not self.dialog.open:
            self.ask(stronger, [f"{action.title}: {outcome.text}"])

    def _refuse(self, error: Refused | BackendError) -> None:
        self._proposals = []
        if not self.dialog.open:
            return
        lines = [_plain(str(error), Look.WARN)]
        if error.hint:
            lines.append(_plain(error.hint, Look.DIM))
        self.dialog.show(Form("not possible", tuple(lines)))

    # Arming

    def arm(self, rest: str = "") -> None:
        """`:arm 15m "why"`; the time may be left out."""
        self._desk.work(self._arm(rest))

    async def _arm(self, rest: str) -> None:
        door = await self._desk.open_door()
        if door is None:
            self._desk.say("still opening")
            return
        try:
            words = shlex.split(rest)
        except ValueError:
            words = rest.split()
        seconds = ARMED_FOR
        try:
            seconds = duration(words[0]) if words else seconds
            words = words[1:]
        except ValueError:
            pass  # No time, but the first word of the reason.
        try:
            door.arm(seconds, " ".join(words))
        except Refused as refusal:
            self._desk.say(f"{refusal.reason}; {refusal.hint}")
            return
        self._desk.say(f"armed for {age(door.armed_left)}: {door.reason}; :disarm ends it")

    def disarm(self) -> None:
        door = self._desk.door
        if door is not None:
            door.disarm()
            self._desk.say(
                f"{door.mode.value}" + (": this context is always armed" if door.mode is Mode.ARMED else "")
            )


def _plain(text: str, look: Look = Look.PLAIN) -> tuple[Part, ...]:
    return ((text, style(look)),)


def _of_all(action: Action, actions: list[list[Action]]) -> list[Action]:
    """The same action of each row that has it."""
    return [other for own in actions for other in own if other.title == action.title]


def _title(actions: Sequence[Action]) -> str:
    first = actions[0]
    if len(actions) == 1 and first.target.name in first.title:
        return first.title
    return f"{first.title} to {first.target.name if len(actions) == 1 else f'{len(actions)} targets'}"


def _once(groups: Any) -> list[str]:
    return list(dict.fromkeys(text for group in groups for text in group))


def _told(ended: list[tuple[Action, Outcome]], asked: int) -> str:
    action, outcome = ended[-1]
    if asked == 1:
        return f"{action.title} {action.target.name}: {ENDS[outcome.end]}{outcome.text}"
    done = sum(outcome.end is End.DONE for _, outcome in ended)
    text = f"{action.title}: {done} of {asked} done"
    bad = next(((a, o) for a, o in ended if o.end is not End.DONE), None)
    if bad is not None:
        text += f"; {bad[0].target.name}: {ENDS[bad[1].end]}{bad[1].text}"
    return text + (f"; {asked - len(ended)} were not tried" if len(ended) < asked else "")
