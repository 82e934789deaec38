"""supervisord's wire: XML-RPC and the logs' streams, over its unix socket or HTTP, each failure in its own words.

Calls and faults as in supervisord.org/api.html; `/logtail` as in supervisor/http.py. Programs' logs never travel
by XML-RPC: one escape byte makes an answer that no parser takes, and one byte that is not UTF-8 makes HTTP 500
(4.2.5, 4.3.0).
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from backends import tls
from backends.api.errors import (
    BackendError,
    BadReply,
    Conflict,
    Denied,
    Misconfigured,
    NotFound,
    Silent,
    TimedOut,
    Unreachable,
    Unsupported,
)
from backends.api.settings import Secret, SecretSetting
from backends.exception_chain import causes, ending
from backends.host_port import bracketed, is_loopback
from backends.masking import mask_url
from backends.secrets import reveal

STREAMS = 32
"""Logs that are followed over the wire at most; each is a connection that supervisord looks after."""
MOST_BYTES = 32 << 20
"""Bytes that an answer may have; a thousand programs need one MiB."""
AT_ONCE = 64 << 10
"""Bytes of an answer that are parsed on the loop; larger ones in a thread."""
CONNECT = 2.0
"""Seconds that a connection may take."""
REQUESTS = 8
"""Requests that are kept: the same few are made all the time, and httpx takes 0.1 ms to build one."""
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""A log that is followed may be quiet for hours: where its other end has gone without a word, or a firewall has
forgotten it, the kernel finds out in 25 s."""
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML can't hold, which supervisord sends all the same (in a spawn error, say)."""

UNKNOWN_METHOD, SHUTDOWN_STATE, BAD_NAME, SPAWN_ERROR = 1, 6, 10, 50
CONFLICTS = {
    11: "no such signal",
    20: "its program's file is not there",
    21: "its program may not be run",
    60: "it runs already",
    70: "it does not run",
}
"""Faults of supervisor/xmlrpc.py; after these nothing was changed."""


class SpawnFailed(BackendError):
    """A start that was tried and did not go well: supervisord may go on trying, its state says."""


class Address(Struct, frozen=True):
    """Where a supervisord is: the path of its socket, or a base URL. `shown` has no password in it; `near` says
    that the address is one of this host (who answers there may be elsewhere all the same: a tunnel)."""

    shown: str
    base: str
    socket: str | None
    near: bool
    host: str | None
    username: str | None = None
    password: Secret | None = None


def address_of(url: str) -> Address:
    """Raises `Misconfigured` for what is neither `unix:///path` nor `http(s)://host:port`."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path and not parts.netloc:
        path = unquote(parts.path)
        return Address(f"unix://{path}", "http://supervisor", path, True, None)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise Misconfigured(
            "no address of a supervisord", where="url", hint="expected unix:///path or http://host:port"
        )
    host = bracketed(parts.hostname)
    base = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.removesuffix('/RPC2').rstrip('/')}"
    return Address(
        shown=base,
        base=base,
        socket=None,
        near=is_loopback(parts.hostname),
        host=parts.hostname,
        username=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
    )


def load_client() -> tuple[ModuleType, ModuleType]:
    """httpx, and the XML-RPC of the standard library. Blocks for some 60 ms."""
    import xmlrpc.client

    import httpx

    return httpx, xmlrpc.client


class Rpc:
    """Calls to one supervisord. `patience` is how long one of them may take, in seconds."""

    def __init__(
        self, address: Address, username: str | None, password: SecretSetting | None, patience: float
    ) -> None:
        self.address = address
        self._username = username or address.username
        self._password = password if password is not None else address.password
        self.patience = patience
        self._client: Any = None
        self._making = asyncio.Lock()
        self._request = lru_cache(REQUESTS)(self._build)

    @property
    def username(self) -> str | None:
        return self._username

    def secret(self) -> Secret | None:
        """Its password. Blocks; raises `Misconfigured` where it can't be had."""
        held = self._password
        return held if isinstance(held, Secret) or held is None else reveal(held)

    async def call(self, method: str, *params: object) -> Any:
        """The result of one method. Raises `BackendError`."""
        client = await self._ready()
        async with self._mapped(f"no answer within {self.patience:g} s"):
            async with asyncio.timeout(self.patience):
                reply = await client.send(self._request(self._xml.dumps(params, method)), stream=True)
                try:
                    self._check(reply)
                    data = await self._read(reply)
                finally:
                    await reply.aclose()
                if len(data) <= AT_ONCE:
                    return self._parse(data)
                return await asyncio.to_thread(self._parse, data)

    @asynccontextmanager
    async def tail(self, program: str, channel: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The last 1,024 bytes of a program's log (`stdout`, `stderr`), then what comes, as it comes.

        Raises `NotFound` where there is no such log, as before a program's first start.
        """
        client = await self._ready()
        path = f"/logtail/{quote(program, safe=':')}/{channel}"
        async with self._mapped(f"no answer within {self.patience:g} s"):
            async with asyncio.timeout(self.patience):
                reply = await client.send(client.build_request("GET", path), stream=True)
            try:
                if reply.status_code == 404:
                    raise NotFound("no such log", where=f"{self.address.shown}{path}")
                self._check(reply)
                yield reply.aiter_raw()
            finally:
                await reply.aclose()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ready(self) -> Any:
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
        return self._client

    def _build(self, body: str) -> Any:
        return self._client.build_request("POST", "/RPC2", content=body, headers={"Content-Type": "text/xml"})

    def _make(self) -> Any:
        self._httpx, self._xml = load_client()
        httpx, address = self._httpx, self.address
        limits = httpx.Limits(max_connections=STREAMS + 4, max_keepalive_connections=2)
        # Making a TLS context reads all certificates of the system, for nothing but https.
        verify = address.base.startswith("https:")
        auth = None
        if self._username is not None or self._password is not None:
            secret = self.secret()
            auth = httpx.BasicAuth(self._username or "", secret.reveal() if secret is not None else "")
        return httpx.AsyncClient(
            base_url=address.base,
            transport=httpx.AsyncHTTPTransport(
                uds=address.socket,
                limits=limits,
                verify=verify,
                socket_options=None if address.socket else KEEPALIVE,
            ),
            timeout=httpx.Timeout(None, connect=CONNECT),
            auth=auth,
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )

    def _check(self, reply: Any) -> None:
        where, status = self.address.shown, reply.status_code
        if status == 401:
            if self._username is None:
                raise Denied("wants a user and a password", where=where, hint="set username and password")
            raise Denied(
                "wrong user or password",
                where=where,
                hint="they are in [unix_http_server] or [inet_http_server] of its supervisord.conf",
            )
        if status == 403:
            raise Denied("permission denied", where=where)
        if 300 <= status < 400:
            to = mask_url(reply.headers.get("location", "") or "elsewhere")
            hint = "set url to what answers itself: a redirect would take the password along, and is not followed"
            raise Misconfigured(f"redirects to {to}", where=where, hint=hint)
        if status != 200:
            raise BadReply(f"HTTP {status}: is this a supervisord?", where=where)

    async def _read(self, reply: Any) -> bytes:
        kind = reply.headers.get("content-type", "")
        if "xml" not in kind:
            raise BadReply(
                f"answers HTTP, but is no supervisord ({kind or 'no content type'})", where=self.address.shown
            )
        data = bytearray()
        told = int(reply.headers.get("content-length", 0))
        # As it comes: a little of what is packed may be very much, and supervisord packs nothing.
        async for part in reply.aiter_raw():
            data += part
            if max(told, len(data)) > MOST_BYTES:
                raise BadReply(f"an answer of more than {MOST_BYTES >> 20} MiB", where=self.address.shown)
        return bytes(data)

    def _parse(self, data: bytes) -> Any:
        from xml.parsers.expat import ExpatError

        text = NOT_XML.sub("\ufffd", data.decode("utf-8", "replace"))
        try:
            (result,), _ = self._xml.loads(text)
        except self._xml.Fault as fault:
            raise self._fault(fault.faultCode, fault.faultString) from None
        except (ExpatError, self._xml.ResponseError, ValueError, TypeError, KeyError) as error:
            raise BadReply(f"an answer that is no XML-RPC: {error}", where=self.address.shown) from error
        return result

    def _fault(self, code: int, text: str) -> BackendError:
        where = self.address.shown
        if code == SHUTDOWN_STATE:
            return Unreachable("supervisord is shutting down", where=where)
        if code == BAD_NAME:
            return NotFound(f"no such program ({text})", where=where)
        if code == UNKNOWN_METHOD:
            return Unsupported(f"this supervisord has no such call ({text})", where=where)
        if code == SPAWN_ERROR:
            return SpawnFailed(f"it could not be spawned ({text})", where=where)
        if code in CONFLICTS:
            return Conflict(f"{CONFLICTS[code]} ({text})", where=where)
        return BadReply(f"fault {code}: {text}", where=where)

    @asynccontextmanager
    async def _mapped(self, silence: str) -> AsyncIterator[None]:
        """httpx's exceptions as ours. Texts of exceptions are not shown: a URL may be in them."""
        httpx, where = self._httpx, self.address.shown
        try:
            yield
        except httpx.ConnectTimeout as error:
            raise TimedOut(f"no connection within {CONNECT:g} s", where=where) from error
        except TimeoutError as error:
            raise Silent(silence, where=where, hint="connected: it may be frozen, or very busy") from error
        except httpx.ConnectError as error:
            raise self._refused(error) from error
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            if (ended := ending(error)) is not None:
                raise Unreachable(ended, where=where) from error
            if "disconnected" in str(error) or "closed" in str(error):
                if await self._speaks_tls():
                    # Not `Misconfigured`, after which a change would count as not made: who hung up is not known.
                    hint = "write the url with https://"
                    raise Unreachable("the server speaks TLS", where=where, hint=hint) from error
                hint = "it is going down, or this is no supervisord"
                raise Unreachable("the connection was closed", where=where, hint=hint) from error
            raise BadReply("does not speak HTTP: is this a supervisord?", where=where) from error
        except httpx.TransportError as error:
            ended = ending(error) or f"the connection broke ({type(error).__name__})"
            raise Unreachable(ended, where=where) from error

    async def _speaks_tls(self) -> bool:
        """Of one that has hung up on plain words."""
        parts = urlsplit(self.address.base)
        if self.address.socket is not None or parts.scheme == "https":
            return False
        return await tls.spoken(parts.hostname or "", parts.port or 80)

    def _refused(self, error: BaseException) -> BackendError:
        where, path = self.address.shown, self.address.socket
        told = (cause for cause in causes(error) if isinstance(cause, OSError) and cause.errno is not None)
        cause = next(told, None)
        number = None if cause is None else cause.errno
        if number in (errno.ENOENT, errno.ENOTDIR):
            return Unreachable(
                "no such socket",
                where=where,
                hint="is supervisord running? file= in [unix_http_server] of its supervisord.conf says where",
            )
        if number in (errno.EACCES, errno.EPERM):
            return Denied(
                "permission denied",
                where=where,
                hint="run midwatch as the socket's owner; chmod= and chown= in [unix_http_server] say who may",
            )
        if number == errno.ECONNREFUSED:
            hint = "its supervisord was killed and left the socket behind" if path else "is supervisord running?"
            return Unreachable("connection refused", where=where, hint=hint)
        if isinstance(cause, socket.gaierror):
            return Unreachable("host name not found", where=where)
        if cause is None or number is None:
            return Unreachable("no connection", where=where)
        return Unreachable(errno.errorcode.get(number, "no connection"), where=where)
