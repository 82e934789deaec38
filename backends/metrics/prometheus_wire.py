"""The calls to a Prometheus server that can be cancelled: over httpx, bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import importlib
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from backends import tls
from backends.api.errors import BackendError, BadReply, Denied
from backends.metrics.prometheus_access import Access
from backends.metrics.prometheus_body import PACKED, body
from backends.metrics.prometheus_credentials import Credentials, credentials_for
from backends.metrics.prometheus_trouble import (
    LESS,
    LOST,
    not_connected,
    not_json,
    refusal,
    silent,
    speaks_tls,
    too_large,
)
from backends.no_json import NO_JSON

T = TypeVar("T")
_Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

ANSWER_MOST = 8 << 20
"""Bytes of an answer that are taken."""
QUERY_IN_ADDRESS_MOST = 4_000
"""Characters of a query that still go into an address; proxies cut longer ones."""
REFUSED_KEPT = 30.0
"""Seconds for which secrets and certificates are kept although they are refused; then they are fetched anew:
tokens in files are renewed while we run, and a secret's command must not run at each try."""
KEPT_MOST, KEPT_FOR = 2, 20.0
"""How many connections wait for their next request, and seconds that they do: charts ask each ten or so."""
URLS = 8
"""Addresses that are kept: the same few are asked all the time, and httpx takes 0.1 ms to take one apart."""
INLINE = 64 << 10
"""Bytes of an answer that are read on the loop; more of them in a thread."""


class _Reply(msgspec.Struct, frozen=True):
    status: str
    data: msgspec.Raw


class Wire:
    """One server. Belongs to one event loop; connects at the first call."""

    def __init__(self, access: Access, timeout: float) -> None:
        self.access = access
        self.timeout = timeout
        self._httpx: Any = None
        self._client: Any = None
        self._credentials: Credentials | None = None
        self._made = 0.0
        self._opening = asyncio.Lock()
        self._url = lru_cache(URLS)(self._built)

    async def credentials(self) -> Credentials:
        """The secrets, fetched once. Raises `Misconfigured`."""
        async with self._opening:
            if self._credentials is not None:
                return self._credentials
            self._httpx, credentials = await asyncio.to_thread(self._prepare)
            self._credentials, self._made = credentials, time.monotonic()
            return credentials

    async def get(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        most: int = ANSWER_MOST,
        hint: str = LESS,
    ) -> bytes:
        """The `data` of an answer of the API below `/api/v1/`, as JSON. Raises `BackendError`; cancelling it
        cancels the request. `hint` is for an answer of more than `most` bytes."""
        limit = timeout or self.timeout
        client = await self._opened()
        long = sum(map(len, (parameters or {}).values())) > QUERY_IN_ADDRESS_MOST
        if long:
            request = client.build_request("POST", self._url(path), data=parameters)
        else:
            request = client.build_request("GET", self._url(path, *(parameters or {}).items()))
        request.extensions["timeout"] = self._httpx.Timeout(limit, connect=limit * 0.7).as_dict()
        try:
            async with asyncio.timeout(limit):
                status, headers, data = await self._send(client, request, most, hint)
        except TimeoutError:
            raise silent(self.access, limit) from None
        except zlib.error:
            raise BadReply("a packed answer that can't be unpacked", where=self.access.base) from None
        except (self._httpx.HTTPError, OSError) as error:  # OpenSSL's own come through httpx as they are.
            lost = not_connected(error, self.access, limit)
            raise await self._told(await explained(lost, self.access)) from None
        if status != 200:
            raise await self._told(refusal(status, headers, data, self.access))
        return await self._data(headers, data)

    async def _send(self, client: Any, request: Any, most: int, hint: str) -> _Answer:
        async with closed_if_cancelled(request):
            reply = await client.send(request, stream=True)
        try:
            data = await body(reply, most)
            if data is None:
                raise too_large(f"{most >> 20} MiB", self.access.base, hint)
            return reply.status_code, reply.headers, data
        finally:
            await reply.aclose()

    async def _data(self, headers: Mapping[str, str], data: bytes) -> bytes:
        def read() -> bytes:
            return bytes(msgspec.json.decode(data, type=_Reply).data)

        try:
            return await off_loop(read, len(data))
        except NO_JSON:
            raise not_json(headers, data, self.access) from None

    def _built(self, path: str, *parameters: tuple[str, str]) -> Any:
        return self._httpx.URL(f"{self.access.base}/api/v1/{path}", params=parameters or None)

    async def _opened(self) -> Any:
        credentials = await self.credentials()
        if self._client is None:
            self._client = self._httpx.AsyncClient(
                auth=None if credentials.auth is None else (credentials.auth[0], credentials.auth[1].reveal()),
                headers={
                    "Accept-Encoding": PACKED,
                    **{name: value.reveal() for name, value in credentials.headers.items()},
                },
                # Without TLS there is nothing to verify, and building a context reads files.
                verify=credentials.context if credentials.context is not None else False,
                # The machine's proxies and .netrc are not ours; a redirect would take secrets along.
                trust_env=False,
                follow_redirects=False,
                limits=self._httpx.Limits(
                    max_connections=100, max_keepalive_connections=KEPT_MOST, keepalive_expiry=KEPT_FOR
                ),
            )
        return self._client

    async def _told(self, error: BackendError) -> BackendError:
        if isinstance(error, Denied) and time.monotonic() - self._made > REFUSED_KEPT:
            self._credentials = None
            await self.close()
        return error

    def _prepare(self) -> tuple[Any, Credentials]:
        return load_client(), credentials_for(self.access)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


@asynccontextmanager
async def closed_if_cancelled(request: Any) -> AsyncIterator[None]:
    """Close a connection whose TLS handshake is cancelled within the block: httpcore 1.0.9 leaves it to the
    garbage collector, for its `start_tls` closes after an `Exception` only."""
    if request.url.scheme != "https":
        yield
        return
    shaking: list[Any] = []

    async def note(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            shaking.append(info["return_value"])
        elif event == "connection.start_tls.complete":
            shaking.clear()

    request.extensions["trace"] = note
    try:
        yield
    except asyncio.CancelledError:
        for connection in shaking:
            await connection.aclose()
        raise


async def explained(error: BackendError, access: Access) -> BackendError:
    """The same error, or the one behind it: who speaks TLS mostly hangs up on plain words."""
    if error.reason == LOST and not access.tls and await tls.spoken(access.host, access.port):
        return speaks_tls(access)
    return error


def load_client() -> Any:
    """Blocks for some 50 ms, for what is cached by the disk."""
    return importlib.import_module("httpx")


async def off_loop(call: Callable[[], T], size: int) -> T:
    """The result of reading `size` bytes, in a thread where they are many."""
    return call() if size <= INLINE else await asyncio.to_thread(call)
