"""Where supervisorctl would look for its supervisord: the sockets and files that it and the packages agree on."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping

from msgspec import Struct

from backends.api.errors import BackendError
from backends.api.settings import Secret
from backends.processes.supervisord_places import CONFIGURATIONS, SOCKETS
from backends.processes.supervisord_rpc import address_of


class Place(Struct, frozen=True):
    """One address, why it was tried, and what is there: `reason` is empty where something listens."""

    tried: str
    url: str
    username: str | None
    password: Secret | None
    reason: str


async def places(env: Mapping[str, str]) -> list[Place]:
    """Every place, each address once; a socket that is there twice under two names, too."""
    found: list[Place] = []
    known: set[str] = set()
    for tried, url, username, password in await asyncio.to_thread(_named, env):
        same = await asyncio.to_thread(_identity, url)
        if same not in known:
            known.add(same)
            found.append(Place(tried, url, username, password, await _listens(url)))
    return found


def _named(env: Mapping[str, str]) -> list[tuple[str, str, str | None, Secret | None]]:
    named: list[tuple[str, str, str | None, Secret | None]] = []
    for path in CONFIGURATIONS:
        for section, url, username, password in _read(path, env):
            named.append((f"{url}, [{section}] of {path}", url, username, password))
    return [*named, *((f"{path}, supervisord's default", f"unix://{path}", None, None) for path in SOCKETS)]


def _read(path: str, env: Mapping[str, str]) -> list[tuple[str, str, str | None, Secret | None]]:
    """The address of supervisorctl, and that of the socket, as one configuration names them."""
    import configparser

    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            parser.read_file(file)
    except (OSError, configparser.Error):
        return []

    def value(section: str, key: str) -> str | None:
        text = parser.get(section, key, fallback=None)
        if text is None:
            return None
        text = text.strip().strip("\"'").replace("%(here)s", os.path.dirname(path))
        for name, content in env.items():
            text = text.replace(f"%(ENV_{name})s", content)
        return text.replace("%%", "%") or None

    found = []
    for section, key, scheme in (("supervisorctl", "serverurl", ""), ("unix_http_server", "file", "unix://")):
        url, password = value(section, key), value(section, "password")
        if url is not None:
            secret = Secret(password) if password else None
            found.append((section, scheme + url, value(section, "username"), secret))
    return found


def _identity(url: str) -> str:
    return f"unix://{os.path.realpath(url[7:])}" if url.startswith("unix://") else url.rstrip("/")


async def _listens(url: str) -> str:
    """Why nothing can be had there; empty where something listens."""
    try:
        address = address_of(url)
    except BackendError as error:
        return error.reason
    try:
        if address.socket is not None:
            if not await asyncio.to_thread(_is_socket, address.socket):
                return "no such socket"
            _, writer = await asyncio.open_unix_connection(address.socket)
        else:
            port = int(address.base.rpartition(":")[2]) if address.base.count(":") > 1 else 80
            _, writer = await asyncio.open_connection(address.host, port)
    except PermissionError:
        return "permission denied: run midwatch as the socket's owner, or see chmod= in [unix_http_server]"
    except (OSError, ValueError):
        return (
            "nothing listens there" if address.socket is None else "the socket was left behind: nothing listens"
        )
    writer.close()
    return ""


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except PermissionError:
        raise
    except OSError:
        return False
