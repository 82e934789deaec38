"""A server that says over HTTP what a real one can't be made to say on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes | str, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> Say:
    """One whole answer; `more` are further header lines, each with its CRLF."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}\r\n"

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + data)
        await writer.drain()

    return say


def flood(part: bytes, kind: str = "application/json") -> Say:
    """An answer that never ends."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode())
        while True:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()

    return say


def drip(seconds: float) -> Say:
    """A byte now and then: never silent, never done."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(seconds)

    return say


def raw(data: bytes) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return say


def in_turn(*says: Say) -> Say:
    """To each connection the next of these; nothing at all to those after them."""
    left = iter(says)

    async def say(writer: asyncio.StreamWriter) -> None:
        then = next(left, None)
        await (writer.wait_closed() if then is None else then(writer))

    return say


@asynccontextmanager
async def fake(say: Say, asked: list[str] | None = None) -> AsyncIterator[str]:
    """Its address. `asked` gets the head of each request."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if asked is not None:
                asked.append(head.decode())
            await say(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # Who asked has gone.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        # An accepted socket belongs to nobody until the loop has turned; what is aborted is closed a turn later.
        await turns(3)
        for writer in writers:
            # asyncio forgets its loop once what was left to send has gone, and fails on an abort after that.
            if not writer.transport.is_closing() or writer.transport.get_write_buffer_size():
                writer.transport.abort()
        await turns(1)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
