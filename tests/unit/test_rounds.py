"""Rounds over a cluster's servers, with the answers in the test's hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

import pytest

from backends.api.errors import BackendError, Unreachable
from backends.api.events import Event
from backends.api.members import Member, MemberState, Role
from backends.api.readings import Seen
from backends.coordination import rounds
from backends.coordination.census import Answer, Belonging, Census, pending, state_of
from backends.coordination.rounds import poll

HOSTS = ("a:1", "b:1")
REFUSED = Unreachable("connection refused")


class Simple(Census[Answer, int]):
    """Each endpoint is a member, and so is each server of `others`."""

    def __init__(self) -> None:
        super().__init__("lab/a")
        self.others: list[str] = []
        self.members: Belonging = {}

    def addresses(self, endpoints: tuple[str, ...]) -> list[str]:
        return [*endpoints, *self.others]

    def _found(self, endpoints: tuple[str, ...]) -> Iterable[Member]:
        for address in self.addresses(endpoints):
            answer = self.answers.get(address, Answer(error=pending(address)))
            state, trouble = state_of(answer, answer.error)
            yield Member(address, address, self.source, Role.MEMBER, state, trouble=trouble)

    def _belonging(self) -> Belonging:
        return self.members

    def _named(self, leader: int) -> str:
        return str(leader)


class Hands:
    """What each server says: an answer, or nothing while its gate is closed."""

    def __init__(self) -> None:
        self.errors: dict[str, BackendError] = {}
        self.frozen: set[str] = set()
        self.asking: list[str] = []
        self.given_up: list[str] = []
        self.was_lost = 0

    async def ready(self) -> None: ...

    async def ask(self, address: str) -> Answer:
        self.asking.append(address)
        try:
            while address in self.frozen:
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.given_up.append(address)
            raise
        error = self.errors.get(address)
        return Answer(error=error) if error else Answer("fine", time.monotonic())

    async def named(self, spoke: list[str]) -> None: ...

    def lost(self) -> None:
        self.was_lost += 1

    def close(self) -> None: ...


class Polled:
    def __init__(self, last: dict[str, Member] | None = None) -> None:
        self.census, self.hands = Simple(), Hands()
        self.source = poll(self.hands, self.census, HOSTS, last)

    async def next(self) -> Seen[Any]:
        async with asyncio.timeout(10):
            return await anext(self.source)


@pytest.fixture
async def polled(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Polled]:
    monkeypatch.setattr(rounds, "INTERVAL", 0.02)
    monkeypatch.setattr(rounds, "HURRY", 0.02)
    made = Polled()
    async with aclosing(made.source):
        yield made


async def test_only_what_came_before_the_first_round_is_after_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "INTERVAL", 0.02)
    again = Polled(last={})
    again.census._told = {1: ("m1", "member 1")}
    again.census.members = {1: ("m1", "member 1"), 2: ("m2", "member 2")}
    async with aclosing(again.source):
        gaps = [item.after_gap for item in (await again.next()).news if isinstance(item, Event)]
        again.census.members = {1: ("m1", "member 1")}
        gaps += [item.after_gap for item in (await again.next()).news if isinstance(item, Event)]
    assert gaps == [True, False]


async def test_a_frozen_server_is_asked_once_and_holds_no_other_up(polled: Polled) -> None:
    polled.hands.frozen.add("b:1")
    for _ in range(4):
        await polled.next()
    assert polled.hands.asking.count("b:1") == 1
    assert polled.hands.asking.count("a:1") == 4


async def test_one_that_fails_late_is_told_before_the_next_round_is_due(
    polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    await polled.next()
    polled.hands.frozen.add("b:1")
    assert (await polled.next()).value["b:1"].state is MemberState.UP
    monkeypatch.setattr(rounds, "INTERVAL", 60)
    polled.hands.errors["b:1"] = REFUSED
    polled.hands.frozen.clear()
    assert (await polled.next()).value["b:1"].state is MemberState.DOWN


async def test_who_left_the_cluster_is_not_asked_any_more(polled: Polled) -> None:
    polled.census.others += ["c:1", "frozen:1"]
    polled.hands.frozen.add("frozen:1")
    await polled.next()
    await polled.next()
    polled.census.others.clear()
    asked = polled.hands.asking.count("c:1")
    await polled.next()
    assert polled.hands.given_up == ["frozen:1"]
    assert polled.hands.asking.count("c:1") == asked
    assert set(polled.census.answers) == set(HOSTS)


async def test_when_all_have_failed_it_says_what_they_said(polled: Polled) -> None:
    polled.hands.errors = {"a:1": REFUSED, "b:1": REFUSED}
    with pytest.raises(Unreachable, match="connection refused"):
        await polled.next()
    assert polled.hands.was_lost == 1


async def test_one_that_has_failed_is_not_the_cluster_while_another_has_yet_to_speak(polled: Polled) -> None:
    polled.hands.errors = {"a:1": REFUSED}
    polled.hands.frozen.add("b:1")
    waiting = asyncio.ensure_future(polled.next())
    while not waiting.done() and polled.hands.asking.count("a:1") < 3:
        await asyncio.sleep(0.005)
    assert not waiting.done()
    polled.hands.frozen.clear()
    assert set((await waiting).value) == set(HOSTS)


async def test_one_that_spoke_a_moment_ago_is_not_given_up_with_the_rest(polled: Polled) -> None:
    """A server of the cluster that no endpoint is may answer while none of ours does."""
    polled.census.others.append("c:1")
    await polled.next()
    polled.hands.errors = {"a:1": REFUSED, "b:1": REFUSED}
    polled.hands.frozen.add("c:1")
    waiting = asyncio.ensure_future(polled.next())
    while not waiting.done() and polled.hands.asking.count("a:1") < 4:
        await asyncio.sleep(0.005)
    assert not waiting.done()
    polled.hands.frozen.clear()
    await waiting
    assert polled.hands.was_lost == 0


async def test_when_it_is_closed_nothing_is_asked_any_more(polled: Polled) -> None:
    polled.hands.frozen.add("b:1")
    await polled.next()
    await polled.source.aclose()
    await asyncio.sleep(0)
    assert polled.hands.given_up == ["b:1"]
