"""The fake with a group of instances, of which two are expected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

from backends.api.capabilities import Registry
from backends.api.members import Member, Members, MemberState, Role
from backends.api.readings import Seen
from tests.flows.fake import Fake

said: asyncio.Queue[Members] = asyncio.Queue()
"""What the next one that is asked says."""


def say_instances(*names: str) -> None:
    up: dict[str, Any] = {"role": Role.MEMBER, "state": MemberState.UP, "group": "web"}
    said.put_nowait({name: Member(name, name, "registered/main", **up) for name in names})


class Registered(Fake, Registry):
    kind: ClassVar[str] = "registered"

    async def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        while True:
            yield Seen(await said.get())

    def expected_sizes(self) -> Mapping[str, int]:
        return {"web": 2}
