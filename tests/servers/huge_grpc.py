"""A gRPC server whose every answer is huge: HTTP/2 by hand (RFC 9113), as no real one can be told to."""

from __future__ import annotations

import asyncio
import struct

from tests.servers.relay import PART, Fault, Link, readable

PREFACE = 24
DATA, HEADERS, SETTINGS, PING, WINDOW = 0, 1, 4, 6, 8
ACK = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 4
FRAME = 16_384
GRPC = b"\x88\x0f\x10\x10application/grpc"
"""HPACK of `:status: 200` and the content type (RFC 7541, appendix A: entries 8 and 31)."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class HugeGrpc(Fault):
    """New connections are answered so; those from before have ended."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    async def asked(self, link: Link) -> bool:
        if link.used:
            return False
        talk = asyncio.create_task(_Conversation(link, self._size).go_on())
        over = asyncio.create_task(self.lifted.wait())
        try:
            await asyncio.wait({talk, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talk, over):
                task.cancel()
            await asyncio.gather(talk, over, return_exceptions=True)
        return False

    async def answered(self, link: Link) -> bool:
        return not link.used and bool(link.server.recv(PART))


class _Conversation:
    """One connection: what the client allows to be sent, and what is still to be sent on each stream."""

    def __init__(self, link: Link, size: int) -> None:
        self._link, self._size = link, size
        self._came = b""
        self._initial = self._window = 65_535
        self._windows: dict[int, int] = {}
        self._left: dict[int, int] = {}

    async def go_on(self) -> None:
        await self._more(PREFACE)
        self._came = self._came[PREFACE:]
        await self._link.down(frame(SETTINGS, 0, 0))
        while True:
            await self._more(9)
            length = int.from_bytes(self._came[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", self._came[3:9])
            await self._more(9 + length)
            payload, self._came = self._came[9 : 9 + length], self._came[9 + length :]
            await self._take(kind, flags, stream, payload)
            await self._send()

    async def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at : at + 6])
                self._initial = value if name == INITIAL_WINDOW_SIZE else self._initial
            await self._link.down(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            await self._link.down(frame(PING, ACK, 0, payload))
        elif kind == WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == WINDOW:
            self._windows[stream] = self._windows.get(stream, self._initial) + int.from_bytes(payload, "big")
        elif kind == HEADERS:
            self._windows.setdefault(stream, self._initial)
            self._left[stream] = self._size
            head = b"\0" + struct.pack(">I", self._size)
            self._window -= len(head)
            self._windows[stream] -= len(head)
            await self._link.down(frame(HEADERS, END_HEADERS, stream, GRPC) + frame(DATA, 0, stream, head))

    async def _send(self) -> None:
        for stream in self._left:
            while (room := min(self._window, self._windows[stream], self._left[stream], FRAME)) > 0:
                await self._link.down(frame(DATA, 0, stream, bytes(room)))
                self._window -= room
                self._windows[stream] -= room
                self._left[stream] -= room

    async def _more(self, count: int) -> None:
        """Until so many bytes have come. Raises OSError at the end."""
        while len(self._came) < count:
            await readable(self._link.client)
            data = self._link.client.recv(PART)
            if not data:
                raise ConnectionError
            self._came += data
