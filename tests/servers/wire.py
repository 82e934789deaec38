"""What a backend's feeds say while the wire to its server is at fault: of what kind, in which words, how soon,
and at the cost of how much memory; and that they are back by themselves when it is lifted."""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trustme
from msgspec import Struct

from backends.api.backend import Backend
from backends.api.capabilities import ABILITIES
from backends.api.errors import BackendBug, BackendError, SourceEnded
from backends.api.feed import Feed
from backends.api.readings import State
from tests.servers.fake_http import Say, answer
from tests.servers.relay import Fault, Relay
from tests.waiting import until

TIMEOUT = 2.0
"""Seconds that the backends under test are given, so that silence is told soon."""
PATIENT = 5.0
"""Seconds where something else than the time is to end it, on a machine that is busy, too."""
SOON = 10.0
"""Seconds within which each fault is told: most are within 2, on a machine that has nothing else to do."""
BACK = 20.0
"""Seconds within which they are live again; a feed waits for 5 at most between two attempts."""
HUGE = 200 << 20
"""Bytes of a huge answer."""
GROWTH = 40
"""MB by which a process may grow for one."""
AGAIN = 2
"""Attempts that a huge answer is met in: what one of them leaves behind adds up."""


class Told(Struct, frozen=True):
    """What is to be told of a fault."""

    kind: type[BackendError]
    words: str

    def by(self, error: BackendError) -> bool:
        return type(error) is self.kind and re.search(self.words, error.reason) is not None


class Eyes:
    """The feeds of a backend, with each error that they have told."""

    def __init__(self, backend: Backend, nouns: tuple[str, ...]) -> None:
        self.backend = backend
        self.feeds: dict[str, Feed[Any, Any]] = {
            noun: Feed(f"the feed of {noun}", ABILITIES[noun].source(backend), pace=ABILITIES[noun].pace)
            for noun in nouns
        }
        self.errors: dict[str, list[BackendError]] = {noun: [] for noun in nouns}
        for noun, feed in self.feeds.items():
            feed.watch(lambda new, before, noun=noun: self._hear(noun, new))  # type: ignore[misc]

    def _hear(self, noun: str, reading: Any) -> None:
        if reading.error is not None and reading.next_try is not None:
            self.errors[noun].append(reading.error)

    def live(self) -> bool:
        return all(feed.reading.state is State.LIVE for feed in self.feeds.values())

    def all_told(self, told: Told, times: int) -> bool:
        return all(sum(map(told.by, errors)) >= times for errors in self.errors.values())


@asynccontextmanager
async def eyes_of(backend: Backend, *nouns: str) -> AsyncIterator[Eyes]:
    """Live, and closed with the backend."""
    eyes = Eyes(backend, nouns)
    try:
        await until(eyes.live, BACK)
        yield eyes
    finally:
        for feed in eyes.feeds.values():
            await feed.close()
        await backend.close()


async def suffers(relay: Relay, eyes: Eyes, fault: Fault, told: Told, *, growth: int | None = None) -> None:
    """That a fault is told so by each feed, and nothing of it is left when it is lifted. `growth` is what it may
    cost, in MB, over some attempts."""
    times = 1 if growth is None else AGAIN
    with most_grown() as grown:
        relay.suffer(fault)
        try:
            await until(lambda: eyes.all_told(told, times), SOON * times)
        except TimeoutError:
            raise AssertionError(f"told was {eyes.errors}") from None
        if growth is not None:
            assert grown() < growth, grown()
    assert not eyes.live()
    async with asyncio.timeout(SOON):
        (check,) = await eyes.backend.check()
    assert not check.ok
    assert check.text
    relay.heal()
    await until(eyes.live, BACK)
    for noun, errors in eyes.errors.items():
        for error in errors:
            assert not isinstance(error, BackendBug | SourceEnded), error
            # In the backend's own words: the feed itself would only say that there was no answer.
            assert eyes.feeds[noun].name not in error.where, error


@contextmanager
def most_grown() -> Iterator[Any]:
    """By how many MB this process is or was larger than at the beginning, whoever in it took the memory."""
    gc.collect()
    # proc(5): 5 sets the high-water mark to what is resident now.
    Path("/proc/self/clear_refs").write_text("5")
    before = _megabytes("VmRSS")
    yield lambda: _megabytes("VmHWM") - before


def _megabytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1)) >> 10


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def huge(head: bytes) -> Say:
    """A beginning, and then so many blanks that all of it is huge."""
    part = b" " * (1 << 18)

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(HUGE // len(part)):
            writer.write(part)
            await writer.drain()

    return say


def packed_http(kind: str) -> Say:
    """As huge, and packed a thousandth of it."""
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    # Behind a full flush a part can be had again without being packed again, which would keep the loop.
    first, again = (pack.compress(b" " * (1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    body = first + again * (HUGE >> 20)
    return answer(body, kind=kind, more="Content-Encoding: gzip\r\n")


def huge_http(kind: str) -> Say:
    return huge(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {HUGE}\r\n\r\n".encode())
