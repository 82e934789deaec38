"""How a ZooKeeper ensemble is reached, and the four-letter words over its client ports."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from backends import tls
from backends.api.errors import BackendError, BadReply, Denied, Misconfigured, Silent, Unreachable
from backends.api.settings import SecretSetting
from backends.coordination.zookeeper_errors import not_zookeeper
from backends.coordination.zookeeper_words import (
    Status,
    broken_off,
    merged,
    not_listed,
    not_serving,
    parse_admin,
    parse_mntr,
    parse_srvr,
    whitelist_line,
)
from backends.exception_chain import ending, nobody_there
from backends.host_port import checked, join, split
from backends.masking import mask_url
from backends.no_json import NO_JSON

log = logging.getLogger("midwatch.zookeeper")

PORT = 2181
ANSWER_MOST = 1 << 20
"""Bytes of one answer; `mntr` has some 17,000."""
WORDS = ("srvr", "mntr", "conf")
"""The words that are asked; only the first one is whitelisted by default (since 3.5.3)."""


class Access(Struct, frozen=True):
    """How an ensemble is reached. `endpoints` and `admin` are `host:port`; `admin` is as long, or empty."""

    endpoints: tuple[str, ...]
    chroot: str = ""
    admin: tuple[str, ...] = ()
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: SecretSetting | None = None

    def __repr__(self) -> str:
        return f"Access({', '.join(self.endpoints)})"


class NotServing(Unreachable):
    """The server answers and takes no requests: it looks for a leader, or its quorum is lost."""


class NotListed(Denied):
    """A word that is not in the server's whitelist."""


def split_hosts(hosts: str) -> tuple[tuple[str, ...], str]:
    """A connection string as endpoints and chroot. Raises `Misconfigured`."""
    listed, slash, path = hosts.partition("/")
    endpoints = tuple(dict.fromkeys(endpoint(part.strip()) for part in listed.split(",") if part.strip()))
    if not endpoints:
        raise Misconfigured("no hosts: expected host:port,host:port and perhaps /chroot", where=hosts)
    return endpoints, f"/{path}".rstrip("/") if slash else ""


def endpoint(text: str) -> str:
    """`host:port`; port 2181 where there is none."""
    found = checked(text, PORT)
    if found is None:
        raise Misconfigured("no host: expected host:port", where=text)
    return found


class Wire:
    """Questions to the servers one by one. Belongs to one event loop."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.turn = 0
        """Which endpoint the next session begins with."""
        self.confirmed: float | None = None
        """When a session was last known to be well, in monotonic seconds."""
        self.reached: dict[str, str] = {}
        """The `IP:port` at which an address was reached last by a word."""
        self.admin_trouble: dict[str, BackendError] = {}
        """Why the AdminServer of an address was of no use when it was last asked."""
        self._tls: ssl.SSLContext | None = None
        self._http: Any = None

    async def ready(self) -> None:
        """Read certificates and import httpx where they are needed. Raises `Misconfigured`."""
        if self.access.tls and self._tls is None:
            self._tls = await asyncio.to_thread(_context, self.access)
        if self.access.admin and self._http is None:
            self._http = await asyncio.to_thread(_http)

    async def status(self, address: str, limit: float) -> Status:
        """What a server says of itself: by its AdminServer where one is set and answers, else by `srvr`, else by
        `mntr`. Raises `BackendError`."""
        if self._http is not None and address in self.access.endpoints:
            admin = self.access.admin[self.access.endpoints.index(address)]
            try:
                status = await self._by_admin(admin, limit / 2)
            except NotServing:
                raise
            except BackendError as error:
                log.info("%s, so by four-letter words", error)
                self.admin_trouble[address] = error
            else:
                self.admin_trouble.pop(address, None)
                return status
        try:
            status = parse_srvr(await self.word(address, "srvr", limit))
        except NotListed:
            status = parse_mntr(await self.word(address, "mntr", limit))
        if status.mode is None:
            raise BadReply("it answers without saying its mode", where=address, hint="is that ZooKeeper?")
        return status

    async def add_monitored(self, address: str, status: Status, limit: float) -> Status:
        """A status with what only `mntr` knows, where that is to be had."""
        if status.voters is not None:
            return status
        try:
            return merged(status, parse_mntr(await self.word(address, "mntr", limit)))
        except BackendError:
            return status

    async def word(self, address: str, word: str, limit: float) -> str:
        """A server's answer to a four-letter word, to its end. Raises `NotListed`, `NotServing`, `Silent`,
        `Unreachable`, `BadReply`."""
        async with _mapped(address, limit):
            host, port = split(address)
            reader, writer = await asyncio.open_connection(host, int(port), ssl=self._tls)
            try:
                self._note_peer(address, writer.get_extra_info("peername"))
                writer.write(word.encode())
                await writer.drain()
                data = await _first(reader, writer, limit / 2)
                data += await _to_end(reader, address)
            finally:
                writer.close()
            if not data and self._tls is None and await tls.spoken(host, int(port)):
                hint = "set ca, or cert and key, for this source"
                raise Misconfigured("the server speaks TLS", where=address, hint=hint)
        text = data.decode("utf-8", "replace")
        if not_listed(text, word):
            raise NotListed(
                f"{word} is not in its whitelist",
                where=address,
                hint=f"add to its zoo.cfg, and restart it: {whitelist_line(WORDS)}",
            )
        if not_serving(text):
            raise NotServing("it answers and serves nobody: no leader, or no quorum", where=address)
        if not text:
            hint = "not ZooKeeper, or more connections than its maxClientCnxns?"
            raise BadReply("it hung up without a word", where=address, hint=hint)
        if text.startswith(("HTTP/", "<")) or "\ufffd" in text[:64]:
            raise not_zookeeper(address)
        if broken_off(text, word):
            raise Unreachable(f"its answer to {word} broke off", where=address)
        return text

    def _note_peer(self, address: str, peer: tuple[Any, ...] | None) -> None:
        # One that hangs up at once has none any more.
        if peer is not None:
            host, port = peer[:2]
            self.reached[address] = join(host, port)

    async def _by_admin(self, address: str, limit: float) -> Status:
        monitor, stats = await asyncio.gather(
            self._command(address, "monitor", limit), self._command(address, "server_stats", limit)
        )
        return parse_admin(monitor, stats)

    async def _command(self, address: str, command: str, limit: float) -> dict[str, Any]:
        """One command of an AdminServer, as its JSON. Raises `BackendError`."""
        import httpx

        url = f"http://{address}/commands/{command}"
        try:
            async with asyncio.timeout(limit), self._http.stream("GET", url) as answer:
                if answer.status_code != 200:
                    to = answer.headers.get("location")
                    away = "" if to is None else f" and sends us to {mask_url(to)}"
                    raise BadReply(f"the AdminServer answers {answer.status_code}{away}", where=address)
                data = b""
                async for part in answer.aiter_raw():
                    data += part
                    if len(data) > ANSWER_MOST:
                        raise BadReply("the AdminServer's answer has no end", where=address)
            reply = msgspec.json.decode(data)
        except TimeoutError:
            raise Silent(f"no answer from the AdminServer within {limit:g} s", where=address) from None
        except httpx.HTTPError as error:
            raise Unreachable(f"no AdminServer: {ending(error) or error}", where=address) from None
        except NO_JSON:
            raise BadReply("the AdminServer's answer is no JSON", where=address) from None
        if not isinstance(reply, dict):
            raise BadReply("the AdminServer's answer is no JSON object", where=address)
        if reply.get("error"):
            text = str(reply["error"])
            raise NotServing(text, where=address) if not_serving(text) else BadReply(text, where=address)
        return reply

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()


async def _first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float) -> bytes:
    """The beginning of an answer. TLS waits for a fifth byte before it finds that ours is none; a server of words
    leaves it alone, as it comes with each `echo srvr | nc`."""
    try:
        async with asyncio.timeout(patience):
            return await reader.read(65536)
    except TimeoutError:
        writer.write(b"\n")
        return await reader.read(65536)


async def _to_end(reader: asyncio.StreamReader, address: str) -> bytes:
    data = b""
    while part := await reader.read(65536):
        data += part
        if len(data) > ANSWER_MOST:
            raise BadReply("its answer has no end", where=address, hint="is that ZooKeeper?")
    return data


@asynccontextmanager
async def _mapped(address: str, limit: float) -> AsyncIterator[None]:
    """The one place where a socket's errors become ours."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        raise Silent(f"no answer within {limit:g} s", where=address) from None
    except ssl.SSLCertVerificationError as error:
        raise Denied(f"its certificate is not accepted: {error.verify_message}", where=address) from None
    except ssl.SSLError as error:
        raise Unreachable(tls.words(error), where=address) from None
    except ConnectionResetError:
        raise Unreachable("the connection was reset", where=address) from None
    except OSError as error:
        lost = f"the connection was lost after {time.monotonic() - start:.1f} s"
        said = lost if isinstance(error, ConnectionError) else error.strerror or str(error)
        raise nobody_there(error, address, "ZooKeeper") or Unreachable(said, where=address) from None


def _context(access: Access) -> ssl.SSLContext:
    """As ZooKeeper's own client has it: the certificate must be signed by the CA and be for the host's name."""
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.cert is not None:
            context.load_cert_chain(access.cert, access.key)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"certificate or key not usable: {error.strerror or error}") from None
    return context


def _http() -> Any:
    import httpx

    # What comes packed might be very much, unpacked.
    return httpx.AsyncClient(trust_env=False, timeout=None, headers={"Accept-Encoding": "identity"})
