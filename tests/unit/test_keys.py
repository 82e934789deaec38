"""Where a key goes: to the dialog, the prompt, or the command that it means; and what is done of a typed line."""

from __future__ import annotations

from typing import Any

from tui.commands import TABLE, Command
from tui.keys import Keys


class Dialog:
    def __init__(self) -> None:
        self.open = False
        self.heard: list[str] = []

    def press(self, key: str, character: str | None) -> None:
        self.heard.append(key)

    def paste(self, text: str) -> None:
        self.heard.append(text)

    def swallows(self, key: str, character: str | None) -> bool:
        return False


class View:
    """A table in front; `done` are the methods that commands have called on it."""

    screen_name, kind_name = TABLE, "members"
    ends_waiting = ("last",)
    keys_wait = True

    def __init__(self, done: list[Any]) -> None:
        self._done = done

    def move(self, *words: str) -> None:
        self._done.append(("move", *words))

    def go_top(self, *words: str) -> None:
        raise ValueError("broken")


class Desk:
    def __init__(self) -> None:
        self.done: list[Any] = []
        self.view = View(self.done)
        self.ways = self.everywhere = object()
        self.dialog: Any = Dialog()
        self.allowed = True
        self.said: list[str] = []
        self.hushed = self.changed = 0

    def offers(self, command: Command) -> bool:
        return self.allowed

    def say(self, text: str) -> None:
        self.said.append(text)

    def prompt_changed(self) -> None:
        self.changed += 1

    def hush(self) -> None:
        self.hushed += 1

    def open_kind(self, *words: str) -> None:
        self.done.append(("open_kind", *words))


def asked(keys: Keys) -> list[tuple[str, str]]:
    """What the prompt, opened now, ends in."""
    ends: list[tuple[str, str]] = []
    keys.ask(
        "/",
        "",
        lambda text: ends.append(("accepted", text)),
        edited=lambda text: ends.append(("edited", text)),
        cancelled=lambda: ends.append(("cancelled", "")),
    )
    return ends


def test_a_line_feed_is_enter_whoever_gets_it() -> None:
    """What is typed before the terminal is ours comes with its returns turned into these (ICRNL)."""
    desk = Desk()
    keys = Keys(desk)
    ends = asked(keys)
    keys.press("a", "a")
    keys.press("ctrl+j", None)
    assert ends == [("edited", "a"), ("accepted", "a")]
    desk.dialog.open = True
    keys.press("ctrl+j", None)
    assert desk.dialog.heard == ["enter"]


def test_a_dialog_gets_keys_and_pasted_text_before_anybody_else() -> None:
    desk = Desk()
    keys = Keys(desk)
    ends = asked(keys)
    desk.dialog.open = True
    keys.press("j", "j")
    keys.paste("web-1")
    assert desk.dialog.heard == ["j", "web-1"]
    assert ends == []
    assert desk.done == []


def test_pasted_text_goes_into_an_open_prompt_and_is_never_a_command() -> None:
    desk = Desk()
    keys = Keys(desk)
    keys.paste("jjK")
    assert (desk.done, desk.hushed) == ([], 0)
    ends = asked(keys)
    keys.paste("web")
    assert ends == [("edited", "web")]


def test_a_prompt_tells_nobody_whom_an_earlier_one_served() -> None:
    keys = Keys(Desk())
    before = asked(keys)
    keys.ask(":", "", lambda text: None)
    keys.press("a", "a")
    keys.press("escape", None)
    assert before == []


def test_the_prompt_is_shown_anew_before_whoever_asked_is_told() -> None:
    """What it does may open the next prompt, or a dialog over it."""
    desk = Desk()
    keys = Keys(desk)
    seen: list[int] = []
    keys.ask("/", "", lambda text: seen.append(desk.changed))
    keys.press("enter", "\r")
    assert seen == [2]


def test_a_key_hushes_what_was_said_and_does_its_command() -> None:
    desk = Desk()
    Keys(desk).press("j", "j")
    assert desk.hushed == 1
    assert [name for name, *_ in desk.done] == ["move"]


def test_what_is_not_offered_is_not_done_and_said() -> None:
    desk = Desk()
    desk.allowed = False
    Keys(desk).press("j", "j")
    assert desk.done == []
    assert "read-only" in desk.said[0]


def test_words_after_a_command_reach_only_one_that_takes_them() -> None:
    desk = Desk()
    keys = Keys(desk)
    takes = Command("t", "move 1", takes="filter")
    takes_none = Command("t", "move 1")
    keys.do(takes, "web")
    keys.do(takes_none, "web")
    assert desk.done == [("move", "1", "web")]
    assert "takes nothing after it; web was not understood" in desk.said[-1]


def test_a_command_that_fails_costs_only_itself() -> None:
    desk = Desk()
    Keys(desk).do(Command("t", "go_top"))
    assert desk.said == ["a bug of midwatch's own (ValueError); :log has the rest"]


def test_an_unknown_word_is_said_and_an_empty_line_is_nothing() -> None:
    desk = Desk()
    keys = Keys(desk)
    keys.run_line(" : ")
    keys.run_line(":")
    assert desk.said == []
    keys.run_line(":nonesuch x")
    assert desk.said == ["no command :nonesuch; ? lists them"]


def test_a_dialog_does_not_wait_for_the_view_that_it_stands_over() -> None:
    desk = Desk()
    keys = Keys(desk)
    assert keys.wait
    desk.dialog.open = True
    assert not keys.wait


def test_a_letter_that_will_be_the_prompts_does_not_end_what_is_waited_for() -> None:
    keys = Keys(Desk())
    assert keys.ends_waiting("G", ["j"])
    assert not keys.ends_waiting("G", ["j", "slash", "x"])
    assert keys.ends_waiting("G", ["slash", "x", "enter", "j"])
    assert not keys.ends_waiting("j", [])
    for key in ("escape", "ctrl+c"):
        assert keys.ends_waiting(key, ["slash", "x"])
    asked(keys)
    assert not keys.ends_waiting("G", [])
    assert keys.ends_waiting("G", ["enter"])
