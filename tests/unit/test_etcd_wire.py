"""Which endpoint of etcd is asked, and by which connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from backends.api.errors import Silent
from backends.coordination.etcd import EtcdSettings
from backends.coordination.etcd_wire import LEARNED_MOST, Wire


def member(*urls: str) -> Any:
    return SimpleNamespace(clientURLs=urls)


def wire_to(*endpoints: str) -> Wire:
    return Wire(EtcdSettings(endpoints=endpoints).access(), 5.0)


def test_what_members_advertise_is_tried_behind_our_endpoints_where_it_is_another_and_as_secret() -> None:
    wire = wire_to("a:1", "b:1")
    wire.learn([member("http://b:1", "http://c:1"), member("https://d:1", "unix:///e", "http://c:1")])
    assert wire.endpoints == ("a:1", "b:1", "c:1")
    wire.learn([member(f"http://m{number}:1") for number in range(2 * LEARNED_MOST)])
    assert len(wire.endpoints) == 2 + LEARNED_MOST


def test_the_endpoint_behind_one_that_failed_is_the_first() -> None:
    wire = wire_to("a:1", "b:1")
    wire.learn([member("http://c:1")])
    for failed, ring in (("a:1", "b:1 c:1 a:1"), ("b:1", "c:1 a:1 b:1"), ("c:1", "a:1 b:1 c:1")):
        wire.move_on(failed)
        assert " ".join(wire.endpoints) == ring


def test_one_that_is_not_advertised_any_more_is_not_tried() -> None:
    wire = wire_to("a:1", "b:1")
    wire.learn([member("http://c:1")])
    wire.move_on("b:1")
    wire.learn([])
    assert wire.endpoints == ("a:1", "b:1")
    wire.move_on("c:1")
    assert wire.endpoints == ("a:1", "b:1")


class NoAnswer(Exception):
    def code(self) -> Any:
        return SimpleNamespace(name="DEADLINE_EXCEEDED")

    def details(self) -> str:
        return ""


class Channel:
    def __init__(self) -> None:
        self.closed = False

    async def close(self, grace: float) -> None:
        self.closed = True


class Stream:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Grpc:
    """gRPC in the test's hands: each call is answered, or not, as the test says."""

    AioRpcError: ClassVar[type[Exception]] = NoAnswer
    UsageError: ClassVar[type[Exception]] = ZeroDivisionError

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self.calls: list[asyncio.Future[str]] = []
        self.streams: list[Stream] = []

    def insecure_channel(self, endpoint: str, options: object) -> Channel:
        self.channels.append(Channel())
        return self.channels[-1]

    def KVStub(self, channel: Channel) -> Grpc:
        return self

    def WatchStub(self, channel: Channel) -> Grpc:
        return self

    def Watch(self, metadata: object) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]

    async def Range(self, request: object, **more: object) -> str:
        self.calls.append(asyncio.get_running_loop().create_future())
        return await self.calls[-1]


@pytest.fixture
def grpc(monkeypatch: pytest.MonkeyPatch) -> Grpc:
    made = Grpc()

    def load(wire: Wire) -> None:
        wire._grpc, wire._stubs = made, made

    monkeypatch.setattr(Wire, "_load", load)
    return made


async def asked(wire: Wire, grpc: Grpc) -> asyncio.Task[Any]:
    """A call that is under way."""
    before = len(grpc.calls)
    task = asyncio.create_task(wire.call("a:1", "KV", "Range", None))
    async with asyncio.timeout(5):
        while len(grpc.calls) == before:
            await asyncio.sleep(0)
    return task


async def test_after_a_silence_it_is_asked_by_a_new_connection(grpc: Grpc) -> None:
    wire = wire_to("a:1")
    await wire.ready()
    silent = await asked(wire, grpc)
    grpc.calls[0].set_exception(NoAnswer())
    with pytest.raises(Silent):
        await silent
    again = await asked(wire, grpc)
    grpc.calls[1].set_result("here")
    assert await again == "here"
    await wire.close()
    assert [channel.closed for channel in grpc.channels] == [True, True]


async def test_a_connection_by_which_another_call_was_answered_meanwhile_is_kept(grpc: Grpc) -> None:
    wire = wire_to("a:1")
    await wire.ready()
    silent, other = await asked(wire, grpc), await asked(wire, grpc)
    grpc.calls[1].set_result("here")
    assert await other == "here"
    grpc.calls[0].set_exception(NoAnswer())
    with pytest.raises(Silent):
        await silent
    again = await asked(wire, grpc)
    grpc.calls[2].set_result("here")
    await again
    assert len(grpc.channels) == 1
    await wire.close()


async def test_a_watch_that_is_given_up_is_cancelled_on_the_server_too(grpc: Grpc) -> None:
    wire = wire_to("a:1")
    await wire.ready()
    async with wire.watch("a:1", 1.0) as stream:
        assert not stream.cancelled
    with pytest.raises(Silent):
        async with wire.watch("a:1", 1.0):
            raise NoAnswer
    assert [stream.cancelled for stream in grpc.streams] == [True, True]
    await wire.close()
