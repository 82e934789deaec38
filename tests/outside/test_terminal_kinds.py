"""Terminals of many kinds: what is wrong is told on each of them, in colours that suit every background."""

from __future__ import annotations

import fcntl
import re
import struct
import termios
from pathlib import Path

import pyte
import pytest

from tests.outside.pty_program import Dashboard

KINDS = {
    "xterm": {"TERM": "xterm-256color"},
    "true colour": {"TERM": "xterm-direct", "COLORTERM": "truecolor"},
    "screen": {"TERM": "screen-256color"},
    "tmux": {"TERM": "tmux-256color"},
    "console": {"TERM": "linux"},
    "unknown": {"TERM": "of-no-database"},
    "C locale": {"LC_ALL": "C", "LANG": ""},
}
OWN = {"default", "red", "green", "brown", "blue", "magenta", "cyan"}
"""The terminal's own colours, by the names of pyte, without the two that are some terminals' background."""
NAMES = {
    "cjk": "日本語のログ",
    "emoji": "🚀🔥👍🏽",
    "family": "👩‍👩‍👧",
    "hebrew": "שלום",
    "marks": "e\u0301t\u0337",
}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text('[context.shop-prod.etcd.main]\nendpoints = ["127.0.0.1:1"]\n')
    return str(path)


@pytest.mark.parametrize("env", KINDS.values(), ids=KINDS)
def test_what_is_wrong_is_told_in_the_terminals_own_colours(config: str, env: dict[str, str]) -> None:
    with Dashboard("--config", config, size=(100, 20), env=env) as board:
        board.until("✖ etcd/main")
        board.until("1 problem ")
        assert "guarded" in board.screen.display[0]
        cells = [cell for row in board.screen.buffer.values() for cell in row.values()]
        assert {cell.fg for cell in cells} <= OWN
        assert {cell.bg for cell in cells} <= OWN
        assert not [cell for cell in cells if cell.bg != "default" and not cell.reverse]
        assert not re.search(rb"\x1b\[[\d;]*[34]8;[25];", board.raw)


def test_without_colours_states_have_a_sign_and_a_word(config: str) -> None:
    with Dashboard("--config", config, size=(100, 20), env={"NO_COLOR": "1"}) as board:
        board.until("✖ etcd/main")
        board.until("unreachable")
        cells = [cell for row in board.screen.buffer.values() for cell in row.values()]
        assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}


def test_without_signs_of_its_own_a_terminal_gets_others(config: str) -> None:
    with Dashboard("--config", config, size=(100, 20), env={"PYTHONIOENCODING": "ascii"}) as board:
        board.until("x etcd/main")
        board.until("unreachable")
        board.send(":q\r")
        assert board.ended() == 0
        assert board.raw.isascii()


def test_columns_stand_below_each_other_whatever_the_names_are(tmp_path: Path) -> None:
    tables = ["[context.lab]\n"]
    for number, name in enumerate(["plain", *NAMES.values()]):
        log = tmp_path / f"{number}.log"
        log.write_text(f"2026-01-01T00:00:0{number} INFO said by {name} to all\n")
        tables.append(f'[context.lab.files."{name}"]\npaths = ["{log}"]\n')
    config = tmp_path / "config.toml"
    config.write_text("".join(tables), encoding="utf-8")
    with Dashboard("--config", str(config), "-c", "logs", size=(100, 20)) as board:
        board.until(lambda: board.text.count("said by") == len(NAMES) + 1)
        rows = [
            row
            for row in board.screen.buffer.values()
            if "said by" in "".join(cell.data for cell in row.values())
        ]
        # The first has its date as well.
        assert len({_column(row, "said by") for row in rows[1:]}) == 1


def _column(row: dict[int, pyte.screens.Char], text: str) -> int:
    """The cell in which it begins; the second cell of a wide character is empty."""
    cells = sorted(row)
    return next(x for x in cells if "".join(row[i].data for i in cells if i >= x).startswith(text))


def resize(board: Dashboard, columns: int, rows: int) -> None:
    fcntl.ioctl(board.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_after_a_storm_of_sizes_all_is_as_if_drawn_anew(config: str) -> None:
    with Dashboard("--config", config, "-c", "processes", size=(100, 30)) as board:
        board.until("LIVE")
        for step in range(40):
            resize(board, 1 + step * 37 % 300, 1 + step * 23 % 100)
            board.read(0.01)
        board.screen.resize(24, 90)
        resize(board, 90, 24)
        board.send("Z")
        # The last size has arrived: the hour stands at the end of the first line.
        board.until(lambda: re.search(r"FROZEN.* \d\d:\d\d $", board.screen.display[0]))
        board.until(lambda: not board.read(0.5))
        shown = board.screen.display[1:]
        board.screen.reset()
        board.send("\x0c")
        board.until(lambda: "help" in board.screen.display[-1])
        board.until(lambda: not board.read(0.5))
        assert board.screen.display[1:] == shown
