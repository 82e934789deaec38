"""A terminal that reads nothing for a while: nothing waits for it, and it shows the present afterwards."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.pty_program import Dashboard
from tests.outside.slow_terminal import BusyLog, busy_log, unread

STALL = 3.0
"""Seconds without a read: by then everything between us and the terminal has been full for long."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[BusyLog]:
    with busy_log(tmp_path) as log:
        yield log


def test_the_loop_goes_on_and_a_key_is_answered(tmp_path: Path) -> None:
    got = unread(tmp_path, STALL, 4000)
    sys.stdout.write(f"\n  {got}")
    # It was as long as the terminal took to read again.
    assert got.pause < 0.8
    assert got.heard > STALL
    # What had been drawn before the key, and the help: not the frames of the stall.
    assert got.bytes < 16_000


def test_a_terminal_that_answers_nothing_is_drawn_whole_once_it_reads(log: BusyLog) -> None:
    with Dashboard("--config", log.config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.send("?")
        board.until("half a page down")
        board.send("?")
        board.until(log.end())
        board.until("FOLLOWING")


def test_it_ends_in_order_under_a_terminal_that_reads_nothing(log: BusyLog) -> None:
    with Dashboard("--config", log.config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.signal(signal.SIGTERM)
        assert board.process.wait(5) == 128 + signal.SIGTERM
        board.read(1)
        tail = board.raw[-400:]
        assert tail.rfind(b"\x1b[?1049l") > tail.rfind(b"\x1b[?1049h")
        assert board.attributes[:4] == board.before[:4]
