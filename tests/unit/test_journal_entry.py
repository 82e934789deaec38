"""Entries of the journal as journalctl prints them: every shape that a field can have, and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.logs import Level
from backends.logs.journal_entry import UNKNOWN, read, shown, text
from backends.logs.journal_stream import JournalReader, Place
from backends.logs.journald import Journald, JournaldSettings

BACKEND = Journald("main", JournaldSettings())


def line(**fields: Any) -> bytes:
    base = {"__CURSOR": "s=1;i=1", "__REALTIME_TIMESTAMP": "1795636212911673"}
    return json.dumps({**base, **fields}).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        (None, ""),
        ([98, 97, 255, 27], "ba\ufffd\x1b"),
        (["one", "two"], "one\ntwo"),
        (["one", [255]], "one\n\ufffd"),
        ([], ""),
        ([300, -1], ",\ufffd"),
        (7, ""),
    ],
)
def test_a_field_in_every_shape(value: object, expected: str) -> None:
    assert text(value) == expected


def test_the_line_is_that_of_short_iso() -> None:
    raw = line(MESSAGE="a\nb", SYSLOG_IDENTIFIER="web", _PID="42", _HOSTNAME="h1")
    assert shown(raw).decode() == "2026-11-25T19:50:12+0000 h1 web[42]: a ⏎ b"
    assert shown(line(MESSAGE="x")).decode() == "2026-11-25T19:50:12+0000 - journal: x"


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({"_SYSTEMD_UNIT": "a.service", "SYSLOG_IDENTIFIER": "a"}, "a.service"),
        ({"_SYSTEMD_UNIT": "user@1000.service", "_SYSTEMD_USER_UNIT": "b.service"}, "b.service"),
        ({"_SYSTEMD_UNIT": "docker.service", "CONTAINER_NAME": "shop"}, "shop"),
        ({"_PID": "1", "_SYSTEMD_UNIT": "init.scope", "UNIT": "c.service"}, "c.service"),
        ({"_COMM": "systemd", "_PID": "900", "USER_UNIT": "d.service"}, "d.service"),
        ({"_PID": "9", "UNIT": "c.service", "_COMM": "evil"}, "evil"),
        ({"_TRANSPORT": "kernel"}, "kernel"),
        ({}, UNKNOWN),
    ],
)
def test_the_origin_is_the_unit_or_who_wrote_it(fields: dict[str, str], origin: str) -> None:
    entry = read(line(**fields))
    assert entry is not None
    assert entry.origin == origin


@pytest.mark.parametrize("priority", ["", "8", "-1", "33", None, [51, 52], "x"])
def test_a_priority_that_is_none(priority: object) -> None:
    assert BACKEND.parse(line(MESSAGE="x", PRIORITY=priority), "").level is None


def test_what_a_service_prints_says_its_level_itself() -> None:
    printed = {"_TRANSPORT": "stdout", "PRIORITY": "6"}
    assert BACKEND.parse(line(MESSAGE='{"level":"error","msg":"x"}', **printed), "").level is Level.ERROR
    assert BACKEND.parse(line(MESSAGE="WARNING: x", **printed), "").level is Level.WARN
    assert BACKEND.parse(line(MESSAGE="all fine", **printed), "").level is Level.INFO
    assert BACKEND.parse(line(MESSAGE="ERROR: x", PRIORITY="6", _TRANSPORT="syslog"), "").level is Level.INFO
    assert BACKEND.parse(line(MESSAGE="DEBUG x", PRIORITY="3", _TRANSPORT="stdout"), "").level is Level.ERROR


@pytest.mark.parametrize("priority", ["worst", 8, "err..", "-1"])
def test_a_wrong_priority_is_refused(priority: str | int) -> None:
    with pytest.raises(ValueError, match="Expected one of emerg"):
        JournaldSettings(priority=priority)


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-300, 300) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_PID", "_SYSTEMD_UNIT", "UNIT", "_HOSTNAME", "_TRANSPORT"]
)


@given(st.dictionaries(NAMES, SHAPES), st.text(max_size=20) | st.just("1795636212911673"))
def test_no_shape_of_a_field_breaks_it(fields: dict[str, Any], realtime: str) -> None:
    raw = line(**{**fields, "__REALTIME_TIMESTAMP": realtime})
    record = BACKEND.parse(raw, "origin")
    assert (record.raw, record.source) == (raw, "journald/main")
    assert b"\n" not in shown(raw)


@given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=8))
def test_any_bytes_are_shown_line_by_line(raws: list[bytes]) -> None:
    assert BACKEND.shown(b"\n".join(raws)).count(b"\n") == len(raws) - 1
    for raw in raws:
        assert BACKEND.parse(raw, "origin").raw == raw


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 12))
def test_a_stream_cut_anywhere_gives_the_same_entries(cuts: list[int], count: int) -> None:
    raws = [line(__CURSOR=f"c{n}", MESSAGE=f"m{n}", _SYSTEMD_UNIT=f"{n // 3}.service") for n in range(count)]
    data = b"".join(raw + b"\n" for raw in raws)
    reader, found, at = JournalReader(Place()), [], 0
    for cut in [*cuts, len(data)]:
        blocks, notes = reader.take(data[at : at + cut])
        at += cut
        assert not notes
        found += [raw for block in blocks for raw in block.lines()]
        if found:
            assert reader.place.cursor == f"c{len(found) - 1}"
    assert found == raws


def test_the_entry_of_the_cursor_is_not_told_again() -> None:
    reader = JournalReader(Place("c1"))
    blocks, notes = reader.take(
        line(__CURSOR="c1", MESSAGE="old") + b"\n" + line(__CURSOR="c2", MESSAGE="new") + b"\n"
    )
    assert [block.count for block in blocks] == [1]
    assert notes == ()
    assert reader.place == Place("c2")


def test_an_entry_that_is_another_one_is_a_gap() -> None:
    blocks, notes = JournalReader(Place("c1")).take(line(__CURSOR="c9", MESSAGE="new") + b"\n-- No entries --\n")
    assert [block.count for block in blocks] == [1]
    assert "missing before 2026-11-25 19:50:12" in notes[0]
