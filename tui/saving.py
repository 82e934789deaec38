"""What leaves the screen, cleaned as what stands on it; and what midwatch has written: its log, the audit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from backends.clean import clean_lines
from backends.state import audit_folder, state_folder
from tui import clipboard
from tui.audit_lines import CHECKING, damage_lines, is_entry
from tui.audit_lines import last_lines as last_tried
from tui.own_log import last_lines
from tui.screens.base import Desk, View
from widgets.private.driver import write_raw


def copy(desk: Desk, view: View) -> None:
    """Copy what the view gives: by OSC 52 where it is not too long, and always into a file."""
    text = clean_lines(view.copied())
    if not text:
        desk.say("nothing to copy here")
        return
    sent = len(text.encode()) <= clipboard.OSC52_MOST
    if sent:
        write_raw(view.app, clipboard.osc52(text, os.environ))
    lines = text.count("\n") + 1
    what = f"copied {lines} line{'s' if lines > 1 else ''}"
    path = state_folder(os.environ) / "copied.txt"

    async def save() -> None:
        failed = await asyncio.to_thread(clipboard.save, text, path)
        if failed:
            desk.say(f"{what} to the terminal; {path}: {failed}")
        else:
            desk.say(f"{what} to {'the terminal and ' if sent else ''}{path}")

    desk.work(save())


def write(desk: Desk, view: View, name: str) -> None:
    """Save what the view shows; a file that is there already is left alone."""
    if not name:
        desk.say(":w FILE saves what is shown")
        return
    path = Path(name).expanduser()

    # What is typed next may change what is shown.
    shown, share = view.plain_text(), view.share

    async def save() -> None:
        text = await asyncio.to_thread(clean_lines, shown)
        failed = await asyncio.to_thread(clipboard.save, text, path, new=True)
        saved = f"saved {text.count(chr(10)) + 1} lines to {name}{': ' if share else ''}{share}"
        desk.say(f"{name}: {failed}" if failed else saved)

    desk.work(save())


def show_own_log(desk: Desk, path: Path | None) -> None:
    """The end of our own log, as text, the newest line in sight."""
    lines = ["reading …"] if path is not None else ["midwatch was started without a log file"]
    text = desk.ways.show_text(f"midwatch's own log  {path or ''}", lambda: lines)

    async def read(path: Path) -> None:
        nonlocal lines
        lines = await asyncio.to_thread(last_lines, path)
        text.tick()
        text.last()

    if path is not None:
        desk.work(read(path))


def show_audit(desk: Desk, held: Sequence[str]) -> None:
    """The last of what was tried, newest last, as text; `held` are the lines, as JSON, that no audit took."""
    folder = audit_folder(os.environ)
    lines = ["reading …"]
    text = desk.ways.show_text(f"audit  {folder}", lambda: lines)
    text.count("entries", is_entry)

    async def read() -> None:
        nonlocal lines
        tried = await asyncio.to_thread(last_tried, folder, held)
        lines = [*tried, "", CHECKING]
        text.tick()
        text.last()
        damage = await asyncio.to_thread(damage_lines, folder)
        was_at_end = text.at_end
        lines = [*tried, *damage]
        text.tick()
        if was_at_end:
            text.last()

    desk.work(read())
