"""What a TLS connection to an etcd member is made with: the CAs to trust, and our own certificate and key."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from msgspec import Struct

from backends.api.errors import Misconfigured, Unreachable, Unsupported
from backends.coordination.etcd_diagnose import DIAGNOSE, Access
from backends.host_port import split


class Credentials(Struct, frozen=True):
    """PEM blocks. `name` is the name to look for in the server's certificate instead of the host's."""

    roots: bytes | None
    cert: bytes | None
    key: bytes | None
    name: str | None = None

    def __repr__(self) -> str:
        return "Credentials(…)"


def credentials_for(access: Access, endpoint: str) -> Credentials:
    """Read them anew. Blocks for files, with `skip_verify` for the server too (at most about 6 s).

    gRPC cannot skip the check of a certificate, so `skip_verify` trusts exactly the one that the server shows,
    under a name that it holds. Its dates cannot be skipped. Raises `Misconfigured`, `Unreachable`, `Unsupported`.
    """
    cert, key = _read(access.cert), _read(access.key)
    if access.skip_verify:
        shown = _shown(endpoint)
        return Credentials(shown, cert, key, _name_in(shown, access, endpoint))
    return Credentials(_read(access.ca) or _system_roots(), cert, key)


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise Misconfigured(f"not readable: {error.strerror}", where=path) from error


def _system_roots() -> bytes | None:
    paths = ssl.get_default_verify_paths()
    return _read(paths.cafile) if paths.cafile else None


def _shown(endpoint: str) -> bytes:
    host, port = split(endpoint)
    try:
        return ssl.get_server_certificate((host, int(port)), timeout=DIAGNOSE).encode()
    except OSError as error:
        raise Unreachable(f"no certificate to be had: {error}", where=endpoint) from error


def _name_in(shown: bytes, access: Access, endpoint: str) -> str:
    """A name that a certificate is for; the standard library tells it only of one that it has verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # The server's own certificate is the anchor here, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    host, port = split(endpoint)
    try:
        context.load_verify_locations(cadata=shown.decode())
        if access.cert:
            context.load_cert_chain(access.cert, access.key)
        with (
            socket.create_connection((host, int(port)), timeout=DIAGNOSE) as plain,
            context.wrap_socket(plain) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Unsupported(
            f"its certificate can't be accepted unverified: {error.verify_message}",
            where=endpoint,
            hint="gRPC can skip the name and the CA of a certificate, not its dates",
        ) from error
    except OSError as error:
        raise Unreachable(f"no certificate to be had: {error}", where=endpoint) from error
    names = [str(item[1]) for item in certificate.get("subjectAltName", ())]
    subject = certificate.get("subject", ())
    names += [str(part[1]) for group in subject for part in group if part[0] == "commonName"]
    return names[0].replace("*", "any", 1) if names else host.strip("[]")
