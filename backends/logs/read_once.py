"""Reading to the end what can only be read once: standard input, or a FIFO by its path."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError
from contextlib import aclosing

from backends.api.logs import LogBatch
from backends.logs.splitter import CHUNK, Splitter

WAITING = 8
"""Chunks that may wait to be taken; then the stream's writer waits."""


async def read_stream(stream: int | str, origin: str = "-") -> AsyncGenerator[LogBatch, None]:
    """Records as they come, until every writer has closed; the last one also without its LF. Then it ends.

    `stream` is a descriptor, which stays the caller's in whatever mode it is, or a path: a FIFO's is opened
    here, which waits for its first writer. A record longer than 8 MiB comes in pieces.
    """
    splitter = Splitter(origin)
    async with aclosing(_bytes_of(stream, f"read {origin}")) as chunks:
        async for data in chunks:
            block = splitter.feed(data)
            if block is not None:
                yield LogBatch((block,), None)
    block = splitter.rest()
    if block is not None:
        yield LogBatch((block,), None)


async def _bytes_of(stream: int | str, thread: str) -> AsyncGenerator[bytes, None]:
    """What a thread of that name reads."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
    loop = asyncio.get_running_loop()
    left = threading.Event()

    def give(data: bytes) -> bool:
        put = chunks.put(data)
        try:
            asyncio.run_coroutine_threadsafe(put, loop).result()
        except (RuntimeError, CancelledError):
            put.close()  # The loop is closed: nobody takes it any more.
            return False
        return not left.is_set()

    # A daemon: a read that waits for a writer can't be cancelled, and must not keep the process.
    threading.Thread(target=_read, args=(stream, give), name=thread, daemon=True).start()
    try:
        while data := await chunks.get():
            yield data
    finally:
        left.set()
        while not chunks.empty():
            chunks.get_nowait()


def _read(stream: int | str, give: Callable[[bytes], bool]) -> None:
    """Blocks. `give` takes what is read, and nothing at the end, and says whether it would take more."""
    data, wanted = b".", True
    handle = stream if isinstance(stream, int) else -1
    while data and wanted:
        try:
            if handle < 0 and isinstance(stream, str):
                handle = os.open(stream, os.O_RDONLY | os.O_CLOEXEC)
            data = os.read(handle, CHUNK)
        except OSError:
            data = b""
        wanted = give(data)
    if handle >= 0 and handle != stream:
        os.close(handle)
