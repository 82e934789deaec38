"""A backend that does what a test tells it, for flows: rows and lines in, screens out, and no server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from backends.api.backend import Backend
from backends.api.capabilities import Logs, Membership, ProcessTable
from backends.api.errors import BackendError
from backends.api.logs import Beside, Level, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.members import Member, Members, MemberState, Role
from backends.api.nouns import Row
from backends.api.processes import Process, Processes, ProcessState
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.logs.times import iso_match

STARTED = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


class FakeSettings(Settings, frozen=True):
    script: str = "main"


@dataclass
class Script:
    """What the sources of one fake say next: a Seen, or an error to raise."""

    members: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    instances: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    processes: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    logs: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)

    def say_members(self, *rows: Member) -> None:
        self.members.put_nowait(Seen({row.key: row for row in rows}))

    def say_processes(self, *rows: Process) -> None:
        self.processes.put_nowait(Seen({row.key: row for row in rows}))

    def say_lines(self, *lines: bytes, origin: str = "app.log") -> None:
        block = LogBlock(origin, b"\n".join(lines), len(lines))
        self.logs.put_nowait(Seen(LogBatch((block,), None)))


SCRIPTS: dict[str, Script] = {}


class Fake(Backend, Membership, ProcessTable, Logs):
    kind: ClassVar[str] = "fake"
    Settings: ClassVar[type[Settings]] = FakeSettings

    @property
    def script(self) -> Script:
        return SCRIPTS.setdefault(self.settings.script, Script())

    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        async for seen in _play(self.script.members):
            yield seen

    async def processes(self, last: Processes | None) -> AsyncGenerator[Seen[Processes], None]:
        async for seen in _play(self.script.processes):
            yield seen

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        yield Seen(LogBatch((), None), frozenset())
        async for seen in _play(self.script.logs):
            yield seen

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        yield LogBatch((), None)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        level = Level.ERROR if b"ERROR" in raw else Level.INFO
        text = raw.decode("utf-8", "replace")
        stamp = iso_match(text)
        return LogRecord(self.source, raw, text, None if stamp is None else stamp[0], level)

    def ask(self, row: Row) -> tuple[str, ...] | None:
        return ("fakectl", "get", row.key)

    async def raw(self, row: Row) -> str:
        return f"raw of {row.key}\n\x1b[2Jsecond line"


async def _play(orders: asyncio.Queue[Any]) -> AsyncGenerator[Seen[Any], None]:
    while True:
        order = await orders.get()
        if isinstance(order, BackendError):
            raise order
        yield order


def member(
    name: str, state: MemberState = MemberState.UP, role: Role | None = Role.FOLLOWER, **more: Any
) -> Member:
    return Member(f"fake/main/{name}", name, "fake/main", role, state, address=f"10.0.0.{len(name)}:2379", **more)


def process(pid: int, name: str, **more: Any) -> Process:
    facts: dict[str, Any] = {
        "user": "www",
        "state": ProcessState.SLEEPING,
        "cpu": 0.0,
        "rss": 1 << 20,
        "started": STARTED,
        "command": f"/usr/bin/{name} --port {pid}",
        "cpu_seconds": 1.0,
    }
    facts |= more
    return Process(f"h/{pid}/1/b", "fake/main", "h", pid, 1, name, **facts)
