"""`--grep` finds in a block what a search line by line finds, whatever the pattern."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.verbs.grep import Grep

PATTERNS = (
    *(
        "error",
        r"\u0065r",
        r"(?i)\xc9|RO",
        "^error$",
        "e+r",
        "x*",
        "[^a]",
        r"\Aerror",
        r"error\Z",
        "(?i)ERROR",
        "(?=err)",
        "r(?!o)",
        "a|",
        "(?s)r.e",
    ),
    *(
        r"\s",
        r"\bor\b",
        "(?P<name>r)(?P=name)",
        "or\n",
        r"é",
        r"\w{6}",
        "�",
        "$",
        "r++",
        "(?:er|ro)+",
        r"[\s\S]+x",
        r"e[^x]*o",
        r"[^]r]+x",
        r"\[^r|e",
        r"\B",
        r"^\Br",
    ),
)
LINES = st.lists(st.text("erxao é\x00\r\u2028", max_size=8), min_size=1, max_size=6)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(lines=LINES)
def test_what_a_search_line_by_line_finds(pattern: str, lines: list[str]) -> None:
    grep, one = Grep(pattern), re.compile(pattern)
    wanted = [number for number, line in enumerate(lines) if one.search(line)]
    text = "\n".join(lines)
    assert grep.numbers(text) == wanted
    if grep.sieve is not None:
        for some in (text, text.encode("ascii", "ignore").decode()):
            data = some.encode()
            # What stands behind the end is another block's.
            assert grep.sieve(data + b"\nerror x", len(data)) >= bool(grep.numbers(some))


def test_bytes_that_are_no_text_pass_the_sieve_as_they_are_shown() -> None:
    sieve = Grep("a\N{REPLACEMENT CHARACTER}b").sieve
    assert sieve is not None
    assert sieve(b"x\na\xffb", 5)
    assert not sieve(b"x\na\xfe\nb", 6)


def test_all_but_one_character_does_not_look_to_the_end_of_the_block_from_each_start() -> None:
    text = "\n".join(f"foo {number} an ordinary line of a log" for number in range(3000))
    rare, often = Grep(r"foo[^x]*bar"), Grep(r"foo[^\n]*bar")

    def took(grep: Grep) -> float:
        began = time.process_time()
        assert grep.numbers(text) == []
        return time.process_time() - began

    # Quadratic it was 250 times as long.
    assert min(took(rare) for _ in range(3)) < 20 * max(0.0005, min(took(often) for _ in range(3)))
