"""What a Prometheus server wants to be shown: passwords, tokens, headers, certificates; fetched when needed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from backends.api.errors import Misconfigured
from backends.api.settings import Secret
from backends.metrics.prometheus_access import Access
from backends.secrets import reveal


class Credentials:
    """What a request carries, in hand: neither repr nor a traceback's locals show it."""

    __slots__ = ("auth", "context", "headers")

    def __init__(
        self, auth: tuple[str, Secret] | None, headers: Mapping[str, Secret], context: ssl.SSLContext | None
    ) -> None:
        self.auth, self.headers, self.context = auth, headers, context


def credentials_for(access: Access) -> Credentials:
    """Fetch the secrets and read the certificates. Blocks (files, a secret's command of at most 5 s).

    Raises `Misconfigured`.
    """
    headers = {name: reveal(value) for name, value in access.headers.items()}
    if access.token is not None:
        headers["Authorization"] = Secret(f"Bearer {reveal(access.token).reveal()}")
    for name, value in headers.items():
        # httpx and requests would say so too, with the value in their words.
        if not (name and name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise Misconfigured("no name of a header", where=name)
        if not (value.reveal().isascii() and value.reveal().isprintable()):
            raise Misconfigured(f"the header {name} holds characters that no header may", where=access.base)
    auth = None
    if access.username is not None:
        auth = (access.username, reveal(access.password) if access.password is not None else Secret(""))
    return Credentials(auth, headers, tls_context(access) if access.tls else None)


def tls_context(access: Access) -> ssl.SSLContext:
    """Raises `Misconfigured` for files that can't be used."""
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.cert:
            context.load_cert_chain(access.cert, access.key)
    except (OSError, ssl.SSLError) as error:
        name = ", ".join(path for path in (access.ca, access.cert, access.key) if path)
        raise Misconfigured(f"certificate or key not usable: {error.strerror or error}", where=name) from None
    if access.skip_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
