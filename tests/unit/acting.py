"""A backend that acts as a test tells it, and remembers what it was asked to do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from msgspec.structs import replace

from backends.api.actions import Action, End, Outcome, Permit, Target, Tell
from backends.api.backend import Backend
from backends.api.capabilities import Acting, ProcessTable, Supervisor
from backends.api.errors import BackendError
from backends.api.nouns import Row
from backends.api.processes import Process, Processes, ProcessState
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.api.units import Unit, Units, UnitState
from backends.changes.audit import AuditEntry, AuditFailed

SOURCE = "tests.unit.acting/main"


class ActingSettings(Settings, frozen=True):
    pass


class Stage(Backend, ProcessTable, Supervisor, Acting):
    """`done` are the actions that were performed; `performing` and `looking` replace what happens then."""

    kind: ClassVar[str] = "tests.unit.acting"
    Settings: ClassVar[type[Settings]] = ActingSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self.done: list[Action] = []
        self.performing: BaseException | None = None
        self.looking: BaseException | Outcome = Outcome(End.DONE, "gone after 0.4 s")
        self.hanging = False
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.units_say: asyncio.Queue[Any] = asyncio.Queue()
        self.log: list[str] = []

    async def processes(self, last: Processes | None) -> AsyncGenerator[Seen[Processes], None]:
        async for seen in _play(self.says):
            yield seen

    async def units(self, last: Units | None) -> AsyncGenerator[Seen[Units], None]:
        async for seen in _play(self.units_say):
            yield seen

    async def actions(self, row: Row) -> tuple[Action, ...]:
        return (action_on(row),) if isinstance(row, Process) else ()

    def target(self, row: Row) -> Target:
        assert isinstance(row, Process)
        started = row.started.isoformat() if row.started else "?"
        return Target(
            self.source, "processes", row.key, row.name, f"{row.key} {row.cpu_seconds} {started}", row.host
        )

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        permit.use(action)
        if self.performing is not None:
            raise self.performing
        self.log.append("performed")
        self.done.append(action)
        if self.hanging:
            await asyncio.Event().wait()

    async def look(self, action: Action, tell: Tell) -> Outcome:
        if isinstance(self.looking, BaseException):
            raise self.looking
        return self.looking


async def _play(orders: asyncio.Queue[Any]) -> AsyncGenerator[Seen[Any], None]:
    while True:
        order = await orders.get()
        if isinstance(order, BackendError):
            raise order
        yield Seen({row.key: row for row in order})


class Notebook:
    """An audit that keeps its lines, and refuses to while `failing`."""

    def __init__(self, log: list[str]) -> None:
        self.entries: list[AuditEntry] = []
        self.failing = False
        self._log = log
        self._held: list[AuditEntry] = []
        self.gate, self.knocked = threading.Event(), threading.Event()
        """While the gate is closed its disk hangs; `knocked` is set once a line waits there."""
        self.gate.set()

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(entry.outcome for entry in self._held)

    def append(self, entry: AuditEntry) -> None:
        self._held.append(entry)
        self.knocked.set()
        self.flush()

    def flush(self) -> None:
        self.gate.wait(20)
        self.knocked.clear()
        if self.failing:
            raise AuditFailed("no space left on device")
        for entry in self._held:
            self._log.append(entry.outcome)
            self.entries.append(entry)
        self._held.clear()

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(entry.outcome, entry.text) for entry in self.entries]


def process(pid: int = 7, name: str = "worker", *, generation: float = 1.0) -> Process:
    """`generation` is what makes it another process with the same key."""
    state = ProcessState.SLEEPING
    return Process(
        f"h/{pid}/1/b", SOURCE, "h", pid, 1, name, "www", state, 0.0, 1, None, name, cpu_seconds=generation
    )


def unit(name: str, pid: int | None = None, state: UnitState = UnitState.RUNNING) -> Unit:
    return Unit(f"{SOURCE}/{name}", name, SOURCE, "h", state, state.value.upper(), pid)


def action_on(row: Process, **more: Any) -> Action:
    started = "?"
    target = Target(SOURCE, "processes", row.key, row.name, f"{row.key} {row.cpu_seconds} {started}", row.host)
    action = Action("signal", target, "SIGTERM", f"asks {row.name} to end", f"kill -TERM {row.pid}")
    return replace(action, **more)
