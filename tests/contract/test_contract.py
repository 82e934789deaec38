"""Every kind of the registry passes the contract suite, and each of its checks can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from backends.api import contract
from backends.api.backend import Backend
from backends.api.capabilities import Membership
from backends.api.contract import Broken
from backends.api.events import Event, EventKind
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
