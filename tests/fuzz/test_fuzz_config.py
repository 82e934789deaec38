"""A configuration of any bytes is contexts, or one line that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.config.configuration import ConfigError, Document
from backends.config.reader import read
from tests.fuzz.junk import bytes_like
from tests.hostile import TEXTS, unsafe

WORDS = (
    *(
        "[context.a]",
        "[context.a.etcd.main]",
        "[context.a.files.app]",
        "[[context.a.page]]",
        "[context.a.deploy.w]",
    ),
    *(
        "endpoints = ",
        "paths = ",
        "argv = ",
        'kind = "command"',
        "default = ",
        "colour = ",
        "arm = ",
        "groups = ",
    ),
    *(
        "[context.a.zookeeper.m]",
        "hosts = ",
        "[context.a.prometheus.m]",
        "url = ",
        "password = ",
        "{ env = 'X' }",
    ),
    *(
        '"127.0.0.1:1"',
        '["a"]',
        "[",
        "]",
        "{",
        "}",
        "=",
        "\n",
        '"',
        "'",
        '"""',
        "#",
        ".",
        "1",
        "1e999",
        "nan",
        "true",
    ),
    *("9999-12-31T23:59:59Z", "[[context.a.page.panel]]", 'title = "x"', "query = ", "threshold = ", "inf", "-"),
)
PIECES = tuple(word.encode() for word in WORDS)
quoted = st.sampled_from([f'"""{text}"""'.encode() for text in TEXTS.values()])
documents = bytes_like(PIECES) | st.lists(st.sampled_from(PIECES) | quoted | st.just(b"\n"), max_size=20).map(
    b"".join
)


@given(documents)
@example(b"a = " + b"[" * 5000)
@example(b"a." * 5000 + b"b = 1")
@example(b"a = " + b"1" * 5000)
@settings(max_examples=250, deadline=None)
def test_no_file_raises_anything_but_a_line_that_is_safe_to_print(data: bytes) -> None:
    said = ""
    try:
        read(Document(Path("config\x1b[2J.toml"), data, foreign=False)).lines()
    except ConfigError as error:
        said = str(error)
    assert "\n" not in said
    assert not unsafe(said)
