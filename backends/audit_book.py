"""What the door writes down: a line in the audit for each attempt and each end, and the end in the timeline.

A line that no audit takes is held, and written as soon as that can be done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from backends.api.actions import Action, Outcome, Refused
from backends.api.models import Event, EventKind
from backends.audit import Audit, AuditEntry, AuditFailed
from backends.watch import Watch
from backends.who import Who

log = logging.getLogger("midwatch.door")

AGAIN = 5.0
"""Seconds between two tries to write down the lines that are held."""
HERE = "midwatch/door"
"""The source of the door's own events."""


class AuditBook:
    """One context's. `who` is the person at this terminal, `mode` says in which mode the door is just now."""

    def __init__(self, audit: Audit, who: Who, watch: Watch, mode: Callable[[], str]) -> None:
        self._audit, self._who, self._mode = audit, who, mode
        self._clock, self._timeline, self._context = watch.clock, watch.timeline, watch.context.name
        self._writing: asyncio.Task[None] | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """The lines that the audit has not taken yet, as JSON."""
        return self._audit.held

    async def asked(self, action: Action, reason: str) -> None:
        """The line before the act. Raises `AuditFailed` where it can only be held."""
        await self._append(action, "asked", action.effect, reason)

    async def refused(self, action: Action, refusal: Refused, reason: str) -> None:
        try:
            await self._append(action, "refused", refusal.reason, reason)
        except AuditFailed as failure:
            log.warning("a refusal could not be audited, and is held: %s", failure)

    async def ended(self, action: Action, outcome: Outcome, reason: str) -> None:
        try:
            await self._append(action, outcome.end.value, outcome.text, reason)
        except AuditFailed as failure:
            log.warning("an outcome could not be audited, and is held: %s", failure)
        text = f"{action.title}: {outcome.text}" if outcome.text else action.title
        about = (action.target.noun, action.target.key)
        event = Event(self._clock.now(), EventKind.ACTION, HERE, action.target.shown, text, about=about)
        self._timeline.hear(HERE, (event,))

    async def _append(self, action: Action, outcome: str, text: str, reason: str) -> None:
        entry = AuditEntry(
            time=self._clock.now(),
            user=self._who.user,
            origin=self._who.origin,
            context=self._context,
            mode=self._mode(),
            reason=reason,
            verb=action.verb,
            title=action.title,
            target=action.target,
            call=action.call,
            outcome=outcome,
            text=text,
        )
        try:
            await asyncio.to_thread(self._audit.append, entry)
        except AuditFailed:
            if self._writing is None or self._writing.done():
                self._writing = asyncio.ensure_future(self._write_held())
            raise

    async def _write_held(self) -> None:
        while self._audit.held:
            due = asyncio.Event()
            self._clock.call_later(AGAIN, due.set)
            await due.wait()
            with suppress(AuditFailed):
                await asyncio.to_thread(self._audit.flush)

    async def close(self) -> None:
        """Try once more; what is held after that is gone with this process."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._audit.held:
            with suppress(AuditFailed):
                await asyncio.to_thread(self._audit.flush)
