"""Acting where no audit takes a line: one thing by its typed name, never several, and no line lost in silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backends.changes import audit as audit_module
from tests.flows.acting import Act, acting, ask, audit
from tests.flows.conftest import Screen

__all__ = ["acting"]


@pytest.fixture
def blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The audit's folder, in whose place a file stands: nothing can be written, and no system's log helps."""
    monkeypatch.setattr(audit_module, "SYSLOG", ())
    folder = tmp_path / "state" / "midwatch" / "audit"
    folder.parent.mkdir(parents=True)
    folder.write_text("")
    return folder


async def test_the_name_is_asked_for(acting: Act, tmp_path: Path, blocked: Path) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("the audit can't be written")
        await screen.until("type its name")
        assert screen.app.flow.dialog.chosen == "Cancel"
        await screen.press("right", "enter")
        await screen.until("type nginx 7 to go on")
        assert stage.done == []
        await screen.type("nginx 7")
        await screen.press("enter", "right", "enter")
        await screen.until("gone after 0.4 s")
        await screen.until("its lines of the audit are held")
        assert stage.done == ["kill -TERM 7"]
        await asyncio.to_thread(blocked.unlink)
    # What was held is written when it can be, at the latest at the end.
    assert [outcome for _, outcome in await audit(tmp_path)] == ["asked", "refused", "asked", "done"]


async def test_a_name_that_was_typed_before_is_asked_for_again(acting: Act, blocked: Path) -> None:
    async with acting(arm="always", confirm="type") as (screen, stage):
        await ask(screen)
        for said in ("the audit can't be written", "gone after 0.4 s"):
            assert stage.done == []
            screen.app.flow.dialog.go_to_field("type its name")
            await screen.type("nginx 7")
            await screen.press("enter", "right", "enter")
            await screen.until(said)
        assert stage.done == ["kill -TERM 7"]


def unbroken(screen: Screen) -> str:
    """What the dialog says, without its frame and its line breaks."""
    told = (line.split("│")[1] for line in screen.lines if line.count("│") == 2)
    return " ".join(" ".join(told).split())


@pytest.mark.parametrize("confirm", ["button", "type"])
async def test_several_are_not_done_and_it_is_said_how_they_can_be(
    acting: Act, blocked: Path, confirm: str
) -> None:
    async with acting(arm="always", confirm=confirm) as (screen, stage):
        await screen.press("space", "space")
        await ask(screen)
        screen.app.flow.dialog.go_to_field("type 2")
        await screen.press("2", "enter", "right", "enter")
        await screen.until("SIGTERM: 0 of 2 done; nginx 7: refused: the audit can't be written")
        # However the dialog breaks its lines: a path is as long as the place of the test makes it.
        await screen.until(lambda: "one by one, each by its typed name; 1 was not tried" in unbroken(screen))
        assert stage.done == []


async def test_lines_that_are_held_are_shown_also_in_the_next_context_and_told_at_the_end(
    acting: Act, blocked: Path
) -> None:
    async with acting(arm="always") as (screen, _):
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("the audit can't be written")
        await screen.press("escape")
        screen.app.tick()
        await screen.until("2 lines in no audit: see :log")
        await screen.type(":audit\r")
        await screen.until("2 held, in no audit yet:")
        assert "refused" in screen.text
        assert "nothing has been tried" not in screen.text
        await screen.type(":context other\r")
        await screen.until(lambda: " other " in screen.lines[0])
        await screen.app.workers.wait_for_complete()
        screen.app.tick()
        await screen.until("2 lines in no audit: see :log")
        # The door of the context that is open now goes on trying.
        assert screen.app.door is not None
        assert len(screen.app.door.held) == 2
        assert screen.app.contexts.doors.unwritten[0].isascii()
    assert len(screen.app.contexts.doors.unwritten) == 2
    await asyncio.to_thread(blocked.unlink)


async def test_lines_that_were_held_in_the_context_before_are_written_at_the_end(
    acting: Act, tmp_path: Path, blocked: Path
) -> None:
    async with acting(arm="always") as (screen, _):
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("the audit can't be written")
        await screen.type("\x1b")
        screen.app.everywhere.switch_context("other")
        await screen.until(lambda: screen.app.context.name == "other")
        await screen.app.workers.wait_for_complete()
        await asyncio.to_thread(blocked.unlink)
    assert screen.app.contexts.doors.unwritten == ()
    assert [outcome for _, outcome in await audit(tmp_path)] == ["asked", "refused"]
