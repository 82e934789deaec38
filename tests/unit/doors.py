"""A door, and what stands behind it, with a clock that the test owns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from backends.api.actions import Action, Outcome
from backends.api.errors import Unreachable
from backends.api.events import Occurrence
from backends.api.processes import Process
from backends.api.readings import FeedKey, State
from backends.api.units import Unit
from backends.changes.door import Consent, Door, Proposal
from backends.changes.who import Who
from backends.config.context import Context, SourceConfig
from backends.viewer import Viewer
from backends.watch import Watch
from tests.clock import FakeClock
from tests.unit.acting import SOURCE, ActingSettings, Notebook, Stage, process

WORKER = process()
YES = Consent(reason="it leaks")


class House:
    """A door, and what stands behind it."""

    def __init__(self, **context: Any) -> None:
        self.clock = FakeClock()
        config = SourceConfig("tests.unit.acting", "main", ActingSettings())
        self.watch = Watch(Context("lab", (config,), **context), clock=self.clock)
        backend = self.watch.backend(SOURCE)
        assert isinstance(backend, Stage)
        self.stage = backend
        self.audit = Notebook(backend.log)
        self.door = Door(self.watch, self.audit, Who("ops1", "ssh from 10.0.0.5", "web-1"))  # type: ignore[arg-type]
        self.events: list[Occurrence] = []
        self.watch.timeline.on_settled(self.events.append)

    async def show(self, *rows: Process) -> None:
        await self.until_state(State.LIVE, rows)

    async def show_units(self, *rows: Unit) -> None:
        feed = self.watch.feeds("units")[FeedKey(SOURCE, "units")]
        with closing(Viewer()) as viewer:
            viewer.look([feed])
            self.stage.units_say.put_nowait(rows)
            async with asyncio.timeout(5):
                while set(feed.reading.value or ()) != {row.key for row in rows}:
                    await viewer.change()

    async def break_down(self) -> None:
        await self.until_state(State.UNREACHABLE, Unreachable("connection refused", where="h"))

    async def until_state(self, state: State, order: Any) -> None:
        feed = self.watch.feeds("processes")[FeedKey(SOURCE, "processes")]
        viewer = Viewer()
        viewer.look([feed])
        self.stage.says.put_nowait(order)
        async with asyncio.timeout(5):
            while not (self.stage.says.empty() and feed.reading.state is state):
                await viewer.change()
        self.leave = viewer.close

    async def through(self, action: Action, consent: Consent = YES) -> Outcome:
        return await self.door.carry_out(await self.proposal(action), consent)

    async def proposal(self, action: Action) -> Proposal:
        (proposal,) = await self.door.propose([action])
        return proposal


@asynccontextmanager
async def house(**context: Any) -> AsyncIterator[House]:
    built = House(**context)
    built.stage.units_say.put_nowait(())
    await built.show(WORKER)
    try:
        yield built
    finally:
        await built.door.close()
        await built.watch.close()
