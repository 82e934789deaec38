"""`:audit`: what was tried, as `midwatch audit` prints it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.flows.acting import Act, acting, ask, audit
from tui import saving
from tui.audit_lines import CHECKING

__all__ = ["acting"]


def spoil(folder: Path) -> None:
    """Edit the first line."""
    path = next(path for path in folder.iterdir() if b'"asked"' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"asked"', b'"eaten"', 1))


async def test_where_nothing_was_tried_that_is_said(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        await screen.type(":audit\r")
        await screen.until("nothing has been tried: the audit is empty")


async def test_the_newest_is_the_last_line(acting: Act, tmp_path: Path) -> None:
    async with acting(arm="always", size=(160, 12)) as (screen, _):
        await ask(screen)
        await screen.press("right", "enter")
        assert [outcome for _, outcome in await audit(tmp_path, 2)] == ["asked", "done"]
        await screen.type(":audit\r")
        await screen.until("[")
        shown = [line for line in screen.lines if " lab " in line and "SIGTERM" in line]
        assert "asked" in shown[0]
        assert "done" in shown[-1]
        assert "2 of 2 entries" in screen.text
        await asyncio.to_thread(spoil, tmp_path / "state" / "midwatch" / "audit")
        await screen.type("q:audit\r")
        await screen.until("damaged place")
        # Below the entries, where who looks at the newest sees it.
        assert "damaged place" in [line for line in screen.lines[:-1] if line][-1]
        assert "2 of 2 entries" in screen.text


async def test_the_entries_stand_there_while_it_is_looked_at_whether_all_is_whole(
    acting: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def damage(folder: Path) -> list[str]:
        looked.wait(20)
        return ["", "whole enough"]

    monkeypatch.setattr(saving, "damage_lines", damage)
    async with acting(arm="always", size=(160, 20)) as (screen, _):
        await ask(screen)
        await screen.press("right", "enter")
        await audit(tmp_path, 2)
        await screen.type(":audit\r")
        await screen.until(CHECKING)
        assert sum(" lab " in line and "SIGTERM" in line for line in screen.lines) == 2
        looked.set()
        await screen.until("whole enough")
        assert CHECKING not in screen.text
