"""What comes through the keyboard: keys in any order, pastes of any text, patterns of any kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.junk import texts
from tests.hostile import unsafe
from tui.commands import for_word
from widgets.dialog import Dialog
from widgets.form import Button, Field, Form
from widgets.prompt import Prompt
from widgets.quantities import duration
from widgets.typed_pattern import typed_pattern

KEYS = (
    *(
        "enter",
        "escape",
        "backspace",
        "ctrl+h",
        "delete",
        "left",
        "right",
        "home",
        "end",
        "ctrl+w",
        "ctrl+u",
        "up",
    ),
    *("down", "tab", "shift+tab", "pagedown", "pageup", "ctrl+c", "f1", "space", "j", "ctrl+@"),
)
keys = st.tuples(st.sampled_from(KEYS), st.none() | st.characters())


@given(st.lists(keys | texts, max_size=30))
@settings(max_examples=150, deadline=None)
def test_the_prompt_takes_anything_and_holds_one_safe_line(typed: list[tuple[str, str | None] | str]) -> None:
    prompt = Prompt()
    prompt.begin(":", complete=lambda text: [text + "a", "other"])
    for one in typed:
        if isinstance(one, str):
            prompt.insert(one)
        else:
            prompt.press(*one)
        assert 0 <= prompt.at <= len(prompt.text)
        assert not unsafe(prompt.text.replace("\n", "\x01").replace("\u0301", ""))
        assert prompt.endings is not None
        if not prompt.open:
            prompt.begin("/", prompt.text)


@given(st.lists(keys | texts, max_size=30))
@settings(max_examples=150, deadline=None)
def test_a_dialog_takes_anything_and_does_nothing_of_itself(typed: list[tuple[str, str | None] | str]) -> None:
    done: list[str] = []
    fields = (Field("reason"), Field("version", "a", ("a", "b")))
    form = Form("title", fields=fields, buttons=(Button("do", lambda: done.append("did")),))
    dialog = Dialog(lambda: 0.0)
    dialog.show(form)
    for one in typed:
        if isinstance(one, str):
            dialog.paste(one)
        else:
            dialog.press(*one)
        assert not unsafe(fields[0].value.replace("\n", "\x01"))
        assert fields[1].value in ("a", "b")
    # It was shown this very moment: nobody can have read it.
    assert not done


@given(texts)
def test_any_typed_text_is_a_pattern_a_word_or_a_duration_or_is_not(text: str) -> None:
    pattern = typed_pattern(text)
    assert (pattern is None) is (not text)
    for_word(text)
    try:
        assert duration(text) >= 0
    except ValueError:
        return
