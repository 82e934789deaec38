"""The address of a registered instance, from what it wrote about itself; shared by all registries."""

from __future__ import annotations

import re

import msgspec

from backends.no_json import NO_JSON

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", re.ASCII)


def address_of(value: str, name: str) -> tuple[str | None, str | None]:
    """`host:port` and version, each None where it is unknown.

    The address is `address`, `host` and `port`, or `Addr` of a JSON object, else a plain `host:port`, else
    the key's last part where that is one.
    """
    found, version = None, None
    text = value.strip()
    if text.startswith("{"):
        try:
            data = msgspec.json.decode(text)
        except NO_JSON:
            data = {}
        if isinstance(data, dict):
            found = _from_object(data)
            version = data.get("version")
    else:
        found = _plain(text)
    address = found or _plain(name.rsplit("/", 1)[-1])
    return address, version if isinstance(version, str) else None


def _from_object(data: dict[str, object]) -> str | None:
    for key in ("address", "Addr"):
        if isinstance(data.get(key), str) and (found := _plain(str(data[key]))):
            return found
    host, port = data.get("host", data.get("address")), data.get("port")
    if isinstance(host, str) and isinstance(port, int | str):
        return _plain(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return None


def _plain(text: str) -> str | None:
    found = _HOST_PORT.fullmatch(text)
    return text if found and int(found.group(2)) <= 65535 else None
