"""A supervisor that does what a test tells it; beside the other fake, whose contexts have no units."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from backends.api.backend import Backend
from backends.api.capabilities import Supervisor
from backends.api.errors import BackendError
from backends.api.nouns import Row
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.api.units import Unit, Units, UnitState
from tests.flows.fake import STARTED

QUEUES: dict[str, asyncio.Queue[Any]] = {}


def orders() -> asyncio.Queue[Any]:
    """What it says next: a Seen, or an error to raise. A queue belongs to one loop, so to one test."""
    return QUEUES.setdefault("main", asyncio.Queue())


class FakeSupervisorSettings(Settings, frozen=True):
    """Nothing to be told."""


class FakeSupervisor(Backend, Supervisor):
    kind: ClassVar[str] = "supervisor"
    Settings: ClassVar[type[Settings]] = FakeSupervisorSettings

    async def units(self, last: Units | None) -> AsyncGenerator[Seen[Units], None]:
        while True:
            order = await orders().get()
            if isinstance(order, BackendError):
                raise order
            yield order

    def ask(self, row: Row) -> tuple[str, ...] | None:
        return ("fakectl", "status", row.key)


def say_units(*rows: Unit) -> None:
    orders().put_nowait(Seen({row.key: row for row in rows}))


def unit(name: str, state: UnitState = UnitState.RUNNING, pid: int | None = None, **more: Any) -> Unit:
    """On the host of the other fake's processes; `error` is its spawn error."""
    error = more.pop("error", None)
    facts: dict[str, Any] = {"since": STARTED, "spawn_error": error, "native": state.value.upper()}
    facts |= more
    return Unit(f"supervisor/main/{name}", name, "supervisor/main", "h", state, pid=pid, **facts)
