"""The fake with the load and memory of its host, which never change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import ClassVar

from backends.api.capabilities import HostLoad
from backends.api.processes import Host, Hosts
from backends.api.readings import Seen
from tests.flows.fake import Fake

GIB = 1 << 30


class Hosted(Fake, HostLoad):
    kind: ClassVar[str] = "hosted"

    async def hosts(self, last: Hosts | None) -> AsyncGenerator[Seen[Hosts], None]:
        yield Seen({"box": Host("box", "web-03", self.source, (0.12, 1.5, 0.45), 8, 16 * GIB, 12 * GIB)})
        await asyncio.Event().wait()
