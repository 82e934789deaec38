"""Why no connection to an etcd member came about, found by connecting without gRPC.

Its own words for a refusal, an expired certificate and a missing one are all the same.
"""

from __future__ import annotations

import socket
import ssl

from msgspec import Struct

from backends.api.errors import BackendError, Denied, Misconfigured, Silent, TimedOut, Unreachable
from backends.api.settings import SecretSetting

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
    password: SecretSetting | None = None
    skip_verify: bool = False

    def __repr__(self) -> str:
        return f"Access({', '.join(self.endpoints)})"


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
            if not access.cert:
                return Denied("the server wants a client certificate", where=endpoint, hint="set cert and key")
            hint = "has it expired, or is it signed by another CA than the server trusts?"
            return Denied("the server refuses our client certificate", where=endpoint, hint=hint)
        if "CERTIFICATE_EXPIRED" in reason:
            return Denied("our client certificate has expired", where=endpoint)
        if "UNKNOWN_CA" in reason:
            return Denied("the server does not trust our client certificate's CA", where=endpoint)
        return _plain_or(f"TLS: {reason.lower().replace('_', ' ')}", host, endpoint)
    except OSError:
        return _plain_or("the connection was lost during the TLS handshake", host, endpoint)
    return Unreachable("the connection was lost", where=endpoint)


def _plain_or(reason: str, host: str, endpoint: str) -> BackendError:
    """A server without TLS answers a handshake with bytes of its own, or hangs up on it."""
    if _speaks_plain(host, int(endpoint.rpartition(":")[2])):
        return Misconfigured(
            "the server does not speak TLS", where=endpoint, hint="write the endpoint with http://"
        )
    return Unreachable(reason, where=endpoint)


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
