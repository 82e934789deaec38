"""The question before a change: what it says, what is to be filled in, and what the answer amounts to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

from backends.api.actions import Action, Danger, Outcome, Refused, Target, sentence
from backends.api.readings import FeedKey, Reading
from backends.changes.arming import ARMED_FOR
from backends.changes.consequence import DOWN_AT_ONCE
from backends.changes.door import Consent, Door, Proposal
from backends.config.context_words import Mode
from backends.watch import Watch
from widgets.dialog import CLOSE, Button, Field, Form
from widgets.freshness import Sight
from widgets.look import Look
from widgets.one_line import Part
from widgets.quantities import age
from widgets.safe import begun, style

REASON = "reason"
NAMED = 400
"""Characters of a name that are said before what is done to it."""
DANGERS = {Danger.MILD: Look.PLAIN, Danger.NORMAL: Look.WARN, Danger.GRAVE: Look.BAD}
OnEnd = Callable[[Action, Outcome], None]
Rows = tuple[tuple[Part, ...], ...]


class Question:
    """One, to one door. What is done is what it was asked about, whatever has moved on the screen since.

    `hidden` are the keys of targets that a filter hides; `heading` is said first, `ended` hears of what is done.
    """

    def __init__(
        self,
        watching: Watch,
        door: Door,
        proposals: Sequence[Proposal],
        *,
        hidden: Collection[str],
        heading: Sequence[str],
        ended: OnEnd | None,
    ) -> None:
        self.door, self.proposals, self.ended = door, list(proposals), ended
        self.shown: Form | None = None
        """The form that stands in the dialog for it."""
        self._watching, self._hidden, self._heading = watching, hidden, list(heading)
        self._count = len(self.proposals)
        self._fields: list[Field] = []
        self._unaudited = False
        if door.arming.mode is Mode.GUARDED:
            self.want_reason()
        if self.proposals[0].to_type:
            self._fields.append(Field(self._typing))

    @property
    def actions(self) -> list[Action]:
        return [proposal.action for proposal in self.proposals]

    @property
    def context(self) -> str:
        """In which it is asked."""
        return self._watching.context.name

    @property
    def title(self) -> str:
        return titled(self.actions)

    # What is to be filled in

    def want_reason(self) -> None:
        if self._field(REASON) is None:
            self._fields.insert(0, Field(REASON))

    @property
    def may_go_unaudited(self) -> bool:
        """Whether it can be done without an audit at all: one thing, whose name is typed."""
        return self._count == 1

    def want_unaudited(self, why: str) -> None:
        """No audit takes it: its name must be typed, anew where it was typed already."""
        if why not in self._heading:
            self._heading.append(why)
        self._unaudited = True
        self._fields = [field for field in self._fields if field.label != self._typing]
        self._fields.append(Field(self._typing))

    def lacking(self) -> tuple[str, str] | None:
        """The field that is not right yet, and what to say about it."""
        if self.door.arming.mode is Mode.GUARDED:
            self.want_reason()
        reason, typed = self._field(REASON), self._field(self._typing)
        if reason is not None and not reason.value.strip():
            return (
                REASON,
                f"why? The reason arms this context for {ARMED_FOR / 60:g} minutes, and stands in the audit",
            )
        if typed is not None and typed.value.strip() != self._wanted:
            return typed.label, f"type {self._wanted} to go on"
        return None

    def consent(self, *, first: bool) -> Consent:
        """A reason arms, once: who disarms while several are done one by one stops the rest of them."""
        reason, typed = self._field(REASON), self._field(self._typing)
        return Consent(
            reason=reason.value.strip() if first and reason is not None else "",
            typed=typed.value.strip() if typed is not None else "",
            unaudited=self._unaudited,
        )

    def _field(self, label: str) -> Field | None:
        return next((field for field in self._fields if field.label == label), None)

    @property
    def _typing(self) -> str:
        return "type its name" if self._count == 1 else f"type {self._count}"

    @property
    def _wanted(self) -> str:
        return self.proposals[0].to_type or self.proposals[0].action.target.name

    # What it says

    def form(self, go: Callable[[], None]) -> Form:
        """As it is now: how old the data is, and whether the door would still let it through. Where it never will
        again, that is all it says."""
        actions, proposals = self.actions, self.proposals
        over = self._over()
        if over:
            known, about = self._details(actions[0].target)
            return Form(self.title, (plain(over, Look.WARN), *known), leave=CLOSE, about=about)
        first, groups = actions[0], alike(actions)
        lines = [*(plain(text, Look.WARN) for text in self._heading), *self._effects(groups)]
        hidden = sum(action.target.key in self._hidden for action in actions)
        if hidden:
            lines.append(plain(f"{hidden} of them are hidden by the filter", Look.BAD))
        lines += [plain(text, Look.WARN) for text in _once(p.consequences for p in proposals)]
        if len(groups) == 1 and first.caution:
            lines.append(plain(first.caution))
        known, about = self._details(first.target) if self._count == 1 else ((), self._names(groups))
        lines += known
        calls = _once([a.call] for a in actions if a.call not in a.effect)
        if calls:
            more = f", and {len(calls) - 1} more like it" if len(calls) > 1 else ""
            lines.append(plain(f"by {calls[0]}{more}", Look.DIM))
        blocked = self._blocked(actions)
        foot = [self._standing(actions), *([plain(blocked, Look.BAD)] if blocked else [])]
        worst = groups[0].danger
        button = Button(first.title, go, DANGERS[worst], blocked)
        fields, grave = tuple(self._fields), worst is Danger.GRAVE
        return Form(self.title, tuple(lines), fields, (button,), grave=grave, foot=tuple(foot), about=about)

    def _effects(self, groups: Sequence[Alike]) -> list[tuple[Part, ...]]:
        """What it does: to all of them the same, or to each kind of them what it does to that."""
        if len(groups) == 1:
            # However long a name is, what would be done to it must stand in sight.
            what = begun(self.actions[0].target.name, NAMED) if self._count == 1 else self._targets
            return [plain(f"{what}: {groups[0].effect}", Look.STRONG)]
        rows = [plain(f"{self._targets}, and it does not do the same to all of them", Look.STRONG)]
        for group in groups:
            rows.append(plain(f"{len(group.actions)} of them: {group.effect}", DANGERS[group.danger]))
            if group.caution:
                rows.append(plain(group.caution))
        return rows

    @property
    def _targets(self) -> str:
        """How many, and whether each waits for the one before to be up again."""
        one_by_one = all(action.verb not in DOWN_AT_ONCE for action in self.actions)
        return f"{self._count} targets{', one by one' if one_by_one else ''}"

    def _over(self) -> str:
        """Why there is nothing to ask any more: what one action was about has ended, or is another thing now."""
        if self._count > 1:
            return ""
        refusal = self.door.refusal(self.actions[0])
        return "" if refusal is None or refusal.for_now else _with_hint(refusal)

    def _row(self, target: Target) -> tuple[Reading[Any], Any]:
        """What is known of a target now; no row where it is gone."""
        reading = self._watching.feeds(target.noun)[FeedKey(target.source, target.noun)].reading
        return reading, reading.rows.get(target.key)

    def _details(self, target: Target) -> tuple[Rows, Rows]:
        """What a person tells it by, and what else is known of it."""
        told = self._brief(target)
        more = [plain(text) for text in told[1:]]
        return tuple(plain(text) for text in told[:1]), (*more, plain(target.identity, Look.DIM))

    def _names(self, groups: Sequence[Alike]) -> Rows:
        rows = []
        for group in groups:
            if len(groups) > 1:
                rows.append(plain(f"{group.effect}:", Look.DIM))
            rows += [self._name(action.target) for action in group.actions]
        return tuple(rows)

    def _name(self, target: Target) -> tuple[Part, ...]:
        name = f"  {target.shown}  {target.host}".rstrip()
        if target.key not in self._hidden:
            return plain(name)
        return (*plain(f"{name}  "), *plain("hidden by the filter", Look.BAD))

    def _brief(self, target: Target) -> tuple[str, ...]:
        """Its row, as it is now; nothing where nothing is known of it."""
        from tui.kinds.known import KINDS

        kind = KINDS.get(target.noun)
        if kind is None or kind.brief is None:
            return ()
        reading, row = self._row(target)
        sight = Sight.of(reading, self._watching.clock.monotonic(), self._watching.clock.now())
        return () if row is None else kind.brief(row, sight)

    def _blocked(self, actions: list[Action]) -> str:
        for action in actions:
            refusal = self.door.refusal(action)
            if refusal is not None:
                named = len(actions) == 1 or action.target.name in refusal.reason
                return _with_hint(refusal) if named else f"{action.target.shown}: {_with_hint(refusal)}"
        return ""

    def _standing(self, actions: list[Action]) -> tuple[Part, ...]:
        door = self.door
        ages = [door.age(action.target) for action in actions]
        old = "of unknown age" if None in ages else f"{age(max(a for a in ages if a is not None))} old"
        hosts = _once([action.target.host or door.who.host] for action in actions)
        where = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        mode = f"guarded: arms {age(ARMED_FOR)}" if door.arming.mode is Mode.GUARDED else door.arming.mode.value
        left = f"as {door.who.user} on {where}, {door.who.origin}"
        return plain(f"{left}    data {old}    {mode}", Look.DIM)


class Alike(NamedTuple):
    """Actions that do the same to their targets, each to its own."""

    actions: list[Action]
    danger: Danger
    effect: str
    caution: str


def alike(actions: Iterable[Action]) -> list[Alike]:
    """Actions by what they do, the worst first: of several targets one may live and the other die of the same."""
    found: dict[tuple[Danger, str, str], list[Action]] = {}
    for action in actions:
        found.setdefault((action.danger, _effect(action), action.caution), []).append(action)
    groups = []
    for (danger, effect, caution), same in found.items():
        own = {action.effect for action in same}
        groups.append(Alike(same, danger, own.pop() if len(own) == 1 else effect, caution))
    return sorted(groups, key=lambda group: -group.danger)


def _effect(action: Action) -> str:
    """Its effect on whatever is called by another name."""
    name, effect = action.target.name, action.effect
    if not name or name not in effect:
        return effect
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "it", effect, count=1)


def plain(text: str, look: Look = Look.PLAIN) -> tuple[Part, ...]:
    return ((text, style(look)),)


def titled(actions: Sequence[Action]) -> str:
    first = actions[0]
    return first.sentence if len(actions) == 1 else sentence(first.verb, first.title, f"{len(actions)} targets")


def _with_hint(refusal: Refused) -> str:
    return f"{refusal.reason}; {refusal.hint}" if refusal.hint else refusal.reason


def _once(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(text for group in groups for text in group))
