"""The choke point: nothing that a terminal obeys passes it."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clean import STACK, clean, clean_bytes, clean_lines
from tests.hostile import BYTES, EVIL, TEXTS, unsafe

INVISIBLE = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: printable, says Unicode, and a known way to hide a text in a text."""
HOSTILE = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m",
    "\x90q\x9c",
    "a\x00b\x7f",
    "\u202eevil\u2066",
    "\u200bzero",
    "line\nline\rline",
    "\ud800",
    "\U000e0041",
    "a\ufe00b",
    "a\U000e0101\U000e0152",
    "\x1bP+q544e\x1b\\",
    "\x1b",
    "\x1b]52;c;unended",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_character_passes(text: str) -> None:
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in clean(text))
    assert not INVISIBLE.search(clean(text))


@pytest.mark.parametrize("text", [*TEXTS.values(), EVIL], ids=[*TEXTS, "all"])
def test_nothing_hostile_passes(text: str) -> None:
    assert unsafe(text) or text == TEXTS["markup"]
    assert not unsafe(clean(text))
    assert not unsafe(clean_bytes(BYTES))


def test_no_sign_that_is_a_control_a_format_or_half_a_pair_passes() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert not unsafe(clean(f"a{chr(code)}b")), hex(code)


def test_signs_that_stand_on_one_letter_are_as_many_as_languages_need() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Mn", "Me"):
            assert clean("a" + chr(code) * 100).count(chr(code)) <= STACK, hex(code)
    assert clean("a" + "\u0301" * 100_000) == "a" + "\u0301" * STACK + "\N{REPLACEMENT CHARACTER}"
    vietnamese, hebrew, thai = "e\u0323\u0302", "\u05e9\u05c1\u05bc\u05b8\u0591", "\u0e17\u0e35\u0e48"
    for word in (vietnamese, hebrew, thai):
        assert clean(word * 10) == word * 10


@given(st.text(st.sampled_from("a\u0301\u0489\u200d\ufe0f\u064b\x1b[m漢"), max_size=40))
def test_what_was_cleaned_is_clean(text: str) -> None:
    once = clean(text)
    assert not unsafe(once)
    assert clean(once) == once


@given(st.text())
def test_cleaning_is_safe_and_idempotent(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not INVISIBLE.search(once)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in once)


def test_harmless_text_is_untouched() -> None:
    text = "größe 5 · naïve ✖ 漢字 [b]markup[/b] \N{NO-BREAK SPACE}x"
    assert clean(text) == text


def test_a_sign_keeps_its_own_shape_without_the_selector_of_its_style() -> None:
    assert clean("\u26a0\ufe0f disk 90 %") == "\u26a0 disk 90 %"


def test_a_hand_keeps_its_shape_without_the_colour_of_its_skin() -> None:
    assert clean("\U0001f44d\U0001f3fd ok") == "\U0001f44d ok"


def test_colours_vanish_and_tabs_are_widened() -> None:
    assert clean("\x1b[31mred\x1b[0m\tend") == "red    end"
    assert clean_bytes(b"caf\xe9") == "caf\N{REPLACEMENT CHARACTER}"
    assert clean_lines("a\x1b[1m\nb") == "a\nb"


def test_tabs_of_several_lines_reach_to_their_stops() -> None:
    assert clean_lines("Name:\tetcd\nUmask:\t0022\n\x1b[1mNSpid:\x1b[0m\t7") == (
        "Name:   etcd\nUmask:  0022\nNSpid:  7"
    )
