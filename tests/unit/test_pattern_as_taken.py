"""What a title says of a typed text: why one that is no regular expression is looked for as it stands."""

from __future__ import annotations

import pytest

from widgets.typed_pattern import as_taken


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("a[b", "unterminated character set"),
        ("(", "missing ), unterminated subpattern"),
        ("*x", "nothing to repeat"),
        ("a{99999999999}", "too large a number"),
        ("(" * 5000 + ")" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_regular_expression_is_said_with_the_reason(typed: str, why: str) -> None:
    assert as_taken(typed) == f"as plain text ({why}): {typed}"


@pytest.mark.parametrize("typed", ["a.b", "[[a]", ""])
def test_what_is_one_stands_as_it_was_typed(typed: str) -> None:
    assert as_taken(typed) == typed
