"""Which Prometheus server: the settings, and out of them its address with no secret in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from backends.api.errors import Misconfigured
from backends.api.settings import SecretSetting, Settings
from backends.host_port import bracketed

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
    def port(self) -> int:
        return urlsplit(self.base).port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        return self.base.startswith("https:")


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
    base = f"{parts.scheme}://{bracketed(host)}" + ("" if port is None else f":{port}") + parts.path.rstrip("/")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return base, host, user, password
