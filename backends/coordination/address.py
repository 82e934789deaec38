"""The address of a registered instance, from what it wrote about itself; shared by all registries."""

from __future__ import annotations

import msgspec

from backends.host_port import checked, join
from backends.no_json import NO_JSON


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
        found = checked(text)
    address = found or checked(name.rsplit("/", 1)[-1])
    return address, version if isinstance(version, str) else None


def _from_object(data: dict[str, object]) -> str | None:
    for key in ("address", "Addr"):
        if isinstance(data.get(key), str) and (found := checked(str(data[key]))):
            return found
    host, port = data.get("host", data.get("address")), data.get("port")
    if isinstance(host, str) and isinstance(port, int | str):
        return checked(join(host, port))
    return None
