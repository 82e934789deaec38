"""The keys of a dialog: from line to line and within one, what was typed ahead of it, what is typed into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backends.api.actions import End, Outcome
from tests.clock import FakeClock
from tests.flows.acting import Act, acting, ask, audit
from tests.flows.conftest import Screen
from tui.question import plain
from widgets.dialog import Button, Dialog, Field, Form
from widgets.dialog_rows import DialogRows

__all__ = ["acting"]


async def opened_form(screen: Screen, form: Form) -> Dialog:
    dialog = screen.app.flow.dialog
    await screen.until(lambda: dialog.is_attached)
    dialog.show(form)
    return dialog


async def test_up_and_down_go_between_lines_and_left_and_right_within_one(acting: Act) -> None:
    async with acting() as (screen, _):
        version = Field("version", "1.8.1", ("1.8.1", "1.8.2", "1.9.0"))
        form = Form("deploy", (), (version, Field("note")), (Button("show the plan"),), asks=True)
        dialog = await opened_form(screen, form)
        await screen.press("enter", "enter")
        assert dialog.chosen == "show the plan"
        await screen.press("up")
        assert dialog.chosen == "note"
        await screen.press("up", "right", "right")
        assert (dialog.chosen, version.value) == ("version", "1.9.0")
        await screen.press("down", "down")
        assert dialog.chosen == "show the plan"
        await screen.press("left")
        assert dialog.chosen == "Cancel"
        await screen.press("down")
        assert dialog.chosen == "version"
        # Tab goes through all of them.
        for expected in ("note", "Cancel", "show the plan", "version"):
            await screen.press("tab")
            assert dialog.chosen == expected


async def test_down_comes_to_cancel_before_what_acts(acting: Act) -> None:
    async with acting() as (screen, _):
        dialog = await opened_form(screen, Form("sure?", (), (Field("reason"),), (Button("SIGTERM"),)))
        await screen.press("up", "down")
        assert dialog.chosen == "Cancel"


async def test_nothing_that_was_typed_before_a_question_confirms_it(acting: Act, tmp_path: Path) -> None:
    async with acting(arm="always") as (screen, stage):
        await screen.press("x")
        await screen.until("SIGTERM")
        await screen.press("enter")
        await screen.until("[ SIGTERM ]")
        # What was typed ahead arrives together, just after the question.
        dialog = screen.app.flow.dialog
        assert dialog.form is not None
        dialog.show(dialog.form)
        for key in ("tab", "enter"):
            screen.app.keys.press(key, None)
        assert stage.done == []
        assert dialog.chosen == "SIGTERM"
        await screen.pilot.pause()
        # Once it has been read, the same key does.
        await screen.press("enter")
        await screen.until("gone after")
    assert [outcome for _, outcome in await audit(tmp_path)] == ["asked", "done"]


async def test_a_paste_that_the_terminal_does_not_mark_confirms_nothing(acting: Act) -> None:
    async with acting(arm="always", clock=FakeClock()) as (screen, stage):
        await ask(screen)
        await screen.type("foo\tbar\r\r")
        await screen.until("left out: it came together with other keys")
        assert screen.app.flow.dialog.chosen == "SIGTERM"
        # The last piece of it, over a slow link.
        screen.clock.seconds += 0.1
        await screen.pilot.press("enter")
        assert stage.done == []
        await screen.press("enter")
        await screen.until("gone after")
        assert stage.done == ["kill -TERM 7"]


async def test_a_key_that_is_held_down_confirms_nothing(acting: Act) -> None:
    clock = FakeClock()
    async with acting(arm="always", clock=clock) as (screen, stage):
        dialog = screen.app.flow.dialog
        await ask(screen)
        await screen.press("right")
        clock.seconds += 1.0
        dialog.press("z", "z")
        for _ in range(30):
            clock.seconds += 1 / 30
            dialog.press("enter", "\r")
        assert stage.done == []
        assert dialog.open


async def test_what_is_typed_on_the_buttons_goes_into_the_field_that_is_wanted(acting: Act) -> None:
    async with acting() as (screen, stage):
        await ask(screen)
        assert screen.app.flow.dialog.chosen == "Cancel"
        await screen.type("hung, ticket 7")
        await screen.until("hung, ticket 7")
        assert screen.app.flow.dialog.chosen == "reason"
        await screen.press("enter", "right", "enter")
        await screen.until("gone after")
        assert stage.done == ["kill -TERM 7"]
        assert screen.app.door is not None
        assert screen.app.door.arming.reason == "hung, ticket 7"


async def test_a_key_that_means_nothing_in_a_question_is_answered(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        await ask(screen)
        await screen.press("z")
        await screen.until("← → choose, enter presses")
        await screen.press("escape", "x")
        await screen.until("SIGTERM")
        await screen.press("z")
        await screen.until(lambda: screen.text.count("↑ ↓ choose, enter goes on") == 2)


async def test_what_was_meant_for_a_dialog_is_no_command_once_it_is_closed(acting: Act) -> None:
    async with acting() as (screen, _):
        await ask(screen)
        # Enter on Cancel, and the rest of a sentence: `q` would quit, `:` would begin a command.
        await screen.type("\rquick:q\r")
        await screen.until("left out")
        assert not screen.app.flow.dialog.open
        assert not screen.app.keys.prompt.open
        assert screen.app.is_running
        await screen.type("x")
        await screen.until("SIGTERM")


async def test_where_nothing_can_be_cancelled_the_button_is_close(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.hold.clear()
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("waiting for what becomes of it")
        assert "[ close ]" in screen.text
        assert "Cancel" not in screen.text
        stage.ends.append(Outcome(End.DONE, "gone at last, " + "after a while, " * 20))
        stage.hold.set()
        await screen.until("how it ended")
        assert screen.app.flow.dialog.chosen == "close"


async def test_a_box_has_the_room_that_there_is_and_cuts_no_sentence(acting: Act) -> None:
    effect = "asks it to reload its configuration and to go on with what it does, " * 2 + "at once"
    form = Form(
        "nginx 7", (), (), (Button("SIGHUP", means=effect), Button("SIGTERM", means="ends it")), listed=True
    )
    for size, widest in (((200, 50), 120), ((124, 30), 124), ((80, 24), 80)):
        async with acting(size=size) as (screen, _):
            dialog = await opened_form(screen, form)
            await screen.until("at once")
            assert dialog.size.width == widest
            assert "…" not in screen.text.partition("nginx 7")[2].partition("Cancel")[0]
            # The second of them is still one key away.
            await screen.press("down")
            assert dialog.chosen == form.buttons[1].label


async def test_on_a_small_terminal_what_is_asked_is_in_sight_and_no_line_leaves_the_box(acting: Act) -> None:
    asked = tuple(plain(f"line {n} of what it would mean") for n in range(9))
    button = Button("deploy checkout version=1.9.0 to all of them")
    form = Form("checkout", asked, (Field("reason"),), (button,), foot=(plain("as ops1 on web-1"),))
    async with acting(size=(40, 12)) as (screen, _):
        await opened_form(screen, form)
        await screen.until("line 0 of")
        box = screen.lines[1:11]
        assert all(len(row) == 40 and row[0] in "┌│└" and row[-1] in "┐│┘" for row in box), screen.text
        assert "more below: PgDn" in screen.text
        assert "above" not in screen.text
        for word in ("reason", "[ Cancel ]", "as ops1 on web-1", "[ deploy checkout version=1.9"):
            assert word in screen.text
        await screen.press("pagedown")
        await screen.until("more above: PgUp")


async def test_what_is_asked_has_stood_in_sight_before_a_button_does_anything(acting: Act) -> None:
    done: list[str] = []
    asked = tuple(plain(f"line {n} of what it would mean") for n in range(30))
    about = tuple(plain(f"/usr/bin/java -cp {'lib.jar:' * 40} zoo-{n}.cfg") for n in range(9))
    form = Form("sure?", asked, (), (Button("SIGTERM", lambda: done.append("sent")),), about=about)
    async with acting(size=(80, 24)) as (screen, _):
        await opened_form(screen, form)
        await screen.until("line 0 of")
        await screen.press("right", "enter")
        await screen.until("nothing is done before all of what is asked was in sight")
        while "line 29 of" not in screen.text:
            assert done == []
            await screen.press("pagedown")
        # What else is known may stay below.
        assert "more below" in screen.text
        assert "zoo-8.cfg" not in screen.text
        await screen.press("pageup", "enter")
        assert done == ["sent"]


async def test_what_was_in_sight_is_to_be_seen_again_on_another_terminal(acting: Act) -> None:
    done: list[str] = []
    asked = tuple(plain(f"line {n} of what it would mean") for n in range(9))
    form = Form("sure?", asked, (), (Button("SIGTERM", lambda: done.append("sent")),))
    async with acting(size=(80, 24)) as (screen, _):
        await opened_form(screen, form)
        await screen.until("line 8 of")
        await screen.pilot.resize_terminal(40, 12)
        await screen.until("more below")
        await screen.press("right", "enter", "escape")
        assert done == []


async def test_of_what_is_asked_no_line_is_passed_over(acting: Act) -> None:
    done: list[str] = []
    asked = tuple(plain(f"line {n:02} of what it would mean") for n in range(12))
    button = Button("SIGTERM", lambda: done.append("sent"))
    form = Form("sure?", asked, (Field("reason"),), (button,), foot=(plain("as ops1"),))
    async with acting(size=(40, 12)) as (screen, _):
        await opened_form(screen, form)
        await screen.press("right")
        seen: set[str] = set()
        for _page in asked:
            await screen.pilot.pause()
            seen |= {text for ((text, _),) in asked if text in screen.text}
            await screen.press("enter")
            if done:
                break
            await screen.until("larger terminal")
            await screen.press("pagedown")
        assert done == ["sent"]
        assert len(seen) == len(asked)


async def test_a_tick_takes_no_key_that_comes_before_its_frame(acting: Act) -> None:
    done: list[str] = []

    def form(up: str, *more: str) -> Form:
        asked = (plain("what it would mean"), plain(f"h1  pid 4  up {up}"), *map(plain, more))
        return Form("sure?", asked, (), (Button("SIGTERM", lambda: done.append(up)),))

    async with acting(size=(40, 12)) as (screen, _):
        dialog = await opened_form(screen, form("59s"))
        await screen.press("right")
        screen.read()
        dialog.update(form("1m"))
        dialog.press("enter", "\r")
        assert done == ["1m"]
        # Nor does one that comes while a sentence stands where a line of it was.
        dialog.show(form("1m", *"abc"))
        await screen.press("right", "z")
        dialog.say("word " * 40)
        await screen.until(lambda: "up 1m" not in screen.text)
        dialog.update(form("2m", *"abc"))
        await screen.press("enter")
        assert done == ["1m", "2m"]
        # Lines that have come since are to be seen.
        dialog.update(form("2m", *"abcdefghi"))
        await screen.press("enter")
        assert done == ["1m", "2m"]
        await screen.until("larger terminal")
        await screen.press("pagedown", "pagedown", "pagedown", "pageup", "enter")
        assert done == ["1m", "2m", "2m"]
        # Other words are, from the beginning, wherever it stood.
        await screen.press("pagedown")
        await screen.until(lambda: "what it would mean" not in screen.text)
        dialog.update(form("2m", *"abcdefghx"))
        await screen.press("enter")
        await screen.until("what it would mean")
        assert done == ["1m", "2m", "2m"]


async def test_a_frame_lays_nothing_out(acting: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tuple(plain(f"host-{n}") for n in range(1000))
    in_sight, laid_out = DialogRows.in_sight, 0

    def counted(rows: DialogRows, top: int, room: int) -> Any:
        nonlocal laid_out
        laid_out += 1
        return in_sight(rows, top, room)

    monkeypatch.setattr(DialogRows, "in_sight", counted)
    async with acting(size=(80, 24)) as (screen, _):
        dialog = await opened_form(screen, Form("sure?", (), (), (Button("SIGTERM"),), about=about))
        await screen.until("host-9")
        before = laid_out
        for y in range(dialog.size.height):
            dialog.render_line(y)
        assert laid_out == before > 0


async def test_a_guarded_question_can_be_answered_in_a_small_terminal(acting: Act) -> None:
    done: list[str] = []
    asked = tuple(plain(f"consequence {n}") for n in range(5))
    foot = (plain(f"as oncall on {'web-frontend-' * 4}3.example.com    data 1s old    guarded: arms 15m"),)
    fields = (Field("reason"), Field("type its name"))
    form = Form("sure?", asked, fields, (Button("SIGTERM", lambda: done.append("sent")),), foot=foot)
    async with acting(size=(40, 12)) as (screen, _):
        await opened_form(screen, form)
        await screen.press("tab", "enter")
        # Why not, to its end; and with that still there the rest is one key away.
        await screen.until("larger terminal")
        await screen.press("pagedown", "pagedown")
        await screen.until("consequence 4")
        await screen.press("enter")
        assert done == ["sent"]


async def test_a_terminal_without_room_for_what_is_asked_confirms_nothing(acting: Act) -> None:
    done: list[str] = []
    fields = (Field("reason"), Field("type its name"))
    asked = (plain("what it means"), plain("and what comes of it"))
    form = Form("sure?", asked, fields, (Button("SIGTERM", lambda: done.append("sent")),))
    async with acting(size=(80, 24)) as (screen, _):
        dialog = await opened_form(screen, form)
        await screen.pilot.resize_terminal(80, 8)
        await screen.until(lambda: len(screen.lines) == 8)
        await screen.press("pagedown", "tab")
        assert dialog.chosen == "SIGTERM"
        assert "what it means" not in screen.text
        await screen.press("enter", "pagedown", "enter")
        assert done == []


async def test_of_a_long_menu_the_choice_is_in_sight_whatever_is_said_below(acting: Act) -> None:
    async with acting(size=(80, 24)) as (screen, _):
        buttons = tuple(Button(f"entry-{n}", means="word " * 20) for n in range(20))
        dialog = await opened_form(screen, Form("many", (), (), buttons, listed=True))
        await screen.press("z")
        for way in ("down", "up"):
            for _step in range(len(buttons)):
                await screen.press(way)
                await screen.until(lambda: f" {dialog.chosen} " in screen.text)
        assert dialog.chosen == buttons[0].label
