"""The question before a change: what it says, what is to be filled in, and what the answer amounts to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from backends.api.actions import Action, Danger, Outcome, Refused, Target
from backends.door import ARMED_FOR, Consent, Door, Mode, Proposal
from backends.watch import FeedKey, Watch
from widgets.columns import Look, Sight
from widgets.dialog import Button, Field, Form
from widgets.oneline import Part
from widgets.safe import style
from widgets.units import age

REASON = "reason"
LISTED = 8
"""Targets that are named one by one; of more the number is told."""
DANGERS = {Danger.MILD: Look.PLAIN, Danger.NORMAL: Look.WARN, Danger.GRAVE: Look.BAD}
Ended = Callable[[Action, Outcome], None]


class Question:
    """One, to one door. What is done is what it was asked about, whatever has moved on the screen since.

    `hidden` is how many of the targets a filter hides; `heading` is said first, `ended` hears of what is done.
    """

    def __init__(
        self,
        watching: Watch,
        door: Door,
        proposals: Sequence[Proposal],
        *,
        hidden: int = 0,
        heading: Sequence[str] = (),
        ended: Ended | None = None,
    ) -> None:
        self.door, self.proposals, self.ended = door, list(proposals), ended
        self.shown: Form | None = None
        """The form that stands in the dialog for it."""
        self._watching, self._hidden, self._heading = watching, hidden, list(heading)
        self._count = len(self.proposals)
        self._fields: list[Field] = []
        if door.mode is Mode.GUARDED:
            self.want_reason()
        if self._count > 1 or self.proposals[0].needs_typing:
            self.want_name()

    @property
    def actions(self) -> list[Action]:
        return [proposal.action for proposal in self.proposals]

    @property
    def title(self) -> str:
        return titled(self.actions)

    # What is to be filled in

    def want_reason(self) -> None:
        if self._field(REASON) is None:
            self._fields.insert(0, Field(REASON))

    def want_name(self, why: str = "") -> None:
        """The target's name must be typed, or how many they are."""
        if why and why not in self._heading:
            self._heading.append(why)
        if self._field(self._typing) is None:
            self._fields.append(Field(self._typing))

    def lacking(self) -> tuple[str, str] | None:
        """The field that is not right yet, and what to say about it."""
        if self.door.mode is Mode.GUARDED:
            self.want_reason()
        reason, typed = self._field(REASON), self._field(self._typing)
        if reason is not None and not reason.value.strip():
            return REASON, "why? The reason arms this context for 15 minutes, and stands in the audit"
        if typed is not None and typed.value.strip() != self._wanted:
            return typed.label, f"type {self._wanted} to go on"
        return None

    def consent(self, proposal: Proposal, *, first: bool) -> Consent:
        """A reason arms, once: who disarms while several are done one by one stops the rest of them."""
        reason, typed = self._field(REASON), self._field(self._typing)
        name = proposal.action.target.name if typed is not None else ""
        return Consent(reason.value.strip() if first and reason is not None else "", name)

    def _field(self, label: str) -> Field | None:
        return next((field for field in self._fields if field.label == label), None)

    @property
    def _typing(self) -> str:
        return "type its name" if self._count == 1 else f"type {self._count}"

    @property
    def _wanted(self) -> str:
        return str(self._count) if self._count > 1 else self.proposals[0].action.target.name

    # What it says

    def form(self, go: Callable[[], None]) -> Form:
        """As it is now: how old the data is, and whether the door would still let it through."""
        actions, proposals = self.actions, self.proposals
        first = actions[0]
        what = first.target.name if self._count == 1 else f"{self._count} targets"
        lines = [
            *(plain(text, Look.WARN) for text in self._heading),
            plain(f"{what}: {first.effect}", Look.STRONG),
        ]
        if self._hidden:
            lines.append(plain(f"{self._hidden} of them are hidden by the filter", Look.BAD))
        if self._count == 1:
            lines += self._details(first.target)
        lines += [plain(text, Look.WARN) for text in _once(p.consequences for p in proposals)]
        lines += [plain(text) for text in _once([a.caution] for a in actions) if text]
        calls = _once([a.call] for a in actions if a.call not in a.effect)
        if calls:
            more = f", and {len(calls) - 1} more like it" if len(calls) > 1 else ""
            lines.append(plain(f"by {calls[0]}{more}", Look.DIM))
        if self._count > 1:
            lines += self._names([action.target for action in actions])
        blocked = self._blocked(actions)
        foot = [self._standing(actions), *([plain(blocked, Look.BAD)] if blocked else [])]
        button = Button(first.title, go, DANGERS[first.danger], blocked)
        grave = first.danger is Danger.GRAVE
        return Form(self.title, tuple(lines), tuple(self._fields), (button,), grave=grave, foot=tuple(foot))

    def _details(self, target: Target) -> list[tuple[Part, ...]]:
        told = self._brief(target)
        brief = [plain(told)] if told != target.identity else []
        return [*brief, plain(target.identity, Look.DIM)]

    def _names(self, targets: list[Target]) -> list[tuple[Part, ...]]:
        rows = [plain(f"  {target.shown}  {target.host}".rstrip()) for target in targets[:LISTED]]
        return [*rows, plain(f"  and {len(targets) - LISTED} more")] if len(targets) > LISTED else rows

    def _brief(self, target: Target) -> str:
        """What a person tells it by: its row in one line, as it is now."""
        from tui.kinds.known import KINDS

        kind = KINDS.get(target.noun)
        if kind is None or kind.brief is None:
            return target.identity
        reading = self._watching.feeds(target.noun)[FeedKey(target.source, target.noun)].reading
        row = (reading.value or {}).get(target.key)
        sight = Sight.of(reading, self._watching.clock.monotonic(), self._watching.clock.now())
        return target.identity if row is None else kind.brief(row, sight)

    def _blocked(self, actions: list[Action]) -> str:
        for action in actions:
            try:
                self.door.check(action)
            except Refused as refusal:
                return f"{refusal.reason}; {refusal.hint}" if refusal.hint else refusal.reason
        return ""

    def _standing(self, actions: list[Action]) -> tuple[Part, ...]:
        door = self.door
        oldest = max((door.age(action.target) or 0.0 for action in actions), default=0.0)
        mode = f"guarded: arms {age(ARMED_FOR)}" if door.mode is Mode.GUARDED else door.mode.value
        left = f"as {door.who.user} on {actions[0].target.host or door.who.host}, {door.who.origin}"
        return plain(f"{left}    data {age(oldest)} old    {mode}", Look.DIM)


def plain(text: str, look: Look = Look.PLAIN) -> tuple[Part, ...]:
    return ((text, style(look)),)


def titled(actions: Sequence[Action]) -> str:
    first = actions[0]
    if len(actions) == 1 and first.target.name in first.title:
        return first.title
    whom = first.target.shown if len(actions) == 1 else f"{len(actions)} targets"
    return f"{first.title} to {whom}" if first.verb == "signal" else f"{first.title} {whom}"


def _once(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(text for group in groups for text in group))
