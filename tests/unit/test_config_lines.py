"""The line of each key, beside what tomllib reads."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backends.config.lines import key_lines, line_of

TEXT = '''\
default = "a"  # [not a table]

[context.a.etcd."m.1"]
endpoints = [
  "x:1",  # one
  "y:2",
]
groups = { web = "/w/", "b c" = { prefix = "/b/" } }
note = """
[context.b]
key = 1
"""

[[context.a.page]]
title = 'one'
[[context.a.page]]
title = 'two'
[[context.a.page.panel]]
query = "]"
'''

KEYS = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text(max_size=6))
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 9), st.text(max_size=12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def test_every_kind_of_place() -> None:
    lines = key_lines(TEXT)
    for path, line in {
        ("default",): 1,
        ("context", "a", "etcd", "m.1"): 3,
        ("context", "a", "etcd", "m.1", "endpoints"): 4,
        ("context", "a", "etcd", "m.1", "endpoints", "1"): 6,
        ("context", "a", "etcd", "m.1", "groups", "b c", "prefix"): 8,
        ("context", "a", "page", "1", "title"): 17,
        ("context", "a", "page", "1", "panel", "0", "query"): 19,
    }.items():
        assert lines[path] == line, path
    assert ("context", "b") not in lines
    assert line_of(lines, ("context", "a", "etcd", "m.1", "nowhere")) == 3
    assert line_of(lines, ("nowhere",)) == 1


def quoted(text: str) -> str:
    body = "".join(f"\\U{ord(char):08x}" if not char.isalnum() else char for char in text)
    return f'"{body}"'


def written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + ",\n".join(written(item) for item in value) + "\n]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {written(item)}" for key, item in value.items()) + " }"
    return str(value)


def paths(value: Any, here: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = set()
    for key, item in pairs:
        found |= {(*here, str(key))} | paths(item, (*here, str(key)))
    return found


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_no_key_is_missed(document: dict[str, Any]) -> None:
    text = "\n# a comment\n".join(f"{quoted(key)} = {written(value)}" for key, value in document.items())
    assert tomllib.loads(text) == document
    assert key_lines(text).keys() >= paths(document)
