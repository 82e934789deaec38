"""Why no connection to an etcd member came about, found by connecting without gRPC.

Its own words for a refusal, an expired certificate and a missing one are all the same.
"""

from __future__ import annotations

import socket
import ssl

from msgspec import Struct

from backends import tls
from backends.api.errors import BackendError, BadReply, Misconfigured, Silent, TimedOut, Unreachable
from backends.exception_chain import nobody_there
from backends.host_port import split
from backends.secrets import Shared

DIAGNOSE = 1.5
"""Seconds that each step may take."""


class Access(Struct, frozen=True):
    """How a cluster is reached. `endpoints` are `host:port`; `tls` says whether they speak it."""

    endpoints: tuple[str, ...]
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: Shared | None = None
    skip_verify: bool = False

    def __repr__(self) -> str:
        return f"Access({', '.join(self.endpoints)})"


def diagnose(access: Access, endpoint: str, said: str) -> BackendError:
    """Why no connection came about, found by connecting without gRPC; `said` is what that says, which counts
    where nothing else is found. Blocks for at most about 3 s."""
    host, port = split(endpoint)
    try:
        plain = socket.create_connection((host, int(port)), timeout=DIAGNOSE)
    except TimeoutError:
        return TimedOut(
            f"no connection within {DIAGNOSE:g} s", where=endpoint, hint="a firewall, or a dead host?"
        )
    except OSError as error:
        nobody = nobody_there(error, endpoint, "etcd")
        return nobody or Unreachable(error.strerror or str(error), where=endpoint)
    with plain:
        if access.tls:
            return _diagnose_tls(access, plain, host, endpoint, said)
        return _diagnose_plain(plain, host, endpoint, said)


def _diagnose_plain(plain: socket.socket, host: str, endpoint: str, said: str) -> BackendError:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _shaken(context, plain):
            pass
    except TimeoutError:
        return Silent("connected, and then no answer", where=endpoint)
    except ssl.SSLError as error:
        if "CERTIFICATE_REQUIRED" not in str(error.reason):
            return _no_etcd(host, endpoint) or _lost(said, endpoint)
    except OSError:
        return _no_etcd(host, endpoint) or _lost(said, endpoint)
    return Misconfigured("the server speaks TLS", where=endpoint, hint="write the endpoint with https://")


def _diagnose_tls(access: Access, plain: socket.socket, host: str, endpoint: str, said: str) -> BackendError:
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
        with _shaken(context, plain, host) as secured:
            # TLS 1.3 refuses a client's certificate only after the handshake.
            secured.settimeout(0.5)
            secured.recv(1)
    except ssl.SSLCertVerificationError as error:
        return tls.server_certificate(error, host, endpoint)
    except TimeoutError:
        return Silent("connected, and then no answer", where=endpoint)
    except ssl.SSLError as error:
        refused = tls.refused_ours(error, endpoint, shown=access.cert is not None)
        if refused is not None:
            return refused
        return _plain_or(tls.words(error), host, endpoint)
    except OSError:
        return _plain_or("the connection was lost during the TLS handshake", host, endpoint)
    return _lost(said, endpoint)


def _lost(said: str, endpoint: str) -> BackendError:
    """In gRPC's words it is told apart how a connection ended."""
    if "reset by peer" in said:
        return Unreachable("the connection was reset", where=endpoint)
    if "Socket closed" in said:
        return Unreachable("the connection was closed before the answer had come", where=endpoint)
    if "timed out" in said:
        return Silent("connected, and then no answer in time", where=endpoint)
    return Unreachable("the connection was lost", where=endpoint)


def _shaken(context: ssl.SSLContext, plain: socket.socket, host: str | None = None) -> ssl.SSLSocket:
    plain.getpeername()  # One that was reset by now raises here: `wrap_socket` would raise and leave it open.
    return context.wrap_socket(plain, server_hostname=host)


def _plain_or(reason: str, host: str, endpoint: str) -> BackendError:
    """A server without TLS answers a handshake with bytes of its own, or hangs up on it."""
    if _speaks_plain(host, int(split(endpoint)[1])):
        return Misconfigured(
            "the server does not speak TLS", where=endpoint, hint="write the endpoint with http://"
        )
    return Unreachable(reason, where=endpoint)


def _no_etcd(host: str, endpoint: str) -> BackendError | None:
    """What else answers there; None where it may be etcd."""
    if not _greeting(host, int(split(endpoint)[1])).startswith(b"HTTP/1"):
        return None
    hint = "is it another server's port, or a proxy's that does not pass HTTP/2 on?"
    return BadReply("HTTP/1 comes from there instead of gRPC", where=endpoint, hint=hint)


def _speaks_plain(host: str, port: int) -> bool:
    return _greeting(host, port)[3:4] == b"\4"


def _greeting(host: str, port: int) -> bytes:
    """What a server answers to HTTP/2 without TLS: to the preface of RFC 9113 §3.4 it sends its SETTINGS."""
    try:
        with socket.create_connection((host, port), timeout=DIAGNOSE) as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            return plain.recv(9)
    except OSError:
        return b""
