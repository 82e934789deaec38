"""The first third of a second: what stands on the terminal before Textual is imported, and what is typed then."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.outside.pty_program import SYNCHRONIZES, Dashboard

TYPING = 0.2
"""Seconds between two keys of a person; in less than half of that an escape begins a sequence."""
HELD = """
import os, sys, time

class Held:
    def find_spec(self, name, path=None, target=None):
        while name == "textual" and not os.path.exists("GO"):
            time.sleep(0.01)

sys.meta_path.insert(0, Held())
"""
"""Makes the import of Textual take as long as a test needs."""


@pytest.fixture
def held(tmp_path: Path) -> Dashboard:
    (tmp_path / "sitecustomize.py").write_text(HELD.replace("GO", str(tmp_path / "go")))
    config = tmp_path / "config.toml"
    config.write_text(f'[context.bare]\n[context.bare.files.app]\npaths = ["{tmp_path}/*.log"]\n')
    return Dashboard("--config", str(config), env={"PYTHONPATH": str(tmp_path)}, answers=SYNCHRONIZES)


def type_slowly(board: Dashboard, *keys: str) -> None:
    for key in keys:
        board.send(key)
        time.sleep(TYPING)


def test_the_first_frame_needs_no_textual_and_gives_way_to_no_blank(held: Dashboard, tmp_path: Path) -> None:
    with held as board:
        board.until("local/host  loading")
        assert board.text.startswith(" midwatch  bare  guarded")
        (tmp_path / "go").touch()
        while "WRONG NOW" not in board.text:
            board.read(0.05, 500)
            assert board.text.startswith(" midwatch  bare")
        assert board.raw.count(b"\x1b[?1049h") == board.raw.count(b"\x1b[2J") == 1
        assert board.raw.index(b"\x1b[?1049h") < board.raw.index(b"\x1b[8l") < board.raw.index(b"\x1b[2J")


def test_what_is_typed_meanwhile_is_not_echoed_and_counts_as_typed(held: Dashboard, tmp_path: Path) -> None:
    with held as board:
        board.until("local/host  loading")
        before = board.text
        type_slowly(board, ":processes\r", "/zzäz", "\x1b", "5", "\x1b[A")
        board.read()
        assert board.text == before
        (tmp_path / "go").touch()
        board.until("logs  files/app")
        board.send(":processes\r")
        board.until("LIVE")
        assert "filter" not in board.screen.display[1]


def test_ctrl_c_twice_leaves_before_there_is_a_dashboard(held: Dashboard, tmp_path: Path) -> None:
    with held as board:
        board.until("local/host  loading")
        type_slowly(board, "\x03", "\x03")
        (tmp_path / "go").touch()
        assert board.ended() == 130
        assert board.attributes[:4] == board.before[:4]
