"""A terminal that reads nothing for a while and then slowly, as behind a link that breaks down, under a log that
goes on at twenty kilobytes of frames a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.outside.pty_program import XTERM, Dashboard

BEAT = 0.01
PROBE = f"""
import asyncio, os, time
import tui.bridge as bridge

class Bridge(bridge.Bridge):
    def __init__(self, watch):
        super().__init__(watch)
        loop, beats = asyncio.get_running_loop(), os.open("BEATS", os.O_CREAT | os.O_WRONLY)
        (feed,) = watch.feeds("logs").values()
        last, worst = time.monotonic(), 0.0
        def beat():
            nonlocal last, worst
            now = time.monotonic()
            last, worst = now, max(worst, now - last - {BEAT})
            os.pwrite(beats, b"%9.4f %9d" % (worst, feed.looks), 0)
            loop.call_later({BEAT}, beat)
        loop.call_soon(beat)

bridge.Bridge = Bridge
from tui.cli import main
raise SystemExit(main())
"""
"""The dashboard; notes the longest time for which its loop could do nothing else, and how often its log has been
heard."""


class Unread(NamedTuple):
    """Seconds of the loop's longest pause; how often a feed was heard while nobody read; bytes from the first
    read until a key was answered that was pressed right before it."""

    pause: float
    heard: int
    bytes: int


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


@contextmanager
def busy_log(folder: Path) -> Iterator[BusyLog]:
    log = BusyLog(folder)
    try:
        yield log
    finally:
        log.end()


def unread(folder: Path, stall: float, rate: int) -> Unread:
    """Read nothing for `stall` seconds, then so many bytes a second; in the end all of it is on the screen."""
    beats, program = folder / "beats", folder / "program.py"
    program.write_text(PROBE.replace("BEATS", str(beats)))

    def noted() -> tuple[float, int]:
        worst, looks = beats.read_text().split()
        return float(worst), int(looks)

    with busy_log(folder) as log:
        words = [str(program), "--config", log.config, "-c", "logs app"]
        with Dashboard(*words, program=[sys.executable], answers=XTERM) as board:
            board.until("FOLLOWING")
            board.until(lambda: "line" in board.text)
            board.read(1)
            _, before = noted()
            time.sleep(stall)
            _, after = noted()
            board.send("?")
            took = board.trickle(rate, lambda: "half a page down" in board.text, seconds=20_000 / rate)
            worst, _ = noted()
            board.send("?")
            last = log.end()
            board.trickle(40_000, lambda: last in board.text, seconds=20)
    return Unread(worst, after - before, took)
