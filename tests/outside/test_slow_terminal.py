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

from tests.outside.pty_program import XTERM, Dashboard

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


class BusyLog:
    """A log that grows by two hundred lines a second until it is ended, and its configuration."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lines, self._over = folder / "a.log", 0, threading.Event()
        config = folder / "config.toml"
        config.write_text(f'[context.bare]\n[context.bare.files.app]\npaths = ["{self._path}"]\n')
        self.config = str(config)
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def end(self) -> str:
        """Its last line says this."""
        self._over.set()
        self._thread.join()
        return f"line{self._lines:08}"

    def _write(self) -> None:
        with self._path.open("w") as log:
            while not self._over.wait(0.02):
                for _ in range(4):
                    self._lines += 1
                    log.write(f"2026-01-01T00:00:00 INFO line{self._lines:08} {'x' * 60}\n")
                log.flush()


@pytest.fixture
def busy_log(tmp_path: Path) -> Iterator[BusyLog]:
    log = BusyLog(tmp_path)
    yield log
    log.end()


def test_the_loop_goes_on_and_a_key_is_answered(busy_log: BusyLog, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        BEATING.replace("BEATS", str(tmp_path / "beats")) + "from tui.cli import main\nraise SystemExit(main())\n"
    )
    words = [str(program), "--config", busy_log.config, "-c", "logs app"]
    with Dashboard(*words, program=[sys.executable], answers=XTERM) as board:
        board.until("FOLLOWING")
        board.until(lambda: "line" in board.text)
        board.read(1)
        time.sleep(STALL)
        board.send("?")
        took = board.trickle(4000, lambda: "half a page down" in board.text, seconds=20)
        worst = float((tmp_path / "beats").read_text()[:9])
        sys.stdout.write(
            f"\n  longest pause of the loop: {worst * 1000:.0f} ms; a key answered after {took} bytes"
        )
        # It was as long as the terminal took to read again.
        assert worst < 0.8
        # What had been drawn before the key, and the help: not the frames of the stall.
        assert took < 16_000
        board.send("?")
        last = busy_log.end()
        board.trickle(40_000, lambda: last in board.text, seconds=20)


def test_a_terminal_that_answers_nothing_is_drawn_whole_once_it_reads(busy_log: BusyLog) -> None:
    with Dashboard("--config", busy_log.config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.send("?")
        board.until("half a page down")
        board.send("?")
        board.until(busy_log.end())
        board.until("FOLLOWING")


def test_it_ends_in_order_under_a_terminal_that_reads_nothing(busy_log: BusyLog) -> None:
    with Dashboard("--config", busy_log.config, "-c", "logs app") as board:
        board.until("FOLLOWING")
        time.sleep(STALL)
        board.signal(signal.SIGTERM)
        assert board.process.wait(5) == 128 + signal.SIGTERM
        board.read(1)
        tail = board.raw[-400:]
        assert tail.rfind(b"\x1b[?1049l") > tail.rfind(b"\x1b[?1049h")
        assert board.attributes[:4] == board.before[:4]
