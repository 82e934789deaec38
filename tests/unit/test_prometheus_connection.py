"""One connection serves the requests that follow each other: packed answers are read to their own end too."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from backends.metrics.prometheus_access import PrometheusSettings
from backends.metrics.prometheus_wire import Wire

PACKED = gzip.compress(b'{"status":"success","data":[1]}')
SIZED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(PACKED), PACKED)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (len(PACKED), PACKED)
)


@pytest.mark.parametrize("answer", [SIZED, CHUNKED], ids=["sized", "chunked"])
async def test_a_connection_is_kept(answer: bytes) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()
            over.set()

    over = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    wire = Wire(PrometheusSettings(url=f"http://{host}:{port}").access(), 5.0)
    try:
        for _ in range(3):
            assert await wire.get("alerts") == b"[1]"
    finally:
        await wire.close()
        await over.wait()
        server.close()
    assert connections == 1
