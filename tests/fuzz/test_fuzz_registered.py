"""What somebody registered below a key or a znode: any bytes are an instance."""

from __future__ import annotations

import json

from hypothesis import example, given, settings

from backends.coordination.address import address_of
from backends.coordination.registered import instance
from tests.fuzz.junk import bytes_like, json_like, texts
from tui.kinds.members import MEMBERS

KEYS = ("address", "Addr", "host", "port", "version", "name")
PIECES = (*(f'"{key}":'.encode() for key in KEYS), *(b"{", b"}", b'"', b",", b"10.0.0.1:80", b":", b"[::1]"))
values = bytes_like(PIECES) | json_like(KEYS).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)


@given(texts, values)
@example("web", b'{"a":' * 50_000)
@settings(max_examples=400, deadline=None)
def test_any_value_is_an_instance(name: str, value: bytes) -> None:
    row = instance("etcd/main", "web", f"etcd/main/web/{name}", name, value, 1, ())
    assert row.name == name
    assert row.address is None or int(row.address.rpartition(":")[2]) <= 65535
    json.dumps(MEMBERS.json(row))
    assert address_of(value.decode("utf-8", "replace"), name) == (row.address, row.version)
