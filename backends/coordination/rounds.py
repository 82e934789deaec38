"""A cluster's servers, asked round by round, each for itself: a dead or frozen one costs its own row only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Generic, Protocol, TypeVar

from backends.api.errors import Unreachable
from backends.api.members import Members
from backends.api.readings import Seen, differing
from backends.coordination.all_failed import why_all_failed
from backends.coordination.census import Answer, Census, steadied

INTERVAL = 2.0
"""Seconds between two rounds. What is registered is watched; this is who leads, how fast, how far."""
HURRY = 1.0
"""Seconds after which a round is told without those that have not answered yet."""
CALL = 1.8
"""Seconds that one server may take: with the interval, a frozen one is told within 4 s."""

A = TypeVar("A", bound=Answer)
A_co = TypeVar("A_co", bound=Answer, covariant=True)


class Asker(Protocol[A_co]):
    """How one system's servers are asked."""

    async def ready(self) -> None:
        """Before the first question. Raises `BackendError`."""
        ...

    async def ask(self, address: str) -> A_co:
        """What a server says of itself within `CALL` seconds; why it does not is the answer's `error`."""
        ...

    async def named(self, spoke: list[str]) -> None:
        """After a round in which these servers spoke: ask one of them for the others, where it is time to."""
        ...

    def lost(self) -> None:
        """Nobody answers any more."""
        ...

    def close(self) -> None: ...


async def poll(
    asker: Asker[A], census: Census[A, Any], endpoints: tuple[str, ...], last: Members | None
) -> AsyncGenerator[Seen[Members], None]:
    """The source behind `Membership.members` of a cluster. Raises what all said when no server answers."""
    await asker.ready()
    rounds = _Rounds(asker, census, endpoints)
    before, gap = last, last is not None
    try:
        while True:
            start = time.monotonic()
            told = await rounds.next()
            while True:
                if told:
                    rows, news = census.rows(endpoints, before or {}, after_gap=gap)
                    yield Seen(rows, None if before is None else differing(before, rows), tuple(news))
                    before, gap = rows, False
                if not await rounds.late(start + INTERVAL - time.monotonic()):
                    break
                told = rounds.alive
    finally:
        rounds.close()


class _Rounds(Generic[A]):
    """The questions that are under way. One to a frozen server goes on while the others are asked anew."""

    def __init__(self, asker: Asker[A], census: Census[A, Any], endpoints: tuple[str, ...]) -> None:
        self._asker, self._census, self._endpoints = asker, census, endpoints
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def next(self) -> bool:
        """Ask everyone who is not being asked; whether anybody spoke within `HURRY`. Raises what all of them said
        when nobody does any more."""
        answers = self._census.answers
        ended = await self._ask_all(HURRY)
        spoke = [address for address in ended if address in answers and answers[address].spoke]
        if spoke:
            await self._asker.named(spoke)
            # The first answers name servers that we did not know of.
            if set(self._census.addresses(self._endpoints)) - answers.keys() - self._asking.keys():
                await self._ask_all(HURRY / 2)
            return True
        errors = {address: answers[address].error for address in self._endpoints if address in answers}
        if len(errors) == len(self._endpoints) and all(errors.values()) and not self.alive:
            self._asker.lost()
            raise why_all_failed({where: error or Unreachable("no answer") for where, error in errors.items()})
        return False

    async def late(self, seconds: float) -> bool:
        """Wait so long, or until one that was not waited for has answered, or failed; whether one has."""
        if not self._asking:
            await asyncio.sleep(max(0.0, seconds))
            return False
        asking = self._asking.values()
        await asyncio.wait(asking, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        return bool(await self._ended())

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        self._asker.close()

    async def _ask_all(self, limit: float) -> list[str]:
        """Who gave an answer within so many seconds, good or not."""
        addresses = self._census.addresses(self._endpoints)
        self._forget(addresses)
        for address in addresses:
            if address not in self._asking:
                self._asking[address] = asyncio.create_task(self._ask(address))
        await asyncio.wait(self._asking.values(), timeout=limit)
        return await self._ended()

    async def _ended(self) -> list[str]:
        ended = [address for address, task in self._asking.items() if task.done()]
        for address in ended:
            await self._asking.pop(address)
        return ended

    def _forget(self, addresses: list[str]) -> None:
        """Servers that left the cluster, and that nobody named, are not asked any more."""
        answers = self._census.answers
        for gone in (answers.keys() | self._asking.keys()) - set(addresses):
            answers.pop(gone, None)
            task = self._asking.pop(gone, None)
            if task is not None:
                task.cancel()

    async def _ask(self, address: str) -> None:
        answer = await self._asker.ask(address)
        self._census.answers[address] = steadied(answer, self._census.answers.get(address))

    @property
    def alive(self) -> bool:
        """Whether anybody has answered lately."""
        now = time.monotonic()
        answers = self._census.answers.values()
        return any(a.error is None and a.at is not None and now - a.at < 2 * CALL for a in answers)


def milliseconds_since(start: float) -> float:
    """Of a monotonic time: how long a round trip took."""
    return (time.monotonic() - start) * 1000
