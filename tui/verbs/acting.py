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
from backends.api.capabilities import Acting, ability
from backends.api.errors import BackendError, NotFound, Unreachable
from backends.audit import Audit
from backends.clean import clean
from backends.context import Context
from backends.door import Consent, Door, Mode, Proposal
from backends.watch import FeedKey, Watch
from backends.who import Who
from tui.log import state_folder
from tui.verbs.listing import first_word, troubles
from tui.verbs.output import complain, say, to_json
from tui.verbs.words import WrongUse
from widgets.units import age

EXIT = {End.DONE: 0, End.FAILED: 1, End.UNKNOWN: 3, End.REFUSED: 4}
FindActions = Callable[[Watch, float], Awaitable[list[Action]]]
"""Finds the actions that the words mean, to be done one by one; the seconds are how long a source may take to
answer. Raises `WrongUse`, `NotFound`, `Refused`, or another `BackendError` where a source that it needs does not
answer."""
Answer = Callable[[Action, Outcome], str]


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
    door = Door(opened, Audit(state_folder(os.environ) / "audit"), who)
    try:
        actions = await find(opened, options.timeout)
        for number, action in enumerate(actions, start=1):
            status = await _through(context, options, door, action, answer)
            if status:
                if number < len(actions):
                    complain(f"midwatch: {len(actions) - number} more were not tried")
                return status
        return 0
    except WrongUse as error:
        for line in f"midwatch: {error}".split("\n"):
            complain(line)
        return 2
    except NotFound as error:
        (complain if options.output in ("json", "jsonl") else say)(clean(error.reason))
        return 1
    except BackendError as error:
        complain(f"midwatch: {error}" + (f" ({error.hint})" if error.hint else ""))
        return 3
    finally:
        await door.close()
        await opened.close()


async def rows_of(opened: Watch, noun: str, timeout: float) -> list[Any]:
    """The rows of one noun from all sources that can change them; they are followed from now on, since the door
    wants them fresh. Raises `Unreachable` where one of these sources does not answer."""
    feeds = {key: feed for key, feed in opened.feeds(noun).items() if _acts(opened, key)}
    await first_word(feeds, asyncio.Event(), timeout)
    readings = {key: feed.reading for key, feed in feeds.items()}
    trouble = troubles(readings, opened)
    if trouble or not feeds:
        raise Unreachable("; ".join(trouble) or f"nothing in this context can change {noun}")
    return [row for reading in readings.values() for row in (reading.value or {}).values()]


async def actions_on(opened: Watch, row: Any) -> tuple[Action, ...]:
    """What can be done to one row. Raises `BackendError`."""
    backend = opened.backend(row.source)
    acting = None if backend is None else ability(backend, Acting)
    return () if acting is None else await acting.actions(row)


def _acts(opened: Watch, key: FeedKey) -> bool:
    backend = opened.backend(key.source)
    return backend is not None and ability(backend, Acting) is not None


async def _through(
    context: Context, options: argparse.Namespace, door: Door, action: Action, answer: Answer
) -> int:
    proposal: Proposal | None = None
    try:
        proposal = await door.propose(action)
        consent = await _consent(options, door, proposal)
        outcome = await door.carry_out(proposal, consent, _tell)
    except Refused as refusal:
        text = refusal.reason + (f" ({refusal.hint})" if refusal.hint else "")
        outcome = Outcome(End.REFUSED, text)
    outcome = replace(outcome, text=answer(action, outcome))
    _print(context, options, action, () if proposal is None else proposal.consequences, outcome)
    return EXIT[outcome.end]


async def _consent(options: argparse.Namespace, door: Door, proposal: Proposal) -> Consent:
    """What the person says to it. Raises `Refused` where nobody says yes."""
    consent = Consent(reason=options.reason or "", once=True)
    if door.mode is Mode.GUARDED and not consent.reason.strip():
        return consent  # The door says no to that, and writes it down; nobody need be asked before.
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not options.yes and not terminal:
        raise Refused("nobody confirmed it", "--yes, or a terminal to ask on")
    if not terminal or (options.yes and not proposal.needs_typing):
        return consent
    for line in _described(door, proposal):
        complain(line)
    if proposal.needs_typing:
        typed = await _ask(f"type its name, {proposal.action.target.name}, to do it: ")
        return Consent(consent.reason, typed, once=True)
    if (await _ask(f"{proposal.action.title}: do it? [y/N] ")).lower() not in ("y", "yes"):
        raise Refused("cancelled")
    return consent


def _described(door: Door, proposal: Proposal) -> list[str]:
    """What the dialog says too: what, to which identity, what it means, by which call, as whom, how old."""
    action, target = proposal.action, proposal.action.target
    seconds = door.age(target)
    old = "not known" if seconds is None else age(seconds)
    facts = [action.effect, action.caution, *proposal.consequences, f"by: {action.call}"]
    return [
        f"{action.title} to {target.name}  {target.identity}",
        *(f"  {text}" for text in facts if text),
        f"  as {door.who.user}, {door.who.origin}, on {door.who.host}; data {old} old; {door.mode.value}",
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


def _print(
    context: Context, options: argparse.Namespace, action: Action, consequences: tuple[str, ...], outcome: Outcome
) -> None:
    """The outcome is the verb's answer; what was refused is told where errors are."""
    prefix = {End.UNKNOWN: "unknown: ", End.REFUSED: "refused: "}.get(outcome.end, "")
    if outcome.end is End.REFUSED:
        complain(f"{prefix}{outcome.text}")
    if options.output in ("json", "jsonl"):
        item = {
            "verb": action.verb,
            "title": action.title,
            "target": action.target.name,
            "identity": action.target.identity,
            "source": action.target.source,
            "call": action.call,
            "consequences": consequences,
            "outcome": outcome.end.value,
            "text": outcome.text,
        }
        document = {"kind": action.verb, "context": context.name, "items": [item]}
        say(to_json(document if options.output == "json" else item))
    elif outcome.end is not End.REFUSED:
        say(clean(f"{prefix}{outcome.text}"))
