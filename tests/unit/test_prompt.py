"""The prompt's editing, and keys that come in one burst."""

from __future__ import annotations

import time

import pytest

from widgets import promql
from widgets.prompt import KeyEffect, Prompt


def typed(prompt: Prompt, text: str) -> None:
    for char in text:
        prompt.press(char, char)


def test_editing() -> None:
    prompt = Prompt()
    prompt.begin(":")
    typed(prompt, "logs apx")
    prompt.press("backspace", None)
    typed(prompt, "p")
    assert prompt.text == "logs app"
    prompt.press("ctrl+w", None)
    assert prompt.text == "logs "
    prompt.press("home", None)
    typed(prompt, "x")
    assert (prompt.text, prompt.at) == ("xlogs ", 1)
    prompt.press("ctrl+u", None)
    assert prompt.text == "logs "


def test_it_ends_accepted_or_cancelled() -> None:
    prompt = Prompt()
    prompt.begin(":")
    typed(prompt, "q")
    assert prompt.press("enter", "\r") is KeyEffect.ACCEPTED
    assert not prompt.open
    prompt.begin("/")
    assert prompt.press("backspace", None) is KeyEffect.CANCELLED


def test_history_belongs_to_its_sign() -> None:
    prompt = Prompt()
    for sign, text in ((":", "members"), ("/", "error"), (":", "logs")):
        prompt.begin(sign)
        typed(prompt, text)
        prompt.press("enter", None)
    prompt.begin(":")
    prompt.press("up", None)
    assert prompt.text == "logs"
    prompt.press("up", None)
    assert prompt.text == "members"
    prompt.press("down", None)
    prompt.press("down", None)
    assert prompt.text == ""


def test_what_was_typed_is_there_again_below_the_history() -> None:
    prompt = Prompt()
    prompt.begin(":")
    prompt.press("down", None)
    typed(prompt, "members")
    prompt.press("enter", None)
    prompt.begin(":")
    typed(prompt, "logs ap")
    prompt.press("down", None)
    assert prompt.text == "logs ap"
    prompt.press("up", None)
    prompt.press("up", None)
    assert prompt.text == "members"
    prompt.press("down", None)
    assert (prompt.text, prompt.at) == ("logs ap", 7)
    prompt.begin(":")
    prompt.press("up", None)
    prompt.press("down", None)
    assert prompt.text == ""


def test_tab_goes_round_the_completions() -> None:
    prompt = Prompt()
    words = ["members", "metrics"]
    prompt.begin(":", "", lambda text: [word for word in words if word.startswith(text)])
    typed(prompt, "me")
    assert prompt.offers == words
    prompt.press("tab", None)
    assert prompt.text == "members"
    prompt.press("tab", None)
    assert prompt.text == "metrics"
    prompt.press("tab", None)
    assert prompt.text == "members"


def test_what_was_typed_before_the_last_word_is_not_offered_again() -> None:
    prompt = Prompt()
    prompt.begin("query ", "sum(rate(up", lambda text: ["sum(rate(up", "sum(rate(uptime"])
    assert prompt.endings == ["uptime"]
    prompt.begin(":", "logs ap", lambda text: ["logs files/app"])
    assert prompt.endings == ["files/app"]
    prompt.begin(":", "x", lambda text: ["overview"])
    assert prompt.endings == ["overview"]


def test_a_paste_is_one_safe_line() -> None:
    prompt = Prompt()
    prompt.begin("/")
    prompt.insert("a\nb\x1b[2J")
    assert prompt.text == "a b"


@pytest.mark.parametrize("text", ["9" * 200_000 + " ", "a" * 200_000 + "(", "by(" * 60_000 + ")"])
def test_a_paste_of_any_length_is_completed_in_time(text: str) -> None:
    """Which took its length squared: minutes, in which no key is answered."""
    prompt = Prompt()
    began = time.monotonic()
    prompt.begin(":", complete=lambda text: [*promql.complete(text, ["up"], ["job"]), "other"])
    prompt.insert(text)
    assert prompt.endings == ["other"]
    assert time.monotonic() - began < 5
