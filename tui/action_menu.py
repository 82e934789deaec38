"""The menu of what can be done: a button for each, and once why the others can't be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.api.actions import Action
from backends.api.nouns import Row, called
from backends.changes.door import Door
from tui.offering import named
from tui.question import DANGERS, alike, plain
from widgets.dialog import CANCEL, CLOSE, Button, Form
from widgets.look import Look

Asker = Callable[[list[Action]], Callable[[], None]]
"""Makes what a button does: ask the question of these actions."""


def menu_of(
    row: Row, offered: Sequence[list[Action]], door: Door, asker: Asker, instead: Sequence[Button] = ()
) -> Form:
    """Of what can be done to these rows, `row` being the first of them. What can't be for one and the same reason
    is a sentence and no button; `instead` stands there where that is so of all."""
    reasons = [blocked(door, actions) for actions in offered]
    shared = dict.fromkeys(reason for reason in reasons if reason and reasons.count(reason) > 1)
    lines = []
    for reason in shared:
        barred = [actions[0] for actions, why in zip(offered, reasons, strict=True) if why == reason]
        lines.append(plain(f"{_none_of(barred)}: {reason}", Look.WARN))
    buttons = tuple(
        _button(row, actions, reason, asker)
        for actions, reason in zip(offered, reasons, strict=True)
        if reason not in shared
    )
    if buttons:
        lines.append(plain("nothing is done before the next question"))
    buttons = buttons or tuple(instead)
    target, count = offered[0][0].target, len(offered[0])
    title = f"{count} targets" if count > 1 else target.shown if target.key == row.key else called(row)
    return Form(title, tuple(lines), (), buttons, True, leave=CANCEL if buttons else CLOSE)


def blocked(door: Door, actions: Sequence[Action]) -> str:
    """Why it can't be done to all of them; "" where it can."""
    why = [a.blocked or door.allows(a.target.source, a.verb, a.target.key) for a in actions]
    said = [text for text in why if text]
    return f"{len(said)} of {len(actions)}: {said[0]}" if said and len(actions) > 1 else "".join(said)


def _button(row: Row, actions: list[Action], reason: str, asker: Asker) -> Button:
    first, groups = actions[0], alike(actions)
    whose = "" if first.target.key == row.key or len(actions) > 1 else f"{named(first.target)}: "
    worst = groups[0]
    some = "" if len(groups) == 1 else f"{len(worst.actions)} of {len(actions)}: "
    means = f"{whose}{some}{worst.effect}"
    return Button(first.title, asker(actions), DANGERS[worst.danger], reason, means)


def _none_of(actions: Sequence[Action]) -> str:
    if all(action.verb == "signal" for action in actions):
        return "no signal can be sent"
    return f"no {' or '.join(action.title for action in actions)}"
