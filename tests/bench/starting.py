"""How long programs take from their start until a text stands on their terminal, or until they have ended."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.stamped import Stamped

PASS = (sys.executable, "-c", "pass")
BARE = (sys.executable, str(Path(__file__).with_name("bare.py")))


def whole(*argv: str) -> float:
    """Seconds of a program from start to end."""
    began = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=True)
    return time.perf_counter() - began


def paired(runs: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """The medians of both, and of the ratios of pairs that ran one right after the other."""
    pairs = [(ours(), theirs()) for _ in range(runs)]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    return mine, other, statistics.median(a / b for a, b in pairs)


def start(words: list[str], *texts: str, program: list[str] | None = None) -> list[float]:
    """Seconds from the start of a program until each text stands on its terminal, one after the other."""
    began = time.monotonic()
    with Stamped(*words, program=program) as board:
        return [board.shown(text.encode(), began) - began for text in texts]
