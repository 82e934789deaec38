"""etcd's wire: one gRPC channel per endpoint, authentication, and every failure in its own words.

Messages and stubs are aetcd's (protos of etcd 3.5); its client and its Watcher are not used: a watch that was
denied hangs there for ever, and progress notifications are swallowed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
    TimedOut,
    Unreachable,
    Unsupported,
)
from backends.api.settings import Secret, SecretSetting
from backends.secrets import reveal

DIAGNOSE = 1.5
"""Seconds for finding out why gRPC could not connect; its own words are the same for everything."""
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


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster is reached. `endpoints` are `host:port`; `tls` says whether they speak it."""

    endpoints: tuple[str, ...]
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: SecretSetting | None = field(default=None, repr=False)
    skip_verify: bool = False


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


def diagnose(access: Access, endpoint: str) -> BackendError:
    """Why no connection came about, found by connecting without gRPC. Blocks for at most about 3 s."""
    host, _, port = endpoint.rpartition(":")
    host = host.strip("[]")
    try:
        plain = socket.create_connection((host, int(port)), timeout=DIAGNOSE)
    except ConnectionRefusedError:
        return Unreachable("connection refused", where=endpoint, hint="is etcd running there?")
    except socket.gaierror:
        return Unreachable("host name not found", where=endpoint)
    except TimeoutError:
        return TimedOut(
            f"no connection within {DIAGNOSE:g} s", where=endpoint, hint="a firewall, or a dead host?"
        )
    except OSError as error:
        return Unreachable(error.strerror or str(error), where=endpoint)
    with plain:
        return _diagnose_tls(access, plain, host, endpoint) if access.tls else _diagnose_plain(plain, endpoint)


def _diagnose_plain(plain: socket.socket, endpoint: str) -> BackendError:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(plain):
            pass
    except TimeoutError:
        return Silent("connected, and then no answer", where=endpoint)
    except ssl.SSLError as error:
        if "CERTIFICATE_REQUIRED" not in str(error.reason):
            return Unreachable("the connection was lost", where=endpoint)
    except OSError:
        return Unreachable("the connection was lost", where=endpoint)
    return Misconfigured("the server speaks TLS", where=endpoint, hint="write the endpoint with https://")


def _diagnose_tls(access: Access, plain: socket.socket, host: str, endpoint: str) -> BackendError:
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.cert:
            context.load_cert_chain(access.cert, access.key)
    except (OSError, ssl.SSLError) as error:
        return Misconfigured(f"certificate or key not usable: {error.strerror or error}", where=endpoint)
    if access.skip_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with context.wrap_socket(plain, server_hostname=host) as secured:
            # TLS 1.3 refuses a client's certificate only after the handshake.
            secured.settimeout(0.5)
            secured.recv(1)
    except ssl.SSLCertVerificationError as error:
        return _certificate(error, host, endpoint)
    except TimeoutError:
        return Silent("connected, and then no answer", where=endpoint)
    except ssl.SSLError as error:
        reason = str(error.reason)
        if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason or "BAD_CERTIFICATE" in reason:
            hint = "set cert and key" if not access.cert else "is it signed by the CA that the server trusts?"
            return Denied("the server wants a client certificate", where=endpoint, hint=hint)
        if "UNKNOWN_CA" in reason:
            return Denied("the server does not trust our client certificate's CA", where=endpoint)
        if _speaks_plain(host, int(endpoint.rpartition(":")[2])):
            return Misconfigured(
                "the server does not speak TLS", where=endpoint, hint="write the endpoint with http://"
            )
        return Unreachable(f"TLS: {reason.lower().replace('_', ' ')}", where=endpoint)
    except OSError:
        return Unreachable("the connection was lost during the TLS handshake", where=endpoint)
    return Unreachable("the connection was lost", where=endpoint)


def _speaks_plain(host: str, port: int) -> bool:
    """Whether a server answers HTTP/2 without TLS: to the preface of RFC 9113 §3.4 it sends its SETTINGS."""
    try:
        with socket.create_connection((host, port), timeout=DIAGNOSE) as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            return plain.recv(9)[3:4] == b"\4"
    except OSError:
        return False


def _certificate(error: ssl.SSLCertVerificationError, host: str, endpoint: str) -> BackendError:
    """X509_V_ERR codes of OpenSSL (x509_vfy.h)."""
    if error.verify_code == 10:
        return Denied("the server's certificate has expired", where=endpoint)
    if error.verify_code == 9:
        return Denied("the server's certificate is not valid yet", where=endpoint, hint="is a clock wrong?")
    if error.verify_code in (62, 64):
        return Denied(
            f"the server's certificate is not for {host}",
            where=endpoint,
            hint="use a name that the certificate holds",
        )
    return Denied(
        "the server's certificate is signed by a CA that we don't trust",
        where=endpoint,
        hint="set ca to the file of the CA that signed it",
    )


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
