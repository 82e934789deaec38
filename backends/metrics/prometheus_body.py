"""The body of an answer, bounded: packed, a hundred kilobytes of it may be a hundred megabytes."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Any

PACKED = "gzip"
"""What we ask for, and all that we unpack."""
PIECE = 1 << 18
"""Bytes that are unpacked at once; httpx would unpack all that has come."""


async def body(reply: Any, most: int) -> bytes | None:
    """All of it, unpacked; None where that is more than `most` bytes. Raises what httpx does and `zlib.error`."""
    if int(reply.headers.get("content-length", 0)) > most:
        return None
    data = bytearray()
    async for piece in _pieces(reply):
        data += piece
        if len(data) > most:
            return None
    return bytes(data)


async def _pieces(reply: Any) -> AsyncIterator[bytes]:
    if reply.headers.get("content-encoding", "").strip().lower() != PACKED:
        async for came in reply.aiter_raw():
            yield came
        return
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    # To the answer's own end, too: a connection is kept for the next request only then.
    async for came in reply.aiter_raw():
        if unpack.eof:
            return  # It would keep what comes behind its end.
        while came:
            yield unpack.decompress(came, PIECE)
            came = unpack.unconsumed_tail
