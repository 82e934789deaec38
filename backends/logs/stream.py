"""Records from a stream that can only be read once: standard input, a FIFO."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator

from backends.api.models import LogBatch, LogBlock

CHUNK = 1 << 18
RECORD = 1 << 20
WAITING = 8
"""Chunks that may wait to be taken; then the stream's writer waits."""


async def read_stream(handle: int, origin: str) -> AsyncGenerator[LogBatch, None]:
    """Records until every writer has closed, the last one also without its LF; then it ends."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
    loop = asyncio.get_running_loop()

    def read() -> None:
        data = b"."
        while data:
            try:
                data = os.read(handle, CHUNK)
            except OSError:
                data = b""
            try:
                asyncio.run_coroutine_threadsafe(chunks.put(data), loop).result()
            except RuntimeError:
                return  # The loop is closed: nobody takes it any more.

    # A daemon: a read that waits for a writer can't be cancelled, and must not keep the process.
    threading.Thread(target=read, name=f"read {origin}", daemon=True).start()
    rest = b""
    while data := await chunks.get():
        rest += data
        end = rest.rfind(b"\n") + 1
        if end == 0 and len(rest) < RECORD:
            continue
        end = end or len(rest)
        yield LogBatch((_block(origin, rest[:end]),), None)
        rest = rest[end:]
    if rest:
        yield LogBatch((_block(origin, rest),), None)


def _block(origin: str, data: bytes) -> LogBlock:
    data = data.removesuffix(b"\n")
    return LogBlock(origin, data, data.count(b"\n") + 1)
