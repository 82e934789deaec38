"""The doors of the contexts that were opened: one at a time to act through, and what is left of those before.

A door that was left may hold lines that no audit has taken yet; they outlive the context of which they tell.
What a door needs is imported when somebody first wants to act.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from backends.state import audit_folder
from backends.watch import Watch

if TYPE_CHECKING:
    from backends.changes.audit import Audit
    from backends.changes.door import Door


class Doors:
    """One audit for all of them. Making it touches nothing."""

    def __init__(self) -> None:
        self.now: Door | None = None
        """The door of the open context, once somebody wanted to act there."""
        self._audit: Audit | None = None
        self._left: list[Door] = []
        self._turns = 0

    @property
    def unwritten(self) -> tuple[str, ...]:
        """The lines that no audit has taken yet, as JSON in ASCII."""
        doors = self._left if self.now is None else [*self._left, self.now]
        return tuple(dict.fromkeys(line for door in doors for line in door.held))

    async def open(self, watching: Watch) -> Door | None:
        """The door of the open context, made where there is none yet; None where another was opened meanwhile.
        Who is here is asked in a thread: a directory server may be slow."""
        if self.now is None:
            from backends.changes.audit import Audit
            from backends.changes.door import Door
            from backends.changes.who import Who

            if self._audit is None:
                self._audit = Audit(audit_folder(os.environ))
            turns = self._turns
            who = await asyncio.to_thread(Who.here, os.environ)
            if turns == self._turns and self.now is None:
                self.now = Door(watching, self._audit, who)
        return self.now

    def turn(self) -> Door | None:
        """Another context is opened, to which there is no door yet. Returns the one that is left, for `leave`."""
        left, self.now = self.now, None
        self._left += [] if left is None else [left]
        self._turns += 1
        return left

    async def leave(self, left: Door | None, watching: Watch) -> None:
        """Close a door that was left; the open context's goes on with the lines that it holds."""
        if left is not None:
            await left.close()
        self._left = [door for door in self._left if door.held]
        if self._left:
            await self.open(watching)

    async def close(self) -> None:
        if self.now is not None:
            await self.now.close()
