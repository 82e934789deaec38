"""etcd's wire: one gRPC channel per endpoint, authentication, and every failure in its own words.

Messages and stubs are aetcd's (protos of etcd 3.5); its client and its Watcher are not used: a watch that was
denied hangs there for ever, and progress notifications are swallowed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backends.api.errors import (
    BackendError,
    BadReply,
    Denied,
    Misconfigured,
    NotFound,
    Silent,
    Unreachable,
    Unsupported,
)
from backends.api.settings import Secret
from backends.coordination.etcd_diagnose import DIAGNOSE, Access, diagnose
from backends.secrets import reveal

OPTIONS = (
    # A server that returns must be seen again at once; gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # More often than each 5 s earns a GOAWAY (etcd's --grpc-keepalive-min-time).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),
)


def host_port(endpoint: str) -> tuple[str, bool]:
    """An endpoint as `host:port`, and whether it is written with https. Port 2379 where it has none."""
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    if not parts.hostname or (parts.scheme and parts.scheme not in ("http", "https")):
        raise Misconfigured("no endpoint: expected host:port or http(s)://host:port", where=endpoint)
    try:
        port = parts.port or 2379
    except ValueError:
        raise Misconfigured("the port is no number up to 65535", where=endpoint) from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}", parts.scheme == "https"


class Wire:
    """The connections to one cluster. Belongs to one event loop; `ready` must be awaited before use."""

    pb: Any
    """aetcd's messages (`rpc_pb2`)."""

    def __init__(self, access: Access, timeout: float) -> None:
        self.access = access
        self.timeout = timeout
        self._stubs: Any = None
        self._grpc: Any = None
        self._channels: dict[str, Any] = {}
        self._credentials: dict[str, tuple[Any, tuple[tuple[str, Any], ...]]] = {}
        self._token: str | None = None
        self._password: Secret | None = None
        self._loading = asyncio.Lock()
        self._signing_in = asyncio.Lock()
        self._first = 0

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints, the one that answered last first."""
        known = self.access.endpoints
        return known[self._first :] + known[: self._first]

    def prefer(self, endpoint: str) -> None:
        if endpoint in self.access.endpoints:
            self._first = self.access.endpoints.index(endpoint)

    def move_on(self) -> None:
        self._first = (self._first + 1) % len(self.access.endpoints)

    async def ready(self) -> None:
        """Import the client and fetch the secrets, once. Raises `Misconfigured`."""
        async with self._loading:
            if self._stubs is None:
                await asyncio.to_thread(self._load)

    def _load(self) -> None:
        # Read by gRPC's core when it is imported: it would print over the screen.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        self._grpc = importlib.import_module("grpc.aio")
        self.pb = importlib.import_module("aetcd.rpc.rpc_pb2")
        if self.access.password is not None:
            self._password = reveal(self.access.password)
        self._stubs = importlib.import_module("aetcd.rpc.rpc_pb2_grpc")

    async def call(
        self, endpoint: str, service: str, method: str, request: Any, timeout: float | None = None
    ) -> Any:
        """One call to one endpoint. Raises `BackendError`; signs in where a user is configured, and once more
        when the token has expired."""
        limit = timeout or self.timeout
        for attempt in (1, 2):
            metadata = await self._metadata(endpoint, limit)
            stub = getattr(self._stubs, f"{service}Stub")(await self._channel(endpoint))
            try:
                async with self._mapped(endpoint, limit):
                    return await getattr(stub, method)(request, timeout=limit, metadata=metadata)
            except Denied as error:
                if attempt == 2 or "token" not in error.reason:
                    raise
                self._token = None
        raise AssertionError("unreachable")

    async def any(self, service: str, method: str, request: Any, timeout: float | None = None) -> Any:
        """One call to whichever endpoint answers. Raises the last endpoint's error."""
        failed: BackendError = Unreachable("no endpoints")
        for endpoint in self.endpoints:
            try:
                reply = await self.call(endpoint, service, method, request, timeout)
            except Unreachable as error:
                failed = error
                continue
            self.prefer(endpoint)
            return reply
        raise failed

    @asynccontextmanager
    async def watch(self, endpoint: str) -> AsyncIterator[Any]:
        """A watch stream to one endpoint, cancelled on the way out; its reads raise `BackendError`."""
        metadata = await self._metadata(endpoint, self.timeout)
        stub = self._stubs.WatchStub(await self._channel(endpoint))
        stream = stub.Watch(metadata=metadata)
        try:
            async with self._mapped(endpoint, self.timeout):
                yield stream
        finally:
            stream.cancel()

    def forget_token(self) -> None:
        self._token = None

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close(0)
        self._channels.clear()

    async def _metadata(self, endpoint: str, limit: float) -> tuple[tuple[str, str], ...]:
        if self.access.username is None:
            return ()
        async with self._signing_in:
            if self._token is None:
                password = "" if self._password is None else self._password.reveal()
                request = self.pb.AuthenticateRequest(name=self.access.username, password=password)
                stub = self._stubs.AuthStub(await self._channel(endpoint))
                try:
                    async with self._mapped(endpoint, limit):
                        self._token = (await stub.Authenticate(request, timeout=limit)).token
                except _NoAuth:
                    self._token = ""
        return (("token", self._token),) if self._token else ()

    async def _channel(self, endpoint: str) -> Any:
        channel = self._channels.get(endpoint)
        if channel is None:
            if self.access.tls:
                credentials, options = await asyncio.to_thread(self._tls, endpoint)
                channel = self._grpc.secure_channel(endpoint, credentials, options=OPTIONS + options)
            else:
                channel = self._grpc.insecure_channel(endpoint, options=OPTIONS)
            self._channels[endpoint] = channel
        return channel

    def _tls(self, endpoint: str) -> tuple[Any, tuple[tuple[str, Any], ...]]:
        import grpc

        roots = _read(self.access.ca)
        options: tuple[tuple[str, Any], ...] = ()
        if self.access.skip_verify:
            # gRPC cannot skip the check; trusting exactly what the server shows comes to the same.
            roots, name = _shown_certificate(endpoint)
            options = (("grpc.ssl_target_name_override", name),)
        elif roots is None:
            roots = _system_roots()
        return grpc.ssl_channel_credentials(roots, _read(self.access.key), _read(self.access.cert)), options

    @asynccontextmanager
    async def _mapped(self, endpoint: str, limit: float) -> AsyncIterator[None]:
        """The one place where gRPC's errors become ours."""
        try:
            yield
        except self._grpc.AioRpcError as error:
            code, details = error.code().name, str(error.details() or "")
            if code == "DEADLINE_EXCEEDED":
                raise Silent(f"no answer in {limit:g} s", where=endpoint) from None
            if code == "UNAVAILABLE" and not details.startswith("etcdserver:"):
                raise await asyncio.to_thread(diagnose, self.access, endpoint) from None
            raise _meaning(code, details, endpoint) from None
        except self._grpc.UsageError as error:
            raise Unreachable(f"the connection is closed: {error}", where=endpoint) from None


class _NoAuth(BackendError):
    """The cluster has no authentication; a configured user does no harm then."""


_MEANINGS: tuple[tuple[str, Callable[[str], BackendError]], ...] = (
    ("authentication is not enabled", lambda where: _NoAuth("authentication is not enabled", where=where)),
    (
        "invalid user ID or password",
        lambda where: Denied("wrong user or password", where=where, hint="check username and password"),
    ),
    (
        "user name is empty",
        lambda where: Denied(
            "this cluster wants a user", where=where, hint="set username and password for this source"
        ),
    ),
    ("invalid auth token", lambda where: Denied("the token has expired", where=where)),
    (
        "permission denied",
        lambda where: Denied("permission denied", where=where, hint="grant this user a role that may read it"),
    ),
    ("no leader", lambda where: Unreachable("the cluster has no leader: quorum is lost", where=where)),
    (
        "request timed out",
        lambda where: Unreachable("the member answers but has no quorum behind it", where=where),
    ),
)


def _meaning(code: str, details: str, where: str) -> BackendError:
    for words, made in _MEANINGS:
        if words in details:
            return made(where)
    kinds: dict[str, type[BackendError]] = {
        "UNAUTHENTICATED": Denied,
        "PERMISSION_DENIED": Denied,
        "NOT_FOUND": NotFound,
        "UNIMPLEMENTED": Unsupported,
        "UNAVAILABLE": Unreachable,
        "CANCELLED": Unreachable,
    }
    return kinds.get(code, BadReply)(f"{code.lower()}: {details}", where=where)


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Misconfigured(f"not readable: {error.strerror}", where=path) from error


def _system_roots() -> bytes | None:
    paths = ssl.get_default_verify_paths()
    return _read(paths.cafile) if paths.cafile else None


def _shown_certificate(endpoint: str) -> tuple[bytes, str]:
    host, _, port = endpoint.rpartition(":")
    try:
        shown = ssl.get_server_certificate((host.strip("[]"), int(port)), timeout=DIAGNOSE)
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"no certificate to be had: {error}", where=endpoint) from error
    return shown.encode(), host.strip("[]")


def milliseconds_since(start: float) -> float:
    return (time.monotonic() - start) * 1000
