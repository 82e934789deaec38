"""Every kind of the registry passes the contract suite, and each of its checks can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from backends.api import contract
from backends.api.backend import Backend
from backends.api.capabilities import Logs, Membership
from backends.api.contract import Broken
from backends.api.errors import Unsupported
from backends.api.events import Event, EventKind
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.members import Member, Members, MemberState, Role
from backends.api.readings import Seen
from backends.api.registry import LATER, MODULES
from backends.api.settings import Settings
from tests.clock import START
from tests.contract.starters import STARTERS, Make


def test_every_kind_has_a_starter() -> None:
    lacking = ", ".join(sorted(set(STARTERS) ^ set(MODULES)))
    assert set(STARTERS) == set(MODULES), (
        f"{lacking}: a starter of the kind's name in tests/contract/starters.py, and it in KINDS there"
    )


def test_a_kind_that_is_here_is_not_said_to_come_later() -> None:
    both = ", ".join(LATER & set(MODULES))
    assert not both, f"{both}: take it out of LATER in backends/api/registry.py, which refuses it"


@pytest.fixture(params=MODULES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    with STARTERS[request.param](tmp_path) as made:
        yield made


async def test_every_kind_keeps_the_contract(make: Make) -> None:
    await contract.check_backend(make)


class ToySettings(Settings, frozen=True):
    password: str | None = None


def row(key: str = "a", source: str = "toy/main", state: MemberState = MemberState.UP) -> Member:
    return Member(key, key, source, Role.MEMBER, state)


class Toy(Backend, Membership):
    """A backend that keeps every promise; each bad one below breaks one."""

    kind: ClassVar[str] = "toy"
    Settings: ClassVar[type[Settings]] = ToySettings

    def __init__(self) -> None:
        super().__init__("main", ToySettings())

    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        rows = {"a": row()}
        yield Seen(rows)
        while True:
            await asyncio.sleep(0.01)
            yield Seen(rows, frozenset())


class Mutates(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        rows: dict[str, Member] = {}
        number = 0
        while True:
            yield Seen(rows)
            await asyncio.sleep(0.01)
            number += 1
            rows[f"k{number}"] = row(f"k{number}")


class LiesAboutChanges(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({"a": row()})
        while True:
            await asyncio.sleep(0.01)
            yield Seen({"a": row()}, frozenset())


class WrongKey(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({"b": row("a")})
        await asyncio.Event().wait()


class WrongSource(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({"a": row(source="other/x")})
        await asyncio.Event().wait()


class Ends(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({})


class RaisesForeign(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({})
        raise OSError("not ours")


class Stubborn(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({})
        for _ in range(2):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                await asyncio.sleep(0.8)
                raise


class RepeatsNews(Toy):
    async def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({}, None, (Event(START, EventKind.JOINED, "toy/main", "a", "a"),))
        await asyncio.Event().wait()


class ToyLogs(Backend, Logs):
    """Six lines of one file, in three blocks; each bad one below breaks a promise of what lies beside one."""

    kind: ClassVar[str] = "toy"
    Settings: ClassVar[type[Settings]] = ToySettings
    data: ClassVar[bytes] = b"one\ntwo\ntwo\nfour\nfive\nsix"

    def __init__(self) -> None:
        super().__init__("main", ToySettings())

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        yield Seen(LogBatch((), None))
        await asyncio.Event().wait()

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        start, stop = 0, len(self.data)
        if beside is not None and beside.block is not None:
            start, stop = self.part(beside.block, beside.back)
        blocks = self.split(start, stop)
        for block in reversed(blocks) if beside is not None and beside.back else blocks:
            yield LogBatch((block,), None)

    def part(self, block: LogBlock, back: bool) -> tuple[int, int]:
        at = block.first or 0
        return (0, max(0, at - 1)) if back else (at + len(block.data) + 1, len(self.data))

    def split(self, start: int, stop: int) -> list[LogBlock]:
        """Blocks of two lines."""
        lines = self.data[start:stop].split(b"\n") if stop > start else []
        blocks: list[LogBlock] = []
        for at in range(0, len(lines), 2):
            two = lines[at : at + 2]
            blocks.append(LogBlock("app.log", b"\n".join(two), len(two), start))
            start += len(blocks[-1].data) + 1
        return blocks

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return LogRecord(self.source, raw, raw.decode())


class KeepsNothing(ToyLogs):
    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if beside is not None:
            raise Unsupported("keeps nothing")
        async with aclosing(super().history()) as batches:
            async for batch in batches:
                yield batch


class Overlaps(ToyLogs):
    def part(self, block: LogBlock, back: bool) -> tuple[int, int]:
        return (0, (block.first or 0) + len(block.data)) if back else super().part(block, back)


class LeavesOut(ToyLogs):
    def part(self, block: LogBlock, back: bool) -> tuple[int, int]:
        start, stop = super().part(block, back)
        return (start, stop) if back else (stop, stop)


class TheOtherWay(ToyLogs):
    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        place = None if beside is None else replace(beside, back=False if beside.block is None else beside.back)
        async with aclosing(super().history(since, sieve, place)) as batches:
            async for batch in batches:
                yield batch


class NeverThrough(ToyLogs):
    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        while True:
            yield LogBatch((), None)
            await asyncio.sleep(0)


@pytest.mark.parametrize("good", [ToyLogs, KeepsNothing])
async def test_logs_that_keep_what_is_beside_a_block_pass_and_those_that_keep_nothing(
    good: type[ToyLogs],
) -> None:
    await contract.check_beside(good)


@pytest.mark.parametrize(
    ("bad", "promise"),
    [
        (Overlaps, "what lies before a line"),
        (LeavesOut, "what lies before a line"),
        (TheOtherWay, "in either direction"),
    ],
)
async def test_the_check_of_what_is_beside_a_block_can_fail(bad: type[ToyLogs], promise: str) -> None:
    with pytest.raises(Broken, match=promise):
        await contract.check_beside(bad)


async def test_a_history_that_does_not_end_is_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "HISTORY", 0.2)
    with pytest.raises(Broken, match="no end of a history"):
        await contract.check_beside(NeverThrough)


async def test_a_good_backend_passes() -> None:
    for noun in contract.nouns(Toy()):
        await contract.check_noun(Toy, noun)
    await contract.check_identity(Toy)


@pytest.mark.parametrize(
    ("bad", "check", "promise"),
    [
        (Mutates, contract.check_words, "changed after it was yielded"),
        (LiesAboutChanges, contract.check_words, "names exactly the rows"),
        (WrongKey, contract.check_words, "own key"),
        (WrongSource, contract.check_words, "carry their source"),
        (Ends, contract.check_words, "never ends"),
        (RaisesForeign, contract.check_words, "only BackendError"),
        (Stubborn, contract.check_cancel, "took"),
        (RepeatsNews, contract.check_restart, "repeats its news"),
    ],
)
async def test_each_check_can_fail(bad: type[Toy], check: Callable[..., Any], promise: str) -> None:
    with pytest.raises(Broken, match=promise):
        await check(bad, "members")
