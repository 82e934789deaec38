"""The quiet demo: what an idle screen costs the terminal and the processor."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.bench.demo import Demo
from tests.bench.figures import Figures
from tests.bench.peers import HTOP, peer
from tests.bench.stamped import Stamped
from tests.bench.usage import usage

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

SCREENS = (("members", 100), ("overview", 500))
"""And how many bytes a second it may send."""


def test_what_a_quiet_screen_costs(demo: Demo, tmp_path: Path, quick: bool, figures: Figures) -> None:
    settling, seconds = (10, 5) if quick else (60, 20)
    htop = peer(figures, HTOP, tmp_path)
    beside = ""
    if htop is not None:
        sent, _ = _costs(Stamped(program=[*htop, "-d", "20"], env={"HOME": str(tmp_path)}), 5, seconds)
        beside = f"htop {sent:,.0f} B/s"
    for screen, most in SCREENS:
        sent, busy = _costs(Stamped("--config", demo.config, "-c", screen), settling, seconds)
        figures.bound(f"the quiet demo, {screen}: to the terminal", sent, "B/s", most, peer=beside)
        figures.bound(f"the quiet demo, {screen}: share of a core", 100 * busy, "%", 2)


def _costs(board: Stamped, settling: float, seconds: float) -> tuple[float, float]:
    """Bytes a second, and the share of a core."""
    with board:
        time.sleep(settling)
        sent, cpu = board.sent, usage(board.process.pid).cpu
        time.sleep(seconds)
        assert board.process.poll() is None, board.read().decode("utf-8", "replace")
        return (board.sent - sent) / seconds, (usage(board.process.pid).cpu - cpu) / seconds
