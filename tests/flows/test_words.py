"""Words after `:` and keys that mean nothing here: what is done with them is said, nothing is swallowed."""

from __future__ import annotations

import pytest

from tests.flows.conftest import Opened
from tests.flows.fake import member, process


async def test_what_follows_a_kind_is_its_filter(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("web-1"), member("search-1"))
        screen.script.say_processes(process(7, "nginx"), process(8, "redis"))
        await screen.until("search-1")
        await screen.type(":members web\r")
        await screen.until("1 of 2")
        assert "search-1" not in screen.text
        await screen.type(":processes redis\r")
        await screen.until("1 of 2")
        assert "redis" in screen.text


@pytest.mark.parametrize("kind", ["units", "targets", "alerts", "deploys", "runs", "events"])
async def test_each_table_takes_a_filter(opened: Opened, kind: str) -> None:
    async with opened() as screen:
        await screen.type(f":{kind} nonsense\r")
        await screen.until("filter nonsense")
        assert screen.app.view.kind_name == kind


async def test_the_names_that_are_there_complete_a_filter(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("web-1"), member("search-1"))
        await screen.until("search-1")
        await screen.type(":members we")
        await screen.press("tab", "enter")
        await screen.until("filter web-1")


async def test_a_name_that_completes_a_filter_stands_for_itself(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("!web[1]+\x1b[2J"), member("web1"))
        await screen.until("web1")
        await screen.type(":members we")
        await screen.press("tab", "enter")
        await screen.until("1 of 2")
        assert "!web[1]+" in screen.text
        assert "\x1b" not in screen.app.view.searching


async def test_a_word_that_takes_nothing_says_so(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":overview now\r")
        await screen.until(":overview takes nothing after it; now was not understood")
        assert screen.app.view.kind_name == "members"
        await screen.type(":quit now\r")
        await screen.until(":q takes nothing after it")
        assert screen.app.is_running


async def test_a_second_tab_goes_on_to_what_a_word_takes(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":con")
        await screen.press("tab")
        await screen.until(":context")
        await screen.press("tab", "enter")
        await screen.until("lab")
        assert screen.app.keys.prompt._history[":"] == ["context lab"]


async def test_a_wrong_range_says_what_was_wrong(opened: Opened) -> None:
    async with opened(command="metrics") as screen:
        await screen.type(":range 2x\r")
        await screen.until("2x is no span of time; :range 15m, 6h, 2d")
        await screen.type(":range 1s\r")
        await screen.until("1s is too short; :range 15m, 6h, 2d")


@pytest.mark.parametrize("key", ["K", "R", "f9"])
@pytest.mark.parametrize("kind", ["deploys", "runs"])
async def test_a_key_for_other_kinds_says_which(opened: Opened, key: str, kind: str) -> None:
    async with opened(command=kind) as screen:
        await screen.press(key)
        await screen.until(f"is not for {kind}; here D and x act")
        assert not screen.app.asking
        await screen.press("question_mark")
        await screen.until("On this table")
        text = screen.app.view.plain_text()
        assert "signal" not in text
        assert "by its supervisor" not in text


async def test_a_key_for_other_kinds_says_in_a_read_only_context_that_it_is(opened: Opened) -> None:
    from tests.looks.test_states import PROD

    async with opened(contexts=(PROD,), command="deploys") as screen:
        await screen.press("K")
        await screen.until("this context is read-only")
