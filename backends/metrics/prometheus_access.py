"""How a Prometheus server is reached: its address with no secret in it, and the secrets once they are needed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import msgspec

from backends.api.errors import Misconfigured
from backends.api.settings import Secret, SecretSetting, Settings
from backends.secrets import reveal

DEFAULT = "http://127.0.0.1:9090"


class PrometheusSettings(Settings, frozen=True):
    """`url` may hold a path prefix, and a user and password; `username` and `password` win over those.

    `token` is sent as `Authorization: Bearer …`. `insecure_skip_tls_verify` takes whatever certificate the
    server shows.
    """

    url: Annotated[str, msgspec.Meta(min_length=1)] = DEFAULT
    username: str | None = None
    password: SecretSetting | None = None
    token: SecretSetting | None = None
    headers: dict[str, SecretSetting] = msgspec.field(default_factory=dict)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure_skip_tls_verify: bool = False

    def __post_init__(self) -> None:
        if self.token is not None and (self.username is not None or self.password is not None):
            raise ValueError("Expected token or username and password, not both")

    def access(self) -> Access:
        """Raises `Misconfigured` for a url that is none."""
        base, host, user, password = _parsed(self.url)
        ca, cert, key = (os.path.expanduser(path) if path else None for path in (self.ca, self.cert, self.key))
        return Access(
            base=base,
            host=host,
            username=self.username if self.username is not None else user if self.token is None else None,
            password=self.password if self.password is not None else password,
            token=self.token,
            headers=self.headers,
            ca=ca,
            cert=cert,
            key=key,
            skip_verify=self.insecure_skip_tls_verify,
        )


class Access(msgspec.Struct, frozen=True):
    """`base` is the url without user, password and final slash: what is shown and what paths are added to."""

    base: str
    host: str
    username: str | None = None
    password: SecretSetting | None = None
    token: SecretSetting | None = None
    headers: Mapping[str, SecretSetting] = msgspec.field(default_factory=dict)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    skip_verify: bool = False

    def __repr__(self) -> str:
        return f"Access({self.base})"

    @property
    def tls(self) -> bool:
        return self.base.startswith("https:")


class Papers:
    """What a request carries, in hand: neither repr nor a traceback's locals show it."""

    __slots__ = ("auth", "context", "headers")

    def __init__(
        self, auth: tuple[str, Secret] | None, headers: Mapping[str, Secret], context: ssl.SSLContext | None
    ) -> None:
        self.auth, self.headers, self.context = auth, headers, context


def papers_for(access: Access) -> Papers:
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
    return Papers(auth, headers, tls_context(access) if access.tls else None)


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


def _parsed(url: str) -> tuple[str, str, str | None, str | None]:
    """The base, the host, and the user and password that a url carries. The errors don't repeat it: it may hold
    a password."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise Misconfigured(
            "no url of a server, expected http(s)://host:port with the path prefix where it has one",
            where="url",
            hint="a user or password in it must be percent-encoded; better set username and password",
        )
    place = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{place}" + ("" if port is None else f":{port}") + parts.path.rstrip("/")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return base, host, user, password


def parameters(access: Access) -> list[str]:
    """What curl must be told to get in; it asks for a password itself."""
    words: list[Any] = ["--user", access.username] if access.username is not None else []
    for flag, path in (("--cacert", access.ca), ("--cert", access.cert), ("--key", access.key)):
        words += [flag, path] if path else []
    return [str(word) for word in words] + (["--insecure"] if access.skip_verify else [])
