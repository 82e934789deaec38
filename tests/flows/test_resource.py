"""Members and Processes: keys in, screen out."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.api import registry
from backends.api.details import Trouble
from backends.api.errors import Silent, Unreachable
from backends.api.members import MemberState, Role
from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened
from tests.flows.fake import FakeSettings, member, process


async def test_rows_come_and_the_title_says_live(opened: Opened) -> None:
    async with opened() as screen:
        await screen.until("LOADING")
        screen.script.say_members(member("m0", role=Role.LEADER), member("m1"))
        await screen.until("LIVE")
        assert "leader" in screen.text
        assert "lab" in screen.lines[0]
        assert "guarded" in screen.lines[0]


async def test_a_silent_member_says_so_with_its_age_and_comes_back(opened: Opened) -> None:
    async with opened() as screen:
        trouble = Trouble(Silent("no answer in 2 s"), time.monotonic() - 7, datetime.now(UTC))
        screen.script.say_members(member("m0"), member("m1", MemberState.UNKNOWN, trouble=trouble))
        await screen.until("silent 7s")
        await screen.until("▲ 1 silent")
        assert "LIVE" in screen.text
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until(lambda: "silent" not in screen.text)


async def test_when_the_source_fails_every_row_stays_with_reason_and_next_try(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until("m1")
        screen.script.members.put_nowait(Unreachable("connection refused", where="10.0.0.1:2379"))
        await screen.until("UNREACHABLE")
        assert "connection refused" in screen.text
        assert "m0" in screen.text
        assert "m1" in screen.text
        await screen.until("✖ fake/main unreachable")
        screen.script.say_members(member("m0"), member("m1"))
        await screen.press("r")
        await screen.until("LIVE")


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (120, "processes  40  sort cpu%↓  web-03  load 0.12 1.50 0.45 on 8 cores  memory 4 G of 16.0 G"),
        (90, "processes  40  web-03  load 0.12 1.50 0.45 on 8 cores  memory 4 G of 16.0 G"),
        (80, "processes  40  web-03  load 0.12 1.50 0.45 on 8  mem 4 G/16.0 G"),
    ],
)
async def test_load_and_memory_of_the_host_have_room(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, width: int, title: str
) -> None:
    monkeypatch.setitem(registry.MODULES, "hosted", "tests.flows.hosted")
    lab = Context("lab", (SourceConfig("hosted", "main", FakeSettings()),))
    async with opened(size=(width, 24), command="processes", contexts=(lab,)) as screen:
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(40)))
        await screen.until("LIVE")
        await screen.until(title)


async def test_a_source_that_never_answered_says_what_was_tried(opened: Opened) -> None:
    async with opened() as screen:
        error = Unreachable("connection refused", where="10.0.0.1:2379", hint="is etcd running there?")
        screen.script.members.put_nowait(error)
        await screen.until("10.0.0.1:2379: connection refused")
        assert "is etcd running there?" in screen.text


async def test_no_source_teaches(opened: Opened) -> None:
    empty = Context("empty", (), tried=("127.0.0.1:2379, etcd's default: nothing listens there",))
    async with opened(contexts=(empty,)) as screen:
        await screen.until("NO SOURCE")
        assert "etcd's default: nothing listens there" in screen.text
        # Deploys are configured, and were looked for nowhere.
        for kind in ("runs", "deploys"):
            await screen.type(f":{kind}\r")
            await screen.until(f"no {kind}")
            assert "nothing listens there" not in screen.text


async def test_a_whole_command_in_one_burst_counts(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_processes(process(7, "python"), process(8, "nginx"))
        await screen.type(":processes\r/nginx\r")
        await screen.until("1 of 2")
        assert "nginx" in screen.text
        assert "python" not in screen.text


async def test_a_filter_matches_what_is_shown_not_what_was(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"), member("m1", MemberState.DOWN))
        await screen.until("m1")
        await screen.type("/unreachable\r")
        await screen.until("0 of 2")
        screen.script.members.put_nowait(Unreachable("connection refused", where="10.0.0.1:2379"))
        await screen.until("2 of 2")
        await screen.type("/")
        await screen.press("ctrl+u")
        await screen.type("down\r")
        await screen.until("0 of 2")
        screen.script.say_members(member("m0"), member("m1", MemberState.DOWN))
        await screen.press("r")
        await screen.until("1 of 2")


async def test_filters_are_live_and_escape_clears(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("alpha"), member("beta"))
        await screen.until("beta")
        await screen.type("/!al")
        await screen.until("1 of 2")
        assert "alpha" not in screen.text
        await screen.press("escape")
        await screen.until(lambda: "alpha" in screen.text)


@pytest.mark.parametrize("view", ["members", "metrics"])
async def test_what_is_typed_as_a_pattern_and_is_none_says_so(opened: Opened, view: str) -> None:
    async with opened(command=view) as screen:
        screen.script.say_members(member("m0"))
        await screen.type("/m[0")
        await screen.until("filter as plain text (unterminated character set): m[0")
        await screen.type("]")
        await screen.until(lambda: "plain text" not in screen.text)
        assert "m[0]" in screen.lines[1]


async def test_cursor_and_marks_stay_with_their_rows(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(1, 6)))
        await screen.type("3")
        await screen.until("p5")
        table = screen.app.view.table
        await screen.press("less_than_sign")
        table.sort_by("pid")
        await screen.press("j", "j", "space")
        assert table.marks == {"h/3/1/b"}
        assert table.current.pid == 4
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in (0, 2, 4, 5)))
        await screen.until(lambda: table.total == 4)
        assert table.current.pid == 4
        assert table.marks == set()


async def test_sort_keys(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_processes(process(1, "a", rss=5 << 20), process(2, "b", rss=9 << 20))
        await screen.type("3M")
        await screen.until("9 M")
        rows = [line for line in screen.lines if "/usr/bin/" in line]
        assert "/usr/bin/b" in rows[0]
        await screen.press("I")
        await screen.until(lambda: "/usr/bin/a" in next(line for line in screen.lines if "/usr/bin/" in line))


async def test_open_describe_raw(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0", raft_term=3))
        await screen.until("m0")
        await screen.press("enter")
        await screen.until("raft term")
        await screen.press("d")
        await screen.until("fakectl get fake/main/m0")
        await screen.press("q", "y")
        await screen.until("raw of fake/main/m0")
        assert "\x1b" not in screen.text
        await screen.press("q")
        await screen.until("members")


async def test_q_goes_up_and_escape_never_quits(opened: Opened) -> None:
    async with opened() as screen:
        await screen.press("question_mark")
        await screen.until("On this table")
        await screen.press("escape", "escape", "escape", "escape")
        assert screen.app.view.name_in_path == "members"
        await screen.press("q")
        await screen.until("WRONG NOW")
        await screen.press("escape", "escape")
        assert screen.app.is_running
        await screen.press("q")
        await screen.until(lambda: screen.app.return_code is not None)
        assert screen.app.return_code == 0


async def test_ctrl_c_twice_quits(opened: Opened) -> None:
    async with opened() as screen:
        await screen.press("ctrl+c")
        await screen.until("again quits")
        await screen.press("ctrl+c")
        await screen.until(lambda: screen.app.return_code is not None)
        assert screen.app.return_code == 130


async def test_frozen_counts_what_it_misses(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        await screen.press("Z")
        await screen.until("FROZEN")
        for number in range(1, 4):
            screen.script.say_members(member("m0"), member(f"n{number}"))
        await screen.until("3 updates waiting")
        assert "n3" not in screen.text
        await screen.press("Z")
        await screen.until("n3")


async def test_what_is_missed_is_counted_on_whichever_screen_one_looks(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        await screen.press("Z")
        screen.script.say_members(member("m0"), member("m1"))
        await screen.until("1 update waiting")
        await screen.press("1")
        screen.app.tick()
        await screen.until("1 update waiting")
        screen.script.say_members(member("m0"), member("m2"))
        await screen.until("2 updates waiting")


async def test_context_is_switched_without_restart(opened: Opened) -> None:
    lab = Context("lab", (SourceConfig("fake", "main", FakeSettings()),))
    prod = Context("prod", (SourceConfig("fake", "main", FakeSettings(script="prod")),), read_only=True)
    async with opened(contexts=(lab, prod)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        before = screen.app.watching
        await screen.type(":context prod\r")
        await screen.until("read-only")
        assert "m0" not in screen.text
        assert screen.app.watching is not before
        await screen.type(":context nope\r")
        await screen.until("no context nope")


async def test_saving_never_overwrites(opened: Opened, tmp_path: Path) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        target = tmp_path / "out.txt"
        await screen.type(f":w {target}\r")
        await screen.until("saved")
        text, mode = await asyncio.to_thread(lambda: (target.read_text(), target.stat().st_mode))
        assert "m0" in text
        assert mode & 0o077 == 0
        await screen.type(f":w {target}\r")
        await screen.until("is there already")


async def test_copying_leaves_a_file_that_always_works(opened: Opened, tmp_path: Path) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        await screen.press("c")
        await screen.until("copied 1 line")
        assert "m0" in await asyncio.to_thread(lambda: next(tmp_path.rglob("copied.txt")).read_text())


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 60)])
async def test_every_size_shows_name_state_and_hints(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(size=size) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        assert "up" in screen.text
        assert "lab" in screen.lines[0]
        assert "?" in screen.lines[-1]


async def test_how_many_rows_there_are_is_not_known_before_anybody_has_told(opened: Opened) -> None:
    async with opened() as screen:
        await screen.until("members  –  ")
        screen.script.say_members()
        await screen.until("members  0  ")


async def test_hostile_text_is_shown_and_does_nothing(opened: Opened) -> None:
    evil = "\x1b[2J\x1b]52;c;eA==\x07[@click=app.lee]x[/]\u202e\x9b\x00"
    async with opened() as screen:
        screen.script.say_members(member(evil))
        screen.script.say_processes(process(1, evil, command=evil))
        await screen.until("[@click")
        await screen.press("enter", "d")
        await screen.type("q3")
        await screen.until("[@click=app.lee]x[/]")
        assert not set(screen.text) & set("\x1b\x07\u202e\x9b\x00")
        await screen.pilot.click(offset=(90, 4))
        assert screen.app.is_running


async def test_the_mouse_chooses_sorts_and_opens(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("alpha"), member("beta", raft_term=7), member("gamma"))
        await screen.until("gamma")
        table = screen.app.view.table
        await screen.pilot.click(table, offset=(8, 2))
        assert table.current.name == "beta"
        await screen.pilot.click(table, offset=(8, 2), times=2)
        await screen.until("raft term")
        await screen.pilot.click(table, offset=(6, 0))
        assert table.sort_key == "name"
        await screen.pilot.click(table, offset=(6, 0))
        assert table.descending


async def test_what_an_empty_table_teaches_is_wrapped_and_said_once(opened: Opened) -> None:
    async with opened(contexts=(Context("bare"),), size=(80, 24)) as screen:
        await screen.until("zookeeper.NAME with")
        assert screen.text.count("no members:") == 1


async def test_on_a_small_terminal_the_footer_keeps_what_is_needed_most(opened: Opened) -> None:
    async with opened(size=(80, 24)) as screen:
        await screen.until("? help")
        for hint in (": command", "/ filter", "q back", "⏎ open"):
            assert hint in screen.lines[-1]


async def test_a_long_reason_leaves_the_screen_its_name_and_how_many_rows_there_are(opened: Opened) -> None:
    async with opened(size=(80, 24)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        why = "connected, and then no answer within 4 s, which is longer than anybody would wait for it"
        screen.script.members.put_nowait(Unreachable(why, where="10.0.0.1:2379"))
        await screen.until("UNREACHABLE")
        assert screen.lines[1].startswith(" members  1 … "), screen.lines[1]
        assert screen.lines[1].endswith("…")
