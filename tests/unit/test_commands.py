"""The one table of commands."""

from __future__ import annotations

import inspect

import pytest

from backends.config.context_words import Mode
from tui.app import MidwatchApp
from tui.commands import (
    COMMANDS,
    DESCRIPTION,
    LOGS,
    METRICS,
    OVERVIEW,
    RUN,
    SCREENS,
    TABLE,
    TEXT,
    for_key,
    for_word,
    key_glyph,
    on_screen,
)
from tui.everywhere import Everywhere
from tui.footer import VIEWS as VIEWS_NAMED
from tui.help import help_lines
from tui.kinds.known import KINDS
from tui.screens.description import DescriptionScreen
from tui.screens.logs.screen import LogsScreen
from tui.screens.metrics.screen import MetricsScreen
from tui.screens.overview.screen import OverviewScreen
from tui.screens.resource import ResourceScreen
from tui.screens.run import RunScreen
from tui.screens.text import TextScreen
from tui.ways import Ways

VIEWS = {
    OVERVIEW: OverviewScreen,
    TABLE: ResourceScreen,
    DESCRIPTION: DescriptionScreen,
    LOGS: LogsScreen,
    TEXT: TextScreen,
    METRICS: MetricsScreen,
    RUN: RunScreen,
}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", ["", *KINDS])
def test_a_key_means_one_thing_on_one_screen(screen: str, kind: str) -> None:
    keys = [key for command in on_screen(screen, kind) for key in command.keys]
    assert sorted(keys) == sorted(set(keys))


def test_words_are_different() -> None:
    words = [word for command in COMMANDS for word in (command.word, *command.aliases) if word]
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.do)
def test_every_command_can_be_done_where_it_is_offered(command: object) -> None:
    from tui.commands import Command

    assert isinstance(command, Command)
    name, *fixed = command.do.split()
    for screen in command.on:
        owners = (VIEWS[screen], Ways, Everywhere, MidwatchApp)
        method = next((getattr(owner, name) for owner in owners if hasattr(owner, name)), None)
        assert method is not None, f"{name}: a method of {VIEWS[screen].__name__}, or of {owners[1:]}"
        # A view's method of that name would be taken for the app's: it must want the same.
        inspect.signature(method).bind("self", *fixed)
        if command.takes:
            inspect.signature(method).bind("self", *fixed, "typed")


def test_keys_that_do_harm_elsewhere_only_look_here() -> None:
    for key in ("k", "d", "r", "s", "ctrl+d", "ctrl+k", "ctrl+s"):
        for screen in SCREENS:
            command = for_key(key, screen)
            assert command is None or command.do.split()[0] in (
                *("move", "describe", "refresh_now", "follow", "page", "unfold"),
                "act",  # a menu, then a question with Cancel chosen
            )


def test_words_by_alias_and_by_prefix() -> None:
    assert for_word("proc") is for_word("processes")
    assert for_word("mem") is for_word("members")
    assert for_word("") is None
    assert for_word("nonsense") is None


def test_the_footer_names_the_views_that_digits_open() -> None:
    assert [digit for digit, _ in VIEWS_NAMED] == list("123456789")
    for digit, name in VIEWS_NAMED:
        command = for_key(digit, OVERVIEW)
        assert command is not None, digit
        assert command.word == name, f"{digit} opens {command.word}; tui/footer.py calls it {name}"


def test_help_names_every_key_of_the_screen() -> None:
    for screen in SCREENS:
        text = "\n".join(help_lines(screen, "members", Mode.GUARDED, lambda command: True))
        for command in on_screen(screen, "members"):
            assert command.help in text
            assert all(key_glyph(key) in text for key in command.keys)


@pytest.mark.parametrize("screen", SCREENS)
def test_help_begins_with_this_screen_and_says_what_its_slash_takes(screen: str) -> None:
    lines = help_lines(screen, "", Mode.GUARDED, lambda command: True)
    assert lines[0].removeprefix("On ").removeprefix("In ").split()[-1] == screen
    everywhere = lines[lines.index("Everywhere") :]
    searches = tuple(f" {command.help}" for command in COMMANDS if command.do == "open_search")
    assert not any(line.endswith(searches) for line in everywhere)
    has_filter = any("regular expression" in line for line in lines)
    assert has_filter is any(command.do == "open_search" for command in on_screen(screen))
    assert any("!text" in line for line in lines) is (screen == TABLE)


@pytest.mark.parametrize("screen", SCREENS)
def test_help_has_what_belongs_together_in_one_block_and_digits_in_their_order(screen: str) -> None:
    lines = help_lines(screen, "members", Mode.GUARDED, lambda command: True)
    everywhere = lines[lines.index("Everywhere") :]
    digits = [line.split()[0] for line in everywhere if line[2:3].isdigit()]
    assert digits == sorted(digits)
    moving = lines[lines.index("Moving") : lines.index("Everywhere")]
    assert sum(line.split()[:1] == ["g"] for line in moving) == 1
    if screen != METRICS:
        assert sum(line.split()[:1] == ["G"] for line in moving) == 1


def test_help_gives_words_no_column_of_their_own_where_few_commands_have_one() -> None:
    lines = help_lines(METRICS, "", Mode.GUARDED, lambda command: True)
    own = lines[: lines.index("")]
    assert any(line.startswith("  :range DURATION  so much time") for line in own)
    assert {line.index(word) for line in own for word in ("show only", "so much time") if word in line} == {19}


def test_help_of_a_read_only_context_speaks_of_no_question() -> None:
    text = "\n".join(help_lines(TABLE, "units", Mode.READ_ONLY, lambda command: not command.acts))
    assert "question, with Cancel chosen" not in text
    assert "This context is read-only: nothing can be changed, and nothing here lifts that." in text
    assert "Cancel chosen" in "\n".join(help_lines(TABLE, "units", Mode.GUARDED, lambda command: True))


def test_help_says_that_a_context_which_no_reason_arms_is_always_armed() -> None:
    text = "\n".join(help_lines(OVERVIEW, "", Mode.ARMED, lambda command: True))
    assert "This context is always armed." in text
    # It is left by one key: what a reason has armed disarms with that.
    assert "then quit; armed by a reason, twice" in text
