"""The smallest backend of any use: members out of a JSON file, `[{"name": "a", "address": "h:1"}, …]`.

It is what CONTRIBUTING.md shows, and what an outside backend needs: one class that inherits what it can do. The
configuration finds it by its module, `[context.lab."tests.contract.roster".main]`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, ClassVar

from backends.api.backend import Backend, Check
from backends.api.capabilities import Membership
from backends.api.errors import BackendError, BadReply, Unreachable
from backends.api.members import Member, Members, MemberState, Role
from backends.api.readings import Seen, differing
from backends.api.settings import Settings


class RosterSettings(Settings, frozen=True):
    file: str


class Roster(Backend, Membership):
    kind: ClassVar[str] = "tests.contract.roster"
    Settings: ClassVar[type[Settings]] = RosterSettings

    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        before = last
        while True:
            rows = await asyncio.to_thread(self._read)
            if before is not None:
                # A row that did not change is the same object as before.
                rows = {key: before[key] if before.get(key) == row else row for key, row in rows.items()}
            yield Seen(rows, None if before is None else differing(before, rows))
            before = rows
            await asyncio.sleep(1)

    def _read(self) -> dict[str, Member]:
        try:
            listed = json.loads(Path(self.settings.file).read_bytes())
            return {item["name"]: self._row(item) for item in listed}
        except OSError as error:
            raise Unreachable(error.strerror or str(error), where=self.settings.file) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BadReply(f"not a list of members: {error}", where=self.settings.file) from error

    def _row(self, item: dict[str, Any]) -> Member:
        address = item.get("address")
        return Member(item["name"], item["name"], self.source, Role.MEMBER, MemberState.UP, address=address)

    async def check(self) -> tuple[Check, ...]:
        try:
            rows = await asyncio.to_thread(self._read)
        except BackendError as error:
            return (Check(error.where, False, error.reason, hint=error.hint),)
        return (Check(self.settings.file, True, f"{len(rows)} members"),)
