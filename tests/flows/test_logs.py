"""Logs: keys in, screen out."""

from __future__ import annotations

import pytest

from backends.api.errors import NotFound
from backends.api.logs import LogBatch, LogBlock
from backends.api.readings import Seen
from backends.config.context import Context
from tests.flows.conftest import Opened
from tests.flows.fake import Fake
from tui import first_paint
from tui.screens.logs.screen import LogsScreen


async def test_lines_are_followed_and_marked_by_level(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(b"all fine", b"ERROR it broke")
        await screen.until("it broke")
        assert "FOLLOWING" in screen.text
        assert any("✖" in line and "it broke" in line for line in screen.lines)
        screen.script.say_lines(*(b"more %d" % number for number in range(100)))
        await screen.until("more 99")


async def test_scrolling_up_stops_following_and_G_resumes(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs main\r")
        screen.script.say_lines(*(b"line %d" % number for number in range(200)))
        await screen.until("line 199")
        await screen.press("ctrl+u", "k")
        await screen.until("not following")
        standing = screen.lines[2]
        screen.script.say_lines(b"a new one")
        await screen.until("201 lines")
        assert screen.lines[2] == standing
        await screen.until("not following, 1 new: F")
        screen.script.say_lines(b"another", b"and one more")
        await screen.until("not following, 3 new: F")
        await screen.press("G")
        await screen.until("a new one")
        await screen.press("k")
        await screen.until("LIVE, not following: F")


async def test_a_source_whose_files_are_gone_says_so_and_shows_what_comes(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs main\r")
        block = LogBlock("app.log", b"line 1", 1)
        screen.script.logs.put_nowait(Seen(LogBatch((block,), None, files=1)))
        await screen.until("FOLLOWING")
        late = LogBlock("app.log", b"line 2", 1)
        gone = (NotFound("no file matches /var/log/*.log"),)
        screen.script.logs.put_nowait(Seen(LogBatch((late,), None, files=0, troubles=gone)))
        await screen.until("line 2")
        await screen.until("no file matches /var/log/*.log")
        assert "line 2" in screen.text
        await screen.until(lambda: "1 not found" in screen.lines[0])
        screen.script.logs.put_nowait(Seen(LogBatch((), None, files=1)))
        await screen.until("FOLLOWING")
        await screen.until(lambda: "not found" not in screen.lines[0])


async def test_search_goes_to_matches_and_keep_leaves_only_them(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(*(b"line %d" % number for number in range(500)))
        await screen.until("line 499")
        await screen.type("/line 7\r")
        await screen.until("match 11 of 11 in memory; n: the next match, N: the one before")
        await screen.press("N")
        await screen.until("match 10 of 11 in memory")
        await screen.until("line 79")
        await screen.press("e")
        await screen.until(lambda: "match 10" not in screen.text)
        await screen.press("escape")
        await screen.type("&line 3.$\r")
        await screen.until("10 of 500 lines")
        await screen.press("ampersand")
        await screen.until(" 500 lines")


async def test_enter_goes_to_the_next_match_else_to_the_one_before_and_following_to_the_newest(
    opened: Opened,
) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(*(b"line %d" % number for number in range(500)))
        await screen.until("line 499")
        logs = screen.app.view
        assert isinstance(logs, LogsScreen)
        for pattern, number in (
            ("line .99", 499),
            ("line 7", 79),
            ("line 9", 90),
            ("line 90", 90),
            ("line 3$", 3),
            ("line (1|9)$", 9),
        ):
            await screen.type(f"/{pattern}\r")
            await screen.until("n: the next match, N: the one before")
            await screen.until(lambda number=number: logs.copied() == f"line {number}")
            assert logs.log_view.following is (number == 499)
        await screen.type("/nowhere\r")
        await screen.until("no match in memory: N looks further back")
        assert logs.copied() == "line 9"


@pytest.mark.parametrize(("key", "asked"), [("/", "search"), ("&", "only")])
async def test_the_title_says_what_is_no_regular_expression_and_as_what_it_is_taken(
    opened: Opened, key: str, asked: str
) -> None:
    async with opened(command="logs", size=(80, 24)) as screen:
        screen.script.say_lines(*(b"call(%d)" % number for number in range(50)))
        await screen.until("call(49)")
        # Where a title is cut, it is cut behind that.
        await screen.type(f"{key}call(4 and more words than a title has room for\r")
        await screen.until(f"{asked} as plain text (missing ), unt")
        await screen.type(f"{key}{key}call.4\r" if key == "&" else f"{key}call.4\r")
        await screen.until(f"{asked} call.4")


async def test_next_error_and_its_record(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(b"ERROR first", *(b"line %d" % number for number in range(300)))
        await screen.until("line 299")
        await screen.press("E")
        await screen.until("ERROR first")
        await screen.press("enter")
        await screen.until("as it came")
        assert "ERROR first" in screen.text
        await screen.press("q")
        await screen.until("logs  fake/main")


async def test_hostile_lines_do_nothing(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(b"\x1b[2J\x1b]52;c;eA==\x07[@click=app.leave]x[/] \xff\x00\x9b \xe2\x80\xae end")
        await screen.until("end")
        assert "[@click=app.leave]x[/]" in screen.text
        assert not set(screen.text) & set("\x1b\x07\u202e\x9b\x00")
        await screen.press("y")
        await screen.until("\\x1b[2J")


async def test_an_unknown_source_names_the_nearest(opened: Opened) -> None:
    async with opened() as screen:
        await screen.type(":logs mian\r")
        await screen.until("nearest is main")


async def test_without_a_source_it_teaches(opened: Opened) -> None:
    async with opened(contexts=(Context("bare"),)) as screen:
        await screen.type(":logs\r")
        await screen.until("[context.bare.files.app]")


async def test_wrap_and_sideways(opened: Opened) -> None:
    async with opened(size=(60, 15)) as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(b"a" * 50 + b" middle " + b"b" * 50 + b" tail")
        await screen.until("aaaa")
        assert "tail" not in screen.text
        await screen.press("w")
        await screen.until("tail")
        await screen.press("w", *["l"] * 12)
        await screen.until("tail")


async def test_what_is_searched_kept_and_copied_is_what_the_source_shows(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal's records are JSON, of which nobody types a part."""
    monkeypatch.setattr(Fake, "shown", lambda self, data: data.replace(b"__CURSOR", b"for people"))
    async with opened() as screen:
        await screen.type(":logs\r")
        screen.script.say_lines(b"__CURSOR first", *(b"line %d" % number for number in range(100)))
        await screen.until("line 99")
        await screen.type("&for people\r")
        await screen.until("1 of 101 lines")
        await screen.press("ampersand")
        await screen.type("/for people\r")
        await screen.press("N")
        await screen.until("__CURSOR first")
        logs = screen.app.view
        assert isinstance(logs, LogsScreen)
        assert logs.copied() == "for people first"
        assert "__CURSOR" not in logs.plain_text()


async def test_a_start_with_the_logs_shows_the_first_lines_at_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_paint, "HOLD", 600.0)
    async with opened(command="logs") as screen:
        await screen.until(lambda: isinstance(screen.app.view, LogsScreen))
        assert screen.app.first_paint.holding
        screen.script.say_lines(b"the first of all")
        await screen.until(lambda: not screen.app.first_paint.holding)
        await screen.until("the first of all")
