"""A relay before a real server: what can go wrong on a wire between two hosts, switched while it runs."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.servers.fake_http import Say

PART = 1 << 16
"""Bytes that are taken at once."""


class Link:
    """One connection through the relay. `fault` is what it suffers from now on, whatever the others do."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.fault: Fault | None = None
        self.used = False
        """Whether bytes have gone through."""

    async def up(self, data: bytes) -> None:
        self.used = True
        await asyncio.get_running_loop().sock_sendall(self.server, data)

    async def down(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.client, data)

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Fault:
    """What becomes of bytes on their way. Of this one: they arrive."""

    def __init__(self) -> None:
        self.lifted = asyncio.Event()

    async def asked(self, link: Link) -> bool:
        """The client has something to say, or has gone; whether the connection goes on."""
        data = link.client.recv(PART)
        await link.up(data)
        return bool(data)

    async def answered(self, link: Link) -> bool:
        """The server has something to say, or has gone; whether the connection goes on."""
        data = link.server.recv(PART)
        await link.down(data)
        return bool(data)


class Cut(Fault):
    """Most of an answer arrives, and then the end; what is asked after it nobody hears, until the client goes."""

    async def asked(self, link: Link) -> bool:
        return bool(link.client.recv(PART)) if link.fault is self else await super().asked(link)

    async def answered(self, link: Link) -> bool:
        data = link.server.recv(PART)
        if link.fault is not self:
            link.fault = self
            await link.down(data[: len(data) * 9 // 10])
            link.client.shutdown(socket.SHUT_WR)
        return bool(data)


class HalfOpen(Fault):
    """The other end has gone without a word. It stays gone for a connection that has met this once."""

    async def asked(self, link: Link) -> bool:
        link.fault = self
        return bool(link.client.recv(PART))

    async def answered(self, link: Link) -> bool:
        link.fault = self
        return bool(link.server.recv(PART))


class Drip(Fault):
    """One byte a second."""

    async def answered(self, link: Link) -> bool:
        data = link.server.recv(PART)
        gone = 0
        while gone < len(data) and not self.lifted.is_set():
            await link.down(data[gone : gone + 1])
            gone += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.lifted.wait()
        await link.down(data[gone:])
        return bool(data)


class Reset(Fault):
    """The connection is reset as soon as something is said."""

    async def asked(self, link: Link) -> bool:
        # What is unread makes a reset of it on a unix socket too.
        with suppress(OSError):
            link.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    async def answered(self, link: Link) -> bool:
        return await self.asked(link)


class Tls(Fault):
    """The server has learned TLS: it takes nothing else, and its connections from before have ended."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    async def asked(self, link: Link) -> bool:
        if link.used:
            return False
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        spoken = self._context.wrap_bio(came, goes, server_side=True)
        while True:
            try:
                spoken.read()
                return False
            except ssl.SSLWantReadError:
                await link.down(goes.read())
                await readable(link.client)
                data = link.client.recv(PART)
                if not data:
                    return False
                came.write(data)
            except ssl.SSLError:
                await link.down(goes.read())
                return False

    async def answered(self, link: Link) -> bool:
        return False


class Instead(Fault):
    """Somebody else answers."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    async def asked(self, link: Link) -> bool:
        if not link.client.recv(PART):
            return False
        _, writer = await asyncio.open_connection(sock=link.client.dup())
        try:
            await self._say(writer)
            await writer.drain()
        finally:
            writer.close()
        return False


class Relay:
    """`target` is `host:port`, or the path of a unix socket; then the relay listens at one beside it. Connections
    whose first bytes `spared` knows go through whatever happens to the others."""

    def __init__(
        self, target: str, *, port: int = 0, spared: Callable[[bytes], bool] = lambda first: False
    ) -> None:
        self._target, self._port, self._spared = target, port, spared
        self._fault = Fault()
        self._links: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if self._target.startswith("/"):
            self.address = f"{self._target}.relay"
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.address)
        else:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = {self._accepting, *self._links}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._listener.close()
        if self._target.startswith("/"):
            os.unlink(self.address)

    def suffer(self, fault: Fault) -> None:
        """From now on, open connections too."""
        self._fault.lifted.set()
        self._fault = fault

    def heal(self) -> None:
        self.suffer(Fault())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            task = asyncio.create_task(self._serve(client))
            self._links.add(task)
            task.add_done_callback(self._links.discard)

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)
        server = socket.socket(socket.AF_UNIX if self._target.startswith("/") else socket.AF_INET)
        server.setblocking(False)
        link = Link(client, server)
        pumps: list[asyncio.Task[None]] = []
        try:
            host, _, port = self._target.rpartition(":")
            address = self._target if not host else (host, int(port))
            await asyncio.get_running_loop().sock_connect(server, address)
            await readable(client)
            if self._spared(client.recv(16, socket.MSG_PEEK)):
                link.fault = Fault()
            pumps = [asyncio.create_task(self._up(link)), asyncio.create_task(self._down(link))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # The server is not there.
        finally:
            for pump in pumps:
                pump.cancel()
            try:
                await asyncio.gather(*pumps, return_exceptions=True)
            finally:
                link.close()

    async def _up(self, link: Link) -> None:
        going = True
        with suppress(OSError):
            while going:
                await readable(link.client)
                going = await (link.fault or self._fault).asked(link)

    async def _down(self, link: Link) -> None:
        going = True
        with suppress(OSError):
            while going:
                await readable(link.server)
                going = await (link.fault or self._fault).answered(link)


async def readable(one: socket.socket) -> None:
    """Until there is something to read, or the end; none of it is taken."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(one, tell)
    try:
        await ready
    finally:
        loop.remove_reader(one)
