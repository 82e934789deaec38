"""Logs: fifty thousand lines a second, and a gigabyte."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.big_log import big_log
from tests.bench.figures import Figures
from tests.bench.logs_load import logs_load
from tests.bench.peers import LESS, LNAV, peer
from tests.bench.stamped import Stamped, percentile
from tests.bench.usage import usage

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

LAST, FIRST = b"the last line of all", b"the first line of all"
RUNS = 5


def test_fifty_thousand_lines_a_second(tmp_path: Path, quick: bool, figures: Figures) -> None:
    got = logs_load(tmp_path, 50_000, 12 if quick else 30)
    load = "50,000 lines/s into 4 files"
    figures.bound(f"{load}: a line to the screen, p95", percentile(got.delays, 0.95) * 1000, "ms", 250)
    counted = got.kept + got.dropped
    figures.holds(
        f"{load}: kept and dropped, as told", f"{counted:,}", f"{got.written:,}", counted == got.written
    )
    figures.bound(f"{load}: memory grown after the tail is full", got.grown / 1e6, "MB", 2)
    figures.bound(f"{load}: key to paint, p95", percentile(got.keys, 0.95) * 1000, "ms", 80)
    figures.beside(f"{load}: share of a core", 100 * got.busy, "%")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, quick: bool) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("log") / "big.log"
    big_log(path, (64 << 20) if quick else (1 << 30))
    yield path
    path.unlink()


def test_a_gigabyte(log: Path, tmp_path: Path, figures: Figures) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[context.bench.files.big]\npaths = ["{log}"]\n')
    size = f"a log of {log.stat().st_size / 1e9:.2g} GB"
    with Stamped("--config", str(config)) as board:
        board.shown(b"all live", 0.0)
        time.sleep(1)
        before = usage(board.process.pid).rss
        figures.bound(f"{size}: its tail, after the key", board.answer("5", LAST) * 1000, "ms", 200)
        began = time.monotonic()
        board.send("g")
        time.sleep(1)
        head = board.when(FIRST, began)
        told = "never" if head is None else f"{(head - began) * 1000:.0f} ms"
        figures.holds(
            f"{size}: its head, after the key", told, "≤ 300 ms", head is not None and head - began <= 0.3
        )
        for key in "\x02" * 40 + "\x06" * 20 + "G":
            board.send(key)
            time.sleep(0.05)
        time.sleep(1)
        grown = usage(board.process.pid).rss - before
        figures.bound(f"{size}: memory grown by scrolling", grown / 1e6, "MB", 60)


def test_start_to_the_tail_of_a_gigabyte(log: Path, tmp_path: Path, figures: Figures) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[context.bench.files.big]\npaths = ["{log}"]\n')
    ours = [_tail("--config", str(config), "-c", "logs") for _ in range(RUNS)]
    lnav, less = peer(figures, LNAV, tmp_path), peer(figures, LESS, tmp_path)
    theirs = (
        None
        if lnav is None
        else statistics.median(_tail(str(log), program=lnav, home=tmp_path) for _ in range(3))
    )
    beside = "" if less is None else f", less {1000 * _tail('+G', str(log), program=less, home=tmp_path):.0f} ms"
    what = f"a log of {log.stat().st_size / 1e9:.2g} GB: start to its tail{beside}"
    pair = ("lnav", None if theirs is None else theirs * 1000)
    figures.against(what, statistics.median(ours) * 1000, pair, "ms", most=1)


def _tail(*words: str, program: list[str] | None = None, home: Path | None = None) -> float:
    began = time.monotonic()
    env = {} if home is None else {"HOME": str(home)}
    with Stamped(*words, program=program, env=env) as board:
        return board.shown(LAST, began, 60) - began
