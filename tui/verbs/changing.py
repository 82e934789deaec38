"""Changing something from the command line: find what is meant, say what it would do, ask, pass the door."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from backends.api.actions import Action, End, Outcome, Refused
from backends.api.capabilities import Acting
from backends.api.errors import BackendError, NotFound, Unreachable
from backends.changes.audit import Audit
from backends.changes.door import Consent, Door, NotAudited, Proposal, ReasonWanted
from backends.changes.who import Who
from backends.clean import clean
from backends.config.context import Context
from backends.config.context_words import Mode
from backends.state import audit_folder
from backends.viewer import Viewer
from backends.watch import Watch
from tui.verbs.printing import complain, hinted, say, to_json
from tui.verbs.readings import troubles
from tui.verbs.words import WrongUse
from widgets.quantities import age

EXIT = {End.DONE: 0, End.FAILED: 1, End.UNKNOWN: 3, End.REFUSED: 4}
FindActions = Callable[[Watch, float], Awaitable[list[Action]]]
"""Finds the actions that the words mean, to be done one by one; the seconds are how long a source may take to
answer. Raises `WrongUse`, `NotFound`, `Refused`, or another `BackendError` where a source that it needs does not
answer."""
Answer = Callable[[Action, Outcome], str]


class Answers:
    """What is printed: of each action how it ended, as text or as JSON. What was refused is told where errors
    are. `answer` is what to say of how one ended."""

    def __init__(self, context: Context, options: argparse.Namespace, answer: Answer) -> None:
        self._context, self._format, self._answer = context, options.output, answer
        self._items: list[dict[str, Any]] = []
        self.several = False
        """Whether it must be said which of them one is about."""

    def refused(self, action: Action, refusal: Refused) -> int:
        """The exit code of it."""
        return self.ended(action, (), Outcome(End.REFUSED, _with_hint(refusal)))

    def ended(self, action: Action, consequences: tuple[str, ...], outcome: Outcome) -> int:
        """The exit code of it."""
        text = self._answer(action, outcome)
        prefix = {End.UNKNOWN: "unknown: ", End.REFUSED: "refused: "}.get(outcome.end, "")
        prefix += f"{action.target.shown}: " if self.several else ""
        if outcome.end is End.REFUSED:
            complain(f"{prefix}{text}")
        elif self._format not in ("json", "jsonl"):
            say(f"{prefix}{text}")
        item = {
            "verb": action.verb,
            "title": action.title,
            "target": action.target.name,
            "identity": action.target.identity,
            "source": action.target.source,
            "call": action.call,
            "consequences": consequences,
            "outcome": outcome.end.value,
            "text": text,
        }
        self._items.append(item)
        if self._format == "jsonl":
            say(to_json(item))
        return EXIT[outcome.end]

    def close(self) -> None:
        """As JSON they are one document, however many they were."""
        if self._format == "json" and self._items:
            verb = self._items[0]["verb"]
            say(to_json({"kind": verb, "context": self._context.name, "items": self._items}))


async def act(
    context: Context,
    options: argparse.Namespace,
    find: FindActions,
    answer: Answer = lambda _, outcome: outcome.text,
) -> int:
    """Do what the words mean: 0 done, 1 failed, 2 wrong words, 3 unknown or unreachable, 4 refused. Of several
    actions the next is done only when the last one is well.

    `answer` is what to print of how one ended.
    """
    who = await asyncio.to_thread(Who.here, os.environ)
    opened = Watch(context, timeout=options.timeout)
    door = Door(opened, Audit(audit_folder(os.environ)), who)
    answers = Answers(context, options, answer)
    try:
        return await _one_by_one(options, door, await find(opened, options.timeout), answers)
    except NotFound as error:
        (complain if options.output in ("json", "jsonl") else say)(error.reason)
        return 1
    except (WrongUse, BackendError) as error:
        return failed(error)
    except Refused as refusal:
        complain(f"refused: {_with_hint(refusal)}")
        return EXIT[End.REFUSED]
    finally:
        answers.close()
        await door.close()
        complain(*(f"midwatch: in no audit: {line}" for line in door.held))
        await opened.close()


def failed(error: WrongUse | BackendError) -> int:
    """Say why nothing came of a verb; the exit code of it."""
    if isinstance(error, WrongUse):
        complain(*f"midwatch: {error}".split("\n"))
        return 2
    complain(hinted(f"midwatch: {error}", error.hint))
    return 3


async def rows_of(opened: Watch, noun: str, timeout: float) -> list[Any]:
    """The rows of one noun from all sources that can change them; they are followed from now on, since the door
    wants them fresh. Raises `Unreachable` where one of these sources does not answer."""
    feeds = {key: feed for key, feed in opened.feeds(noun).items() if opened.able(key.source, Acting) is not None}
    await Viewer().first_words(feeds.values(), timeout)
    readings = {key: feed.reading for key, feed in feeds.items()}
    trouble = troubles(readings, opened)
    if trouble or not feeds:
        raise Unreachable("; ".join(trouble) or f"nothing in this context can change {noun}")
    return [row for reading in readings.values() for row in reading.rows.values()]


async def actions_on(opened: Watch, row: Any) -> tuple[Action, ...]:
    """What can be done to one row. Raises `BackendError`."""
    acting = opened.able(row.source, Acting)
    return () if acting is None else await acting.actions(row)


async def _one_by_one(options: argparse.Namespace, door: Door, actions: list[Action], answers: Answers) -> int:
    """All that are left could pass the door, or none of them is done, and the next only when the last is well."""
    answers.several = len(actions) > 1
    for number, action in enumerate(actions):
        rest = actions[number + 1 :]
        try:
            # What it would mean may be another thing once the ones before it are done.
            (proposal,) = await door.propose([action], rest)
            outcome = await _carry_out(options, door, proposal)
        except Refused as refusal:
            return _stop(answers.refused(refusal.action or action, refusal), len(rest))
        status = answers.ended(action, proposal.consequences, outcome)
        if status:
            return _stop(status, len(rest))
    return 0


def _with_hint(refusal: Refused) -> str:
    return hinted(refusal.reason, "--reason TEXT" if isinstance(refusal, ReasonWanted) else refusal.hint)


def _stop(status: int, left: int) -> int:
    if left:
        complain(f"midwatch: {left} more {'was' if left == 1 else 'were'} not tried")
    return status


async def _carry_out(options: argparse.Namespace, door: Door, proposal: Proposal) -> Outcome:
    """Raises `Refused`, which is audited, where nobody says yes, and where the door says no."""
    try:
        consent = await _consent(options, door, proposal)
    except Refused as refusal:
        await door.refuse(proposal.action, refusal, options.reason or "")
        raise
    try:
        return await door.carry_out(proposal, consent, _tell)
    except NotAudited as refusal:
        if not _on_terminal():
            raise
        complain(f"midwatch: {refusal.reason}")
        name = proposal.action.target.name
        typed = await _ask(f"type its name, {name}, to do it all the same: ")
        return await door.carry_out(proposal, replace(consent, typed=typed, unaudited=True), _tell)


async def _consent(options: argparse.Namespace, door: Door, proposal: Proposal) -> Consent:
    """What the person says to it. Raises `Refused` where nobody says yes."""
    consent = Consent(reason=options.reason or "", once=True)
    if door.arming.mode is Mode.GUARDED and not consent.reason.strip():
        return consent  # The door says no to that, and writes it down; nobody need be asked before.
    terminal = _on_terminal()
    if not options.yes and not terminal:
        raise Refused("nobody confirmed it", "--yes, or a terminal to ask on")
    if not terminal or (options.yes and not proposal.to_type):
        return consent
    complain(*_described(door, proposal))
    if proposal.to_type:
        typed = await _ask(f"type its name, {proposal.to_type}, to do it: ")
        return Consent(consent.reason, typed, once=True)
    if (await _ask(f"{proposal.action.title}: do it? [y/N] ")).lower() not in ("y", "yes"):
        raise Refused("cancelled")
    return consent


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _described(door: Door, proposal: Proposal) -> list[str]:
    """What the dialog says too: what, to which identity, what it means, by which call, as whom, how old."""
    action, target = proposal.action, proposal.action.target
    seconds = door.age(target)
    old = "not known" if seconds is None else age(seconds)
    facts = [action.effect, action.caution, *proposal.consequences, f"by: {action.call}"]
    return [
        f"{action.sentence}  {target.identity}",
        *(f"  {text}" for text in facts if text),
        f"  as {door.who.user}, {door.who.origin}, on {door.who.host}; data {old} old; {door.arming.mode.value}",
    ]


async def _ask(question: str) -> str:
    """One line from the terminal, without holding the loop: what is known of the target stays fresh meanwhile."""
    sys.stderr.write(clean(question))
    sys.stderr.flush()
    loop = asyncio.get_running_loop()
    handle = sys.stdin.fileno()
    ready = asyncio.Event()
    loop.add_reader(handle, ready.set)
    try:
        await ready.wait()
        return os.read(handle, 4096).decode("utf-8", "replace").strip()
    finally:
        loop.remove_reader(handle)


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        complain(text)
