"""Whatever bytes a log holds: parsing never raises, keeps them exactly, and gives what a record promises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.logs import Level, LogRecord
from backends.logs.formats import FORMATS, Formats
from backends.logs.splitter import Splitter

PIECES = (
    *(
        '{"level":',
        '"info"',
        "}",
        "{",
        '"',
        "\\",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "<34>1 ",
        "<999>",
        ":",
        "=",
        " ",
        "\t",
    ),
    *(
        "2026-11-24T02:13:20Z ",
        "2026-11-24 02:13:20,123",
        "9999-12-31T23:59:59",
        "0001-01-01 00:00:00",
        "2026/11/24 ",
    ),
    *(
        "[24/Nov/2026:04:05:36 +0000]",
        "[99/Nov/2026:99:99:99 +9999]",
        '"GET / HTTP/1.1" 200 5',
        "- - ",
        "1.2.3.4 ",
    ),
    *(
        "Nov 24 04:08:11 ",
        "Feb 29 23:59:60 ",
        "Nov 99 99:99:99 ",
        "host app[1]: ",
        "ERROR",
        "error:",
        "[warn]",
        " - ",
    ),
    *("level=", 'msg="a\\"b"', "ts=1e999", '"time":1e308', '"ts":-1', "I1399 99:99:99.999999 1 a:1] ", "I1124 "),
    *(
        "\x1b[31m",
        "\x1b]0;x",
        "\ud7ff",
        "\u202e",
        "\0",
        "\r",
        "+99:99",
        "+00:00 ",
        "stdout F ",
        " I | ",
        "٣٤",
        "²",
    ),
)
lines = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "".join(parts).encode("utf-8")),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
)
FORMS = {form.name for form in FORMATS} | {"raw"}


def check(record: LogRecord, raw: bytes) -> None:
    assert record.raw == raw
    assert isinstance(record.message, str)
    record.message.encode("utf-8")
    assert record.format in FORMS
    assert record.level is None or isinstance(record.level, Level)
    assert record.time is None or record.time.utcoffset() is not None
    assert {type(text) for pair in record.fields.items() for text in pair} <= {str}


@given(st.lists(lines, min_size=1, max_size=5))
@settings(max_examples=600, deadline=None)
def test_parsing_never_raises_and_keeps_the_bytes(raws: list[bytes]) -> None:
    formats = Formats("files/app")
    for raw in raws:
        check(formats.parse(raw, "app.log"), raw)


@given(lines, lines)
@settings(max_examples=300, deadline=None)
def test_a_line_is_the_same_whatever_came_before(before: bytes, raw: bytes) -> None:
    formats = Formats("files/app")
    formats.parse(before, "app.log")
    assert formats.parse(raw, "app.log") == Formats("files/app").parse(raw, "app.log")


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from(["level", "time", "ts", "msg", "message", "PRIORITY", "levelno", "log", "x"]),
)
@settings(max_examples=300, deadline=None)
def test_json_of_any_kind(value: object, key: str) -> None:
    import json

    raw = json.dumps({key: value}).encode()
    check(Formats("files/app").parse(raw, "app.log"), raw)


@given(st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"x", b"\n")), max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_stream_is_cut_at_each_lf_however_it_comes(chunks: list[bytes]) -> None:
    splitter = Splitter("-")
    blocks = [block for block in map(splitter.feed, chunks) if block is not None]
    last = splitter.rest()
    records = [line for block in (*blocks, *([last] if last else [])) for line in block.lines()]
    whole = b"".join(chunks)
    expected = whole.split(b"\n")
    assert records == (expected if expected[-1] else expected[:-1])
    assert all(block.count == len(block.lines()) for block in blocks)
