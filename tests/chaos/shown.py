"""What stands on the dashboard's screen, and what it saves: read as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.chaos.blows import Production
from tests.waiting import wait_until

MARKS = "●○◌▌ "
"""What stands before a row's first cell."""
TABLES = ("members", "units", "targets", "alerts", "events")
"""Screens on which a person may have left a pane open beside the table."""
AT_MOST = 3
"""Things that may be in the way on one screen."""
BY_TIME, COLUMNS = "time↓", 8
"""How the title says that the newest is the first, and more than there are columns."""
HEAD = 3
"""Lines of a table's screen above its rows; below them there is one."""


def open_screen(here: Production, screen: str) -> None:
    """From wherever we are, with nothing in the way."""
    for _ in range(AT_MOST):
        here.escape()
    here.board.send(f":{screen}\r")
    here.board.until(lambda: here.board.text.splitlines()[1:2] and _title(here).startswith(screen))
    for _ in range(AT_MOST):
        if "filter" in _title(here) or (screen in TABLES and "│" in here.board.text):
            here.escape()


def sort_by_time(here: Production) -> None:
    """A person may have sorted by something else."""
    for _ in range(COLUMNS):
        if (before := _sorted(here)) == BY_TIME:
            return
        here.board.send(">")
        here.board.until(lambda: _sorted(here) not in ("", before))
    raise AssertionError(f"not by {BY_TIME}: {_title(here)}")


def rows(here: Production) -> list[str]:
    """Those of the table that is open, cells parted by one space."""
    lines = here.board.text.splitlines()[HEAD:-1]
    found = [" ".join(line.lstrip(MARKS).split()) for line in lines]
    return [row for row in found if row and not row.startswith("no ")]


def fits(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether each row begins as one that is wanted, and no other row is there."""
    left = [row.split() for row in found]
    for begin in wanted:
        words = begin.split()
        match = next((row for row in left if len(row) >= len(words) and all(map(_fits, row, words))), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _fits(shown: str, wanted: str) -> bool:
    """How much of a cell is shown depends on the width that the last storm has left."""
    return shown == wanted or (shown.endswith("…") and wanted.startswith(shown[:-1]))


def saved(here: Production, path: Path) -> str:
    """What the screen saves with `:w`."""
    here.board.send(f":w {path}\r")
    here.board.until("saved ")
    wait_until(path.exists)
    return path.read_text()


def redrawn(here: Production) -> tuple[str, str]:
    """The screen as it stands, and as it is once it was drawn anew."""
    before = here.board.text
    here.board.screen.reset()
    here.board.send("\x0c")
    here.board.until(lambda: here.board.text.count("\n") >= before.count("\n"))
    here.pass_time(1.0)
    return before, here.board.text


def _title(here: Production) -> str:
    return here.board.text.splitlines()[1].strip()


def _sorted(here: Production) -> str:
    """By what, as the title says."""
    return "".join(_title(here).partition("sort ")[2].split()[:1])
