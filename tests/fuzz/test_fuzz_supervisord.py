"""What a supervisord answers: any XML is a result or one of our errors; any program is a row; no byte of a log is
lost."""

from __future__ import annotations

import xmlrpc.client
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.errors import BackendError
from backends.processes.supervisord_programs import About, Info, Roll
from backends.processes.supervisord_rpc import Rpc, address_of
from backends.processes.supervisord_tails import Piece, Stream, Tail, begin, take
from tests.fuzz.junk import bytes_like, json_like, numbers, texts
from tui.kinds.units import UNITS
from widgets.freshness import Sight

PIECES = tuple(
    word.encode()
    for word in (
        *("<?xml version='1.0'?>", "<methodResponse>", "</methodResponse>", "<params>", "</params>", "<param>"),
        *(
            "</param>",
            "<value>",
            "</value>",
            "<int>",
            "</int>",
            "<string>",
            "</string>",
            "<array><data>",
            "<boolean>",
        ),
        *(
            "</data></array>",
            "<struct><member><name>",
            "</name>",
            "<fault>",
            "</fault>",
            "<base64>",
            "<dateTime.iso8601>",
        ),
        *("<!DOCTYPE x [<!ENTITY a '&b;'>]>", "&a;", "&#27;", "&#0;", "<![CDATA[", "]]>", "<nil/>", "<double>"),
    )
)
SMALL = json_like(["faultCode", "faultString", "name"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A whole answer of any value that XML-RPC can say."""
    value: Any = draw(SMALL)
    with suppress(Exception):  # Not every number is one of XML-RPC's.
        return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode("utf-8", "replace")
    return b""


def rpc() -> Any:
    made: Any = Rpc(address_of("http://127.0.0.1:1"), None, None, 1.0)
    made._xml = xmlrpc.client
    return made


@given(bytes_like(PIECES) | answers())
@settings(max_examples=200, deadline=None)
def test_no_answer_raises_anything_but_our_errors(data: bytes) -> None:
    with suppress(BackendError):
        rpc()._parse(data)


infos = st.builds(
    Info,
    name=texts,
    group=texts,
    start=numbers,
    stop=numbers,
    now=numbers,
    statename=texts | st.sampled_from(["RUNNING", "EXITED", "FATAL", "BACKOFF", "STOPPING"]),
    spawnerr=texts,
    exitstatus=numbers,
    pid=numbers,
    stdout_logfile=texts,
)
SIGHT = Sight.of(None, 0.0, datetime(2026, 11, 24, tzinfo=UTC))


@given(st.lists(infos, max_size=4), st.lists(infos, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_program_is_a_row(first: list[Info], second: list[Info]) -> None:
    roll, about = Roll("supervisord/main"), About("4", 1, "lab", None, False)
    before = roll.look(None, first, about, {}).value
    seen = roll.look(before, second, about, {})
    assert {row.name for row in seen.value.values()} == {info.full_name for info in second}
    for row in seen.value.values():
        msgspec.json.encode(UNITS.json(row))
        assert [column.text(row, SIGHT) for column in UNITS.columns]


@given(st.lists(st.binary(max_size=60), max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_byte_of_a_log_is_lost_however_it_comes(chunks: list[bytes]) -> None:
    stream = Stream("web", "stdout", "/x")
    piece: Piece = begin(stream, b"")
    came: list[bytes] = []
    for chunk in chunks:
        piece = take(stream, piece.tail, chunk)
        came += [line for block in piece.blocks for line in block.lines()]
    assert b"\n".join([*came, piece.tail.partial]) == b"".join(chunks)
    assert isinstance(piece.tail, Tail)
