"""etcd's wire: one gRPC channel per endpoint, authentication, and every failure in its own words.

Messages and stubs are aetcd's (protos of etcd 3.5); its client and its Watcher are not used: a watch that was
denied hangs there for ever, and progress notifications are swallowed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from backends.api.errors import BackendError, Misconfigured, Silent, TooLarge, Unreachable, bare
from backends.api.settings import Secret
from backends.coordination.all_failed import why_all_failed
from backends.coordination.etcd_credentials import Credentials, credentials_for
from backends.coordination.etcd_diagnose import Access, diagnose
from backends.coordination.etcd_errors import NoAuth, OtherCluster, TokenExpired, meaning
from backends.host_port import join

ANSWER_MOST = 16 << 20
"""Bytes of an answer: a page of keys, each with its value, and of values that are no payloads."""
OPTIONS = (
    # A server that returns must be seen again at once; gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # More often than each 5 s earns a GOAWAY (etcd's --grpc-keepalive-min-time).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.max_receive_message_length", ANSWER_MOST),
    ("grpc.enable_http_proxy", 0),
    # Else a channel that takes another's place gets its connection too.
    ("grpc.use_local_subchannel_pool", 1),
)

LEFT_FOR = 5.0
"""Seconds over its time after which no call is under way on a connection that has been left."""
LEARNED_MOST = 16
"""Advertised addresses that are kept: clusters have three, five or seven members."""


def load_client() -> tuple[Any, Any, Any]:
    """gRPC, etcd's messages and its stubs. Blocks for some 40 ms, for what is cached by the disk."""
    # Read by gRPC's core when it is imported: it would print over the screen.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    names = ("grpc.aio", "aetcd.rpc.rpc_pb2", "aetcd.rpc.rpc_pb2_grpc")
    grpc, messages, stubs = (importlib.import_module(name) for name in names)
    return grpc, messages, stubs


def client_address(endpoint: str) -> tuple[str, bool]:
    """An endpoint as `host:port`, and whether it is written with https. Port 2379 where it has none."""
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    if not parts.hostname or (parts.scheme and parts.scheme not in ("http", "https")):
        raise Misconfigured("no endpoint: expected host:port or http(s)://host:port", where=endpoint)
    try:
        port = parts.port or 2379
    except ValueError:
        raise Misconfigured("the port is no number up to 65535", where=endpoint) from None
    return join(parts.hostname, port), parts.scheme == "https"


class Wire:
    """The connections to one cluster. Belongs to one event loop; `ready` must be awaited before use."""

    pb: Any
    """aetcd's messages (`rpc_pb2`)."""

    def __init__(self, access: Access, timeout: float) -> None:
        self.access = access
        self.timeout = timeout
        self.cluster: int | None = None
        """Which cluster this is, once known (`check_cluster`)."""
        self.silences = 0
        """Endpoints in turn that did not speak in time; here, so that a watch begun anew is as patient."""
        self._stubs: Any = None
        self._grpc: Any = None
        self._channels: dict[str, Any] = {}
        self._credentials: dict[str, Credentials] = {}
        self._heard: dict[str, float] = {}
        self._retired: dict[Any, asyncio.Task[None]] = {}
        self._tokens: dict[str, str] = {}
        self._signing_in: dict[str, asyncio.Lock] = {}
        self._password: Secret | None = None
        self._loading = asyncio.Lock()
        self._diagnosing = asyncio.Semaphore(2)
        self._learned: tuple[str, ...] = ()
        self._first = access.endpoints[0]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Our endpoints and then those that were learned, turned so that the one to try first is first."""
        ring = self.access.endpoints + self._learned
        at = ring.index(self._first) if self._first in ring else 0
        return ring[at:] + ring[:at]

    def prefer(self, endpoint: str) -> None:
        self._first = endpoint

    def move_on(self, failed: str) -> None:
        """Go to the endpoint behind one that failed."""
        ring = self.access.endpoints + self._learned
        at = ring.index(failed) + 1 if failed in ring else 0
        self._first = ring[at % len(ring)]

    def learn(self, members: Iterable[Any]) -> None:
        """Members' advertised addresses, for the day on which none of ours answers."""
        found: dict[str, None] = {}
        for member in members:
            for url in member.clientURLs:
                try:
                    address, tls = client_address(url)
                except BackendError:
                    continue
                if tls == self.access.tls and address not in self.access.endpoints:
                    found[address] = None
        self._learned = tuple(found)[:LEARNED_MOST]

    @property
    def cluster_id(self) -> str | None:
        """As etcdctl writes it."""
        return None if self.cluster is None else f"{self.cluster:x}"

    def check_cluster(self, header: Any, endpoint: str) -> None:
        """Raises `OtherCluster` where an answer is not the cluster's that the first answer was."""
        if self.cluster is None:
            self.cluster = header.cluster_id
        if header.cluster_id == self.cluster:
            return
        if endpoint in self._learned:
            # An advertised http://localhost:2379 is whatever runs here, not what runs there.
            self._learned = tuple(address for address in self._learned if address != endpoint)
            raise Unreachable("its advertised address leads to another cluster", where=endpoint)
        raise OtherCluster(f"belongs to another cluster ({header.cluster_id:x})", where=endpoint)

    async def ready(self) -> None:
        """Import the client and fetch the secrets, once. Raises `Misconfigured`."""
        async with self._loading:
            if self._stubs is None:
                await asyncio.to_thread(self._load)

    def _load(self) -> None:
        self._grpc, self.pb, stubs = load_client()
        if self.access.password is not None:
            self._password = self.access.password.get()
        self._stubs = stubs

    async def call(
        self,
        endpoint: str,
        service: str,
        method: str,
        request: Any,
        timeout: float | None = None,
        *,
        leader: bool = False,
    ) -> Any:
        """One call to one endpoint, with `leader` only if it has one. Raises `BackendError`; signs in where a
        user is configured, and once more when the token has expired."""
        limit = timeout or self.timeout
        for attempt in (1, 2):
            metadata = await self._metadata(endpoint, limit, leader=leader)
            channel = await self._channel(endpoint)
            stub = getattr(self._stubs, f"{service}Stub")(channel)
            asked = time.monotonic()
            try:
                async with self._mapped(endpoint, limit):
                    reply = await getattr(stub, method)(request, timeout=limit, metadata=metadata)
                self._heard[endpoint] = time.monotonic()
                return reply
            except Silent:
                self._doubt(endpoint, channel, asked)
                raise
            except TokenExpired:
                if attempt == 2:
                    raise
                self.forget_token(endpoint)
        raise AssertionError("unreachable")

    async def any(self, service: str, method: str, request: Any, timeout: float | None = None) -> Any:
        """One call to whichever endpoint answers. Raises what `together` makes of all their errors."""
        failed: dict[str, BackendError] = {}
        for endpoint in self.endpoints:
            try:
                reply = await self.call(endpoint, service, method, request, timeout)
            except BackendError as error:
                failed[endpoint] = bare(error)
                continue
            self.prefer(endpoint)
            return reply
        raise why_all_failed(failed)

    @asynccontextmanager
    async def watch(self, endpoint: str, limit: float) -> AsyncIterator[Any]:
        """A watch stream to one endpoint, cancelled on the way out; its reads raise `BackendError`.

        The member ends it when it has lost its leader: cut off from the others it would go on to say that
        there is nothing new. Signing in takes at most `limit` seconds.
        """
        metadata = await self._metadata(endpoint, limit, leader=True)
        channel = await self._channel(endpoint)
        asked = time.monotonic()
        stream = self._stubs.WatchStub(channel).Watch(metadata=metadata)
        try:
            async with self._mapped(endpoint, limit):
                yield stream
        except Silent:
            self._doubt(endpoint, channel, asked)
            raise
        finally:
            stream.cancel()

    def forget_token(self, endpoint: str) -> bool:
        """Sign in anew at the next call; whether there was anything to forget."""
        return bool(self._tokens.pop(endpoint, None))

    def signed_in(self, endpoint: str) -> bool:
        return bool(self._tokens.get(endpoint))

    async def close(self) -> None:
        for channel in (*self._channels.values(), *self._retired):
            await channel.close(0)
        self._channels.clear()
        await asyncio.gather(*self._retired.values(), return_exceptions=True)

    async def _metadata(self, endpoint: str, limit: float, *, leader: bool) -> tuple[tuple[str, str], ...]:
        """`hasleader` is etcd's word for "answer only while you have a leader" (clientv3.WithRequireLeader)."""
        needs = (("hasleader", "true"),) if leader else ()
        if self.access.username is None:
            return needs
        # A token for each endpoint: a frozen one holds nobody else up, and a restarted one forgets its own.
        async with self._signing_in.setdefault(endpoint, asyncio.Lock()):
            if endpoint not in self._tokens:
                self._tokens[endpoint] = await self._sign_in(endpoint, limit)
        token = self._tokens.get(endpoint, "")
        return (*needs, ("token", token)) if token else needs

    async def _sign_in(self, endpoint: str, limit: float) -> str:
        password = "" if self._password is None else self._password.reveal()
        request = self.pb.AuthenticateRequest(name=self.access.username, password=password)
        stub = self._stubs.AuthStub(await self._channel(endpoint))
        try:
            async with self._mapped(endpoint, limit):
                return str((await stub.Authenticate(request, timeout=limit)).token)
        except NoAuth:
            return ""

    async def _channel(self, endpoint: str) -> Any:
        if endpoint not in self._channels:
            if not self.access.tls:
                self._channels[endpoint] = self._grpc.insecure_channel(endpoint, options=OPTIONS)
            else:
                credentials = await asyncio.to_thread(credentials_for, self.access, endpoint)
                if endpoint not in self._channels:
                    self._open_with(credentials, endpoint)
        return self._channels[endpoint]

    def _open_with(self, credentials: Credentials, endpoint: str) -> None:
        from grpc import ssl_channel_credentials

        options: tuple[tuple[str, Any], ...] = OPTIONS
        if credentials.name is not None:
            options = (*OPTIONS, ("grpc.ssl_target_name_override", credentials.name))
        channel_credentials = ssl_channel_credentials(credentials.roots, credentials.key, credentials.cert)
        self._channels[endpoint] = self._grpc.secure_channel(endpoint, channel_credentials, options=options)
        self._credentials[endpoint] = credentials

    async def _renew(self, endpoint: str) -> None:
        """Certificates are renewed while we run: a channel keeps those that it was made with."""
        try:
            credentials = await asyncio.to_thread(credentials_for, self.access, endpoint)
        except BackendError:
            return
        if endpoint in self._channels and credentials != self._credentials.get(endpoint):
            self._retire(endpoint)
            self._open_with(credentials, endpoint)

    def _doubt(self, endpoint: str, channel: Any, since: float) -> None:
        """Ask by a new connection after one on which nothing has come since then: its other end may be gone, of
        which nobody tells us, and gRPC would keep it (its own keepalive was seen to find nothing in 30 s)."""
        if self._channels.get(endpoint) is channel and self._heard.get(endpoint, 0.0) < since:
            self._retire(endpoint)

    def _retire(self, endpoint: str) -> None:
        """Closed when the calls that are under way have ended: it cancels them as if we had been cancelled."""
        channel = self._channels.pop(endpoint)
        self._retired[channel] = closing = asyncio.create_task(channel.close(self.timeout + LEFT_FOR))
        closing.add_done_callback(lambda _: self._retired.pop(channel, None))

    @asynccontextmanager
    async def _mapped(self, endpoint: str, limit: float) -> AsyncIterator[None]:
        """The one place where gRPC's errors become ours."""
        try:
            yield
        except self._grpc.AioRpcError as error:
            # It leads back here through contextlib's frame: the call, its channel and the connection of a closed
            # one would stay until the next collection of garbage, which may be minutes away.
            error.__traceback__ = None
            code, details = error.code().name, str(error.details() or "")
            if code == "DEADLINE_EXCEEDED":
                raise Silent(f"no answer within {limit:g} s", where=endpoint) from None
            if code == "RESOURCE_EXHAUSTED" and "larger than max" in details:
                raise TooLarge(
                    f"the answer is larger than {ANSWER_MOST >> 20} MiB, the most that is taken",
                    where=endpoint,
                    hint="are there keys with large values below a prefix of groups?",
                ) from None
            if _of_connection(code, details):
                raise await self._diagnosed(endpoint, details) from None
            raise meaning(code, details, endpoint) from None
        except self._grpc.UsageError as error:
            raise Unreachable(f"the connection is closed: {error}", where=endpoint) from None

    async def _diagnosed(self, endpoint: str, said: str) -> BackendError:
        async with self._diagnosing:
            if self.access.tls:
                await self._renew(endpoint)
            return await asyncio.to_thread(diagnose, self.access, endpoint, said)


def _of_connection(code: str, details: str) -> bool:
    """Whether that is gRPC's own word for a connection that broke, not a server's: of one in use it says
    UNKNOWN or INTERNAL as well."""
    if code == "UNAVAILABLE":
        return not details.startswith("etcdserver:")
    own = details.startswith("Stream removed") or details == "Internal error from Core"
    return code in ("UNKNOWN", "INTERNAL") and own
