"""A terminal that reads nothing for a while and then slowly, as behind a link that breaks down, under a log that
goes on at twenty kilobytes of frames a second."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.pty_program import Dashboard

BEAT = 0.01
STALL = 3.0
"""Seconds without a read: by then everything between us and the terminal has been full for long."""
BEATING = f"""
import asyncio, os, time
import tui.bridge as bridge

class Bridge(bridge.Bridge):
    def __init__(self, watch):
        super().__init__(watch)
        loop, beats = asyncio.get_running_loop(), os.open("BEATS", os.O_CREAT | os.O_WRONLY)
        last, worst = time.monotonic(), 0.0
        def beat():
            nonlocal last, worst
            now = time.monotonic()
            last, worst = now, max(worst, now - last - {BEAT})
            os.pwrite(beats, b"%9.4f" % worst, 0)
            loop.call_later({BEAT}, beat)
        loop.call_later(1, lambda: os.pwrite(beats, b"started", 20))
        loop.call_soon(beat)

bridge.Bridge = Bridge
"""
"""Notes the longest time for which the loop could not do anything else."""


@pytest.fixture
def busy_log(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """A configuration with one log, and how many lines that has."""
    lines, over = [0], threading.Event()

    def write() -> None:
        with (tmp_path / "a.log").open("w") as log:
            while not over.wait(0.02):
                for _ in range(4):
                    lines[0] += 1
                    log.write(f"2026-01-01T00:00:00 INFO line{lines[0]:08} {'x' * 60}\n")
                log.flush()

    config = tmp_path / "config.toml"
    config.write_text(f'[context.bare]\n[context.bare.files.app]\npaths = ["{tmp_path}/*.log"]\n')
    thread = threading.Thread(target=write)
    thread.start()
    yield str(config), lines
    over.set()
    thread.join()


def test_the_loop_goes_on_and_a_key_is_answered(busy_log: tuple[str, list[int]], tmp_path: Path) -> None:
    config, lines = busy_log
    program = tmp_path / "program.py"
    program.write_text(
        BEATING.replace("BEATS", str(tmp_path / "beats")) + "from tui.cli import main\nraise SystemExit(main())\n"
    )
    words = [str(program), "--config", config, "-c", "logs app"]
    with Dashboard(*words, program=[sys.executable], answers=True) as board:
        board.until("FOLLOWING")
        board.until(lambda: "line" in board.text)
        board.read(1)
        time.sleep(STALL)
        board.send("?")
        took = board.trickle(4000, lambda: "half a page down" in board.text, seconds=10)
        worst = float((tmp_path / "beats").read_text()[:9])
        sys.stdout.write(
            f"\n  longest pause of the loop: {worst * 1000:.0f} ms; a key answered after {took} bytes"
        )
        # It was as long as the terminal took to read again.
        assert worst < 0.8
        # What had been drawn before the key, and the help: not the frames of the stall.
        assert took < 16_000
        board.send("?")
        written = lines[0]
        shown = [f"line{number:08}" for number in range(written, written + 400)]
        board.trickle(40_000, lambda: any(line in board.text for line in shown), seconds=10)


def test_a_terminal_that_answers_nothing_is_drawn_whole_once_it_reads(busy_log: tuple[str, list[int]]) -> None:
    config, lines = busy_log
    with Dashboard("--config", config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.send("?")
        board.until("half a page down")
        board.send("?")
        written = lines[0]
        shown = [f"line{number:08}" for number in range(written, written + 400)]
        board.until(lambda: any(line in board.text for line in shown))
        board.until(lambda: "FOLLOWING" in board.text)


def test_it_ends_in_order_under_a_terminal_that_reads_nothing(busy_log: tuple[str, list[int]]) -> None:
    config, _ = busy_log
    with Dashboard("--config", config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.signal(signal.SIGTERM)
        assert board.process.wait(5) == 128 + signal.SIGTERM
        board.read(1)
        tail = board.raw[-400:]
        assert tail.rfind(b"\x1b[?1049l") > tail.rfind(b"\x1b[?1049h")
        assert board.attributes[:4] == board.before[:4]
