"""The door: the only way to change anything.

Mode, identity, freshness, consequence, confirmation, audit first, act with a deadline, read the outcome back,
audit and timeline: in this order, for every action, from the screen and from the command line alike. Permits are
made here and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import Any

from msgspec import Struct

from backends.api.actions import Action, End, Outcome, Permit, Refused, Target, Tell
from backends.api.capabilities import Acting
from backends.api.errors import BackendError, Conflict, Denied, Misconfigured, NotFound, Unsupported
from backends.api.readings import Reading, Readings, State
from backends.changes.arming import Arming
from backends.changes.audit import Audit, AuditFailed
from backends.changes.audit_for_door import AuditForDoor
from backends.changes.consequence import DOWN_AT_ONCE, NOUNS, consequences
from backends.changes.who import Who
from backends.config.context_words import NOTHING_LIFTS_IT, READ_ONLY, Mode
from backends.viewer import CONSULTED_WITHIN, Viewer
from backends.watch import Watch

log = logging.getLogger("midwatch.door")

NOTHING_DONE = (Denied, NotFound, Conflict, Misconfigured, Unsupported)
"""Errors of a backend that say that nothing was changed; after any other one the outcome is unknown."""


AGAIN = "possible again as soon as {}"


class Consent(Struct, frozen=True):
    """What came with the confirmation: a reason (arms a guarded context), and what was typed, as it was typed.
    `once` arms for this action alone."""

    reason: str = ""
    typed: str = ""
    once: bool = False
    unaudited: bool = False
    """The person was told that no audit takes the line of this action, and typed its target's name after that."""


class Proposal(Struct, frozen=True):
    """An action as it was shown: the consequences are sentences, `to_type` is what must be typed to confirm it:
    the target's name, how many they are, or "" for nothing."""

    action: Action
    consequences: tuple[str, ...]
    to_type: str = ""


class ReasonWanted(Refused):
    """A guarded context, and nobody said why. How a reason is given is said by who asks for it."""


class NotAudited(Refused):
    """No audit takes the line of this action: it may pass all the same once the person, told so, has typed the
    target's name."""


class Door:
    """One context's. `audit` is where every attempt is written first; `who` is the person at this terminal."""

    def __init__(self, watch: Watch, audit: Audit, who: Who) -> None:
        self._watch, self.who = watch, who
        self._clock = watch.clock
        self._context = watch.context
        self.arming = Arming(watch.context, watch.clock, self._note)
        self._denied: set[tuple[str, str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.found: Callable[[Action, Outcome], None] = lambda action, outcome: None
        """Hears what became of an action whose outcome was unknown."""
        self._book = AuditForDoor(audit, who, watch, lambda: self.arming.mode.value)

    def disarm(self) -> None:
        self.arming.disarm(f"disarmed by {self.who.user}")

    def _note(self, verb: str, text: str, reason: str) -> None:
        self._book.tell(verb, text, reason)
        self._spawn(self._book.noted(verb, text, reason))

    def allows(self, source: str, verb: str, key: str = "") -> str:
        """Why an action is not offered; "" where it is. The one place that is asked.

        `key` is the target's: a server that denied this verb for one thing (a process of root) may allow it for
        the next.
        """
        if self.arming.mode is Mode.READ_ONLY:
            return READ_ONLY
        if (source, verb, key) in self._denied:
            return f"{source} has denied {verb} of this before"
        return ""

    @property
    def held(self) -> tuple[str, ...]:
        """The lines that the audit has not taken yet, as JSON."""
        return self._book.held

    # Before

    async def propose(self, actions: Sequence[Action], along: Sequence[Action] = ()) -> list[Proposal]:
        """Check mode, identity and freshness of each, and read the consequences. `actions` are confirmed by one
        answer: of several, their number must be typed. Those `along` will be carried out after them, each by a
        confirmation of its own. Raises `Refused` for the first that may not pass, which is audited."""
        for action in (*actions, *along):
            refusal = self.refusal(action)
            if refusal is not None:
                await self.refuse(action, refusal)
                raise refusal
        named = actions[0].target.name if self._context.confirm == "type" else ""
        to_type = named if len(actions) == 1 else str(len(actions))
        return await self._proposed(actions, along, to_type)

    async def _proposed(self, actions: Sequence[Action], along: Sequence[Action], to_type: str) -> list[Proposal]:
        """Each with what it means: those that are down at once, with all that are so beside them."""
        readings, sizes = await self._consult(NOUNS), self._watch.expected_sizes()
        joint = [action for action in (*actions, *along) if action.verb in DOWN_AT_ONCE]
        shared = consequences(joint, readings, sizes) if joint else ()

        def means(action: Action) -> tuple[str, ...]:
            return shared if action.verb in DOWN_AT_ONCE else consequences([action], readings, sizes)

        return [Proposal(action, means(action), to_type) for action in actions]

    async def refuse(self, action: Action, refusal: Refused, reason: str = "") -> None:
        """Write down that an action is refused: by the door, or before it, by whoever did not confirm it."""
        await self._book.refused(action, refusal, reason or self.arming.reason)

    def refusal(self, action: Action) -> Refused | None:
        """Why the action could not pass now; None where it could."""
        target = action.target
        why = self.allows(target.source, action.verb, target.key)
        if why:
            hint = NOTHING_LIFTS_IT if self.arming.mode is Mode.READ_ONLY else ""
            return Refused(why, hint, action=action)
        if action.blocked:
            return Refused(action.blocked, action=action)
        reading = self._reading(target)
        if reading is None:
            return Refused(f"{target.source} is not in this context", action=action)
        if reading.state is not State.LIVE:
            text, hint = (
                f"what is known of {target.name} is {reading.state.value}",
                AGAIN.format("its source answers"),
            )
            return Refused(text, hint, action=action, for_now=True)
        row = reading.rows.get(target.key)
        if row is None:
            return Refused(f"{target.name} is not there any more", action=action)
        if getattr(row, "trouble", None) is not None:
            text, hint = (
                f"what is known of {target.name} is old: {row.trouble.error.reason}",
                AGAIN.format("it answers"),
            )
            return Refused(text, hint, action=action, for_now=True)
        try:
            now = self._acting(target).target(row)
        except Refused as refusal:
            return Refused(refusal.reason, refusal.hint, action=action)
        if now.identity != target.identity:
            text = f"{target.name} is not the one that it was: {now.identity}, not {target.identity}"
            return Refused(text, action=action)
        return None

    def _check(self, action: Action) -> None:
        refusal = self.refusal(action)
        if refusal is not None:
            raise refusal

    def age(self, target: Target) -> float | None:
        """Seconds since the server confirmed what is known of a target; None where it never did."""
        reading = self._reading(target)
        return None if reading is None or reading.at is None else self._clock.monotonic() - reading.at

    # Through

    async def carry_out(self, proposal: Proposal, consent: Consent, tell: Tell | None = None) -> Outcome:
        """Do what was proposed, now confirmed. Raises `Refused` (audited) where it is no longer as shown, and
        `NotAudited` where no line could be written and the name was not typed."""
        action = proposal.action
        reason = consent.reason.strip() or self.arming.reason
        try:
            self._admit(proposal, consent)
            held = await self._write_down(action, reason, consent)
            # Writing may have taken its time: what was true before it need not be any more.
            self._admit_still(action, consent)
        except Refused as refusal:
            await self.refuse(action, refusal, reason)
            raise
        try:
            outcome = await self._act(action, reason, tell or (lambda text: None))
        except asyncio.CancelledError:
            left = Outcome(End.UNKNOWN, "midwatch was left before its outcome was known")
            await asyncio.shield(self._book.ended(action, left, reason))
            raise
        if held:
            outcome = Outcome(outcome.end, f"{outcome.text}; its lines of the audit are held: {held}")
        await self._book.ended(action, outcome, reason)
        return outcome

    async def _write_down(self, action: Action, reason: str, consent: Consent) -> str:
        """The line before the act; why it is only held, if it is. Raises `NotAudited` where the person did not
        type the target's name on being told so."""
        try:
            await self._book.asked(action, reason)
        except AuditFailed as failure:
            if consent.unaudited and consent.typed.strip() == action.target.name:
                return str(failure)
            raise NotAudited(
                f"the audit can't be written: {failure}",
                f"type its name, {action.target.name}, to act all the same; the line is written later",
            ) from None
        return ""

    def _admit(self, proposal: Proposal, consent: Consent) -> None:
        wanted = proposal.to_type
        if wanted and consent.typed.strip() != wanted:
            what = f"its name, {wanted}" if wanted == proposal.action.target.name else wanted
            raise Refused(f"what was typed is not {wanted}" if consent.typed else f"type {what}")
        guarded = self.arming.mode is Mode.GUARDED
        if guarded and not consent.reason.strip():
            raise ReasonWanted("this context is guarded: an action needs a reason")
        self._check(proposal.action)
        if guarded and not consent.once:
            # Its own lines of the audit say so, and why.
            self.arming.arm_by_action(consent.reason)

    def _admit_still(self, action: Action, consent: Consent) -> None:
        if self.arming.mode is Mode.GUARDED and not (consent.once and consent.reason.strip()):
            raise Refused("this context was disarmed meanwhile")
        self._check(action)

    async def _act(self, action: Action, reason: str, tell: Tell) -> Outcome:
        acting = self._acting(action.target)
        permit = Permit(action, self._clock.monotonic)
        performed = False
        try:
            async with asyncio.timeout(action.deadline):
                await acting.perform(action, permit, tell)
                performed = True
                return await acting.look(action, tell)
        except Refused as refusal:
            return Outcome(End.REFUSED, refusal.reason)
        except NOTHING_DONE as error:
            if performed:
                return self._unknown(action, reason, f"it was done, and what became of it can't be read: {error}")
            if isinstance(error, Denied):
                self._denied.add((action.target.source, action.verb, action.target.key))
            return Outcome(End.FAILED, f"{error}; nothing was changed")
        except TimeoutError:
            return self._unknown(action, reason, f"no outcome within {action.deadline:g} s")
        except BackendError as error:
            return self._unknown(action, reason, str(error))
        except Exception as error:
            log.exception("a bug while acting: %s", action.verb)
            return self._unknown(action, reason, f"a bug ({type(error).__name__}), told in midwatch's log")

    def _unknown(self, action: Action, reason: str, why: str) -> Outcome:
        self._spawn(self._look_again(action, reason))
        return Outcome(End.UNKNOWN, why)

    async def _look_again(self, action: Action, reason: str) -> None:
        """What became of it, once its source has spoken again."""
        begun = self._clock.monotonic()
        feed = self._watch.feed(action.target.source, action.target.noun)
        if feed is None:
            return
        with closing(Viewer()) as viewer:
            viewer.look([feed])
            while feed.reading.state is not State.LIVE or (feed.reading.at or 0.0) <= begun:
                await viewer.change()
            try:
                async with asyncio.timeout(action.deadline):
                    outcome = await self._acting(action.target).look(action, lambda text: None)
            except (BackendError, TimeoutError, Refused):
                outcome = Outcome(End.UNKNOWN, "still unknown")
        found = Outcome(outcome.end, f"found later: {outcome.text}")
        await self._book.ended(action, found, reason)
        self.found(action, found)

    # What it stands on

    def _acting(self, target: Target) -> Acting:
        acting = self._watch.able(target.source, Acting)
        if acting is None:
            raise Refused(f"{target.source} can change nothing")
        return acting

    def _reading(self, target: Target) -> Reading[Any] | None:
        feed = self._watch.feed(target.source, target.noun)
        return None if feed is None else feed.reading

    async def _consult(self, nouns: tuple[str, ...]) -> Readings:
        """The readings of these nouns; those that nobody watches are woken and waited for a moment."""
        feeds = self._watch.feeds(*nouns)
        with closing(Viewer()) as viewer:
            await viewer.first_words(feeds.values(), CONSULTED_WITHIN)
        return {key: feed.reading for key, feed in feeds.items()}

    def _spawn(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        reason = self.arming.end()
        if reason is not None:
            said = "disarm", "disarmed: its context was left", reason
            self._book.tell(*said)
            await self._book.noted(*said)
        await self._book.close()
