"""Stopped and brought back by a shell: the terminal is the shell's meanwhile, and drawn whole again after it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import termios
from pathlib import Path

import psutil

from tests.outside.program import PROGRAM
from tests.outside.pty_program import SYNCHRONIZES, Dashboard


def stopped(board: Dashboard, times: int) -> None:
    """By now the shell has the terminal: the main screen, a cursor, lines and echo as readline wants them."""
    board.until(lambda: board.raw.count(b"Stopped") == times)
    tail = board.raw[board.raw.rfind(b"\x1b[?1049h") :]
    assert 0 < tail.index(b"\x1b[8l") < tail.index(b"\x1b[2J")
    for mode in (
        b"\x1b[?1049l",
        b"\x1b[?25h",
        b"\x1b[?1003l",
        b"\x1b[?1004l",
        b"\x1b[?7h",
        b"\x1b[8h",
        b"\x1b[<u",
    ):
        assert mode in tail
    board.send("stty -a\r")
    board.until(lambda: re.search(r"(?<!-)icanon", board.text) and re.search(r"(?<!-)\becho\b", board.text))


def brought_back(board: Dashboard) -> None:
    # pyte has but one screen: what stands on it now must not count.
    board.screen.reset()
    board.send("fg\r")
    board.until("LIVE")
    board.until(lambda: "? help" in board.screen.display[-1] and "bare" in board.screen.display[0])
    assert not board.attributes[3] & termios.ECHO


def test_stopped_by_a_key_or_a_signal_in_the_background_and_back(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[context.bare]\n")
    bash = shutil.which("bash")
    assert bash is not None
    with Dashboard(
        "--norc", "-i", program=[bash], size=(100, 24), env={"PS1": "ready> "}, answers=SYNCHRONIZES
    ) as board:
        board.until("ready>")
        board.send(shlex.join([PROGRAM, "--config", str(config), "-c", "processes"]) + "\r")
        board.until("LIVE")
        board.send("\x1a")
        stopped(board, 1)
        brought_back(board)
        job = psutil.Process(os.tcgetpgrp(board.master))
        job.send_signal(signal.SIGTSTP)
        stopped(board, 2)
        before = len(board.raw)
        board.send("bg\r")
        board.until(lambda: b"processes &" in board.raw[before:])
        # It finds that the terminal is not its own, and stops again.
        board.until(lambda: job.status() == psutil.STATUS_STOPPED)
        board.read()
        assert b"\x1b[?1049h" not in board.raw[before:]
        brought_back(board)
        board.send(":q\r")
        board.until(lambda: board.raw.endswith(b"ready> "))
