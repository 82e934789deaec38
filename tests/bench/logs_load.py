"""Tens of thousands of lines a second into four files, and how far behind the screen is."""

from __future__ import annotations

import math
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from backends.api.tail import LINES_MOST
from tests.bench.stamped import Stamped
from tests.bench.usage import usage

KEPT, DROPPED = re.compile(r"  ([\d ]+) lines "), re.compile(r"([\d ]+) older lines dropped")
STAMP = re.compile(rb"\[(\d{8}\.\d{4})\]")
PROMPT = b"\x1b[1m:\x1b[0m"
"""The command line, opened."""
FOOTER = b"?\x1b[2m help"


class LogsLoaded(NamedTuple):
    """Seconds from a moment to a paint that shows a line of that moment or later, and from key to paint; bytes
    grown since the tail was full; share of a core; what it counts as kept and as dropped; what was written."""

    delays: list[float]
    keys: list[float]
    grown: float
    busy: float
    kept: int
    dropped: int
    written: int


def logs_config(folder: Path) -> tuple[str, list[Path]]:
    files = [folder / f"web-{number}.log" for number in range(4)]
    for file in files:
        file.touch()
    path = folder / "logs.toml"
    path.write_text(f'[context.bench.files.web]\npaths = ["{folder}/web-*.log"]\n')
    return str(path), files


def newest(board: Stamped, since: float) -> list[tuple[float, float]]:
    """When which moment of the writer had come to the screen, each newer than the one before."""
    seen, last = [], 0.0
    before = b""
    for at, data in board.since(since):
        found = max((float(stamp) for stamp in STAMP.findall(before + data)), default=0.0)
        before = data[-20:]
        if found > last:
            last = found
            seen.append((at, last))
    return seen


def logs_load(folder: Path, rate: int, seconds: float) -> LogsLoaded:
    config, files = logs_config(folder)
    with Stamped("--config", config, "-c", "logs") as board:
        board.until("FOLLOWING")
        board.read(1)
        argv = [sys.executable, "-m", "tests.bench.load_writer", str(rate), str(seconds), *map(str, files)]
        began, keys, most, full = time.monotonic(), list[float](), 0, list[int]()
        before = usage(board.process.pid)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as load:
            try:
                while load.poll() is None:
                    if full:
                        full.append(usage(board.process.pid).rss)
                    else:
                        board.read(0)
                        kept = number(KEPT, board)
                        # What is let go of makes it fewer, now and then.
                        if most >= kept >= 0.98 * LINES_MOST:
                            full.append(usage(board.process.pid).rss)
                        most = max(most, kept)
                    keys.append(board.answer(":", PROMPT))
                    time.sleep(0.15 + 0.013 * (len(keys) % 7))
                    board.answer("\x1b", FOOTER)
                    time.sleep(0.05)
                after = usage(board.process.pid)
                assert load.stdout is not None
                written = int(load.stdout.readline())
            finally:
                load.kill()
        spent = time.monotonic() - began
        time.sleep(1)
        kept = counted(KEPT, board)
        # What was dropped is told above the oldest line in memory, to which `g` leads within a window of time.
        for key in "6g":
            board.send(key)
            time.sleep(1)
        dropped = counted(DROPPED, board)
        seen = newest(board, began)
        first, last = seen[0][1], seen[-1][1]
        moments = [first + 0.1 * n for n in range(int((last - first) * 10))]
        delays = [next(at for at, stamp in seen if stamp >= moment) - moment for moment in moments]
        return LogsLoaded(delays, keys, grown(full), (after.cpu - before.cpu) / spent, kept, dropped, written)


def grown(resident: list[int]) -> float:
    """From the first third to the last one, by their medians: the allocator gives back what a burst took only
    after a while, a leak stays. NaN where the tail was not full for long enough."""
    third = len(resident) // 3
    if not third:
        return math.nan
    return statistics.median(resident[-third:]) - statistics.median(resident[:third])


def counted(what: re.Pattern[str], board: Stamped) -> int:
    """A number on the screen, which thin spaces may divide; 0 where it is not there."""
    while board.read(0.2):
        pass
    return number(what, board)


def number(what: re.Pattern[str], board: Stamped) -> int:
    """The same of what was drawn until now."""
    found = what.search(board.text.replace("\u202f", " ").replace("\u2009", " "))
    return 0 if found is None else int(found[1].replace(" ", ""))
