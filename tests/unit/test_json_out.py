"""JSON that is printed: what was asked for, in characters that no terminal obeys."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import EVIL
from tui.verbs.printing import say, to_json


@given(st.dictionaries(st.text(), st.text() | st.sampled_from(["\x7f", EVIL, "\ud800"])))
def test_it_is_printable_ascii_and_says_the_same(document: dict[str, str]) -> None:
    text = to_json(document)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == document


def test_it_leaves_the_program_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    say(to_json([EVIL]))
    assert json.loads(capsys.readouterr().out) == [EVIL]
