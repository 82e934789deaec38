"""What is typed to look for, wherever that is: in rows, charts, texts and logs."""

from __future__ import annotations

import warnings

import pytest

from widgets.logs.search_pattern import compiled
from widgets.typed_pattern import typed_pattern

CASES = [
    ("error", "ERROR", True),
    ("Error", "error", False),
    ("Error", "Error", True),
    (r"\Serror", "xERROR", True),
    (r"\Werror", " Error", True),
    ("5..", "503", True),
    ("a[b", "x A[B y", True),
    ("A[b", "a[b", False),
    ("(", "f(x)", True),
    ("a{99999999999}", "a{99999999999}", True),
    ("[[a", "[[a", True),
]


@pytest.mark.parametrize(("typed", "text", "found"), CASES)
def test_a_regular_expression_else_the_text_and_capitals_count_once_there_is_one(
    typed: str, text: str, found: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pattern, of_logs = typed_pattern(typed), compiled(typed)
    assert pattern is not None
    assert of_logs is not None
    assert (pattern.search(text) is not None) is found
    # A search in logs finds the same.
    assert of_logs.matches(text.encode()) is found


def test_nothing_typed_looks_for_nothing() -> None:
    assert typed_pattern("") is None
    assert compiled("") is None
