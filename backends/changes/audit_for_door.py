"""When the door has a line written: in the audit for each attempt and each end, and for the end in the timeline.
What a line holds is in `audit`.

A line that no audit takes is held, and written as soon as that can be done.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from backends.api.actions import Action, End, Outcome, Refused, Target
from backends.api.events import Event, EventKind
from backends.changes.audit import Audit, AuditEntry, AuditFailed
from backends.changes.who import Who
from backends.threads import Threads
from backends.watch import Watch

log = logging.getLogger("midwatch.door")

WRITE = 5.0
"""Seconds that a line may take: longer than the audit waits for its lock and the system's log."""
END_WAITS = 1.0
"""Seconds that the end waits for an audit that hangs."""
AGAIN = 5.0
"""Seconds between two tries to write down the lines that are held."""
HERE = "midwatch/door"
"""The source of the door's own events."""


class AuditForDoor:
    """One context's. `who` is the person at this terminal, `mode` says in which mode the door is just now."""

    def __init__(self, audit: Audit, who: Who, watch: Watch, mode: Callable[[], str]) -> None:
        self._audit, self._who, self._mode = audit, who, mode
        self._clock, self._timeline, self._context = watch.clock, watch.timeline, watch.context.name
        self._writing: asyncio.Task[None] | None = None
        self._pen = asyncio.Lock()
        """Lines are written in their order, and a disk that hangs takes one thread, not all of them."""
        self._lines: list[AuditEntry] = []
        """Those that wait for the pen; one that was left so when the loop ended is still held."""
        self._late: set[asyncio.Task[None]] = set()
        """Those that were not written in time: while one of them is not, none after it is waited for."""
        self._threads = Threads("audit", 8)
        self._failed = self._closed = False
        self._unsure: set[tuple[str, str]] = set()
        """Of which rows it is not known yet how an action on them ended."""
        if audit.held:
            self._failed = True
            self._write_later()

    @property
    def held(self) -> tuple[str, ...]:
        """The lines that the audit has not taken in its time, as JSON; one that is just being written is none."""
        if self._failed and not self._audit.held and not self._lines:
            self._failed = False
        if not self._failed:
            return ()
        waiting = (json.dumps(entry.fields(), ensure_ascii=True) for entry in self._lines)
        return (*self._audit.held, *waiting)

    async def asked(self, action: Action, reason: str) -> None:
        """The line before the act. Raises `AuditFailed` where it is held, or takes longer than `WRITE`."""
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
        asked = action.asks_to_end and outcome.end in (End.DONE, End.UNKNOWN) and about not in self._unsure
        # What is found out later was told already.
        self._unsure.discard(about)
        if outcome.end is End.UNKNOWN:
            self._unsure.add(about)
        event = Event(
            self._clock.now(),
            EventKind.ACTION,
            HERE,
            action.target.shown,
            text,
            asked_to_end=asked,
            about=about,
        )
        self._timeline.hear(HERE, (event,))

    def tell(self, verb: str, text: str, reason: str) -> None:
        """What became of the context's own mode, in the timeline."""
        said = f"{text}: {reason}" if verb == "arm" else text
        event = Event(self._clock.now(), EventKind.ACTION, HERE, self._context, said)
        self._timeline.hear(HERE, (event,))

    async def noted(self, verb: str, text: str, reason: str) -> None:
        """The same, in the audit."""
        target = Target(HERE, "contexts", self._context, self._context, "", self._who.host)
        try:
            await self._append(Action(verb, target, verb, text, f":{verb}"), "done", text, reason)
        except AuditFailed as failure:
            log.warning("%s could not be audited, and is held: %s", text, failure)

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
        # Before its task is made: an eager one (Python 3.12 on, Textual asks for them) runs at once.
        self._lines.append(entry)
        line = asyncio.ensure_future(self._write(entry))
        line.add_done_callback(self._written)
        # Not cancelled when it is late: nothing ends a thread that waits for a disk, and the line is wanted.
        await asyncio.wait({line}, timeout=0.0 if self._late else WRITE)
        if not line.done():
            failure = AuditFailed(f"it has not taken a line for {WRITE:g} s")
            self._late.add(line)
            self._fail(failure)
            raise failure
        line.result()

    async def _write(self, entry: AuditEntry) -> None:
        async with self._pen:
            self._lines.remove(entry)
            await self._threads.run(partial(self._audit.append, entry))

    def _written(self, line: asyncio.Task[None]) -> None:
        self._late.discard(line)
        error = None if line.cancelled() else line.exception()
        if error is not None:
            self._fail(error)
            self._write_later()

    def _fail(self, error: BaseException) -> None:
        if not self._failed:
            log.warning(
                "no audit takes a line: %s; lines are held and tried again each %g s, at the latest at the end: "
                "make room on its disk, or mend its folder",
                *(error, AGAIN),
            )
        self._failed = True

    def _write_later(self) -> None:
        if not self._closed and (self._writing is None or self._writing.done()):
            self._writing = asyncio.ensure_future(self._write_held())

    async def _write_held(self) -> None:
        while self._audit.held:
            due = asyncio.Event()
            self._clock.call_later(AGAIN, due.set)
            await due.wait()
            await self._flush()

    async def _flush(self) -> None:
        async with self._pen:
            with suppress(AuditFailed):
                await self._threads.run(self._audit.flush)

    async def close(self) -> None:
        """Try once more; what is held after that is gone with this process, unless another book writes it."""
        self._closed = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._audit.held or self._lines:
            last = asyncio.ensure_future(self._flush())
            await asyncio.wait({last}, timeout=END_WAITS if self._late else WRITE)
