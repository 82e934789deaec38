"""A terminal that reads nothing for ten seconds, then a kilobyte a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.figures import Figures
from tests.outside.slow_terminal import unread

pytestmark = [pytest.mark.bench, pytest.mark.timeout(120)]

RATE = 1_000
MOST = 16.0
"""kB that may come before a key's answer: what was on its way, and the answer. A terminal that reads gets 20 kB a
second, which are 200 kB of stale frames in the ten seconds."""


def test_unread(tmp_path: Path, quick: bool, figures: Figures) -> None:
    stall = 3 if quick else 10
    got = unread(tmp_path, stall, RATE)
    what = f"a terminal that reads nothing for {stall} s, then 1 kB/s"
    figures.bound(f"{what}: longest pause of the loop", got.pause * 1000, "ms", 100)
    figures.holds(
        f"{what}: how often its log was heard", str(got.heard), f"≥ {5 * stall}", got.heard >= 5 * stall
    )
    figures.bound(f"{what}: read until a key is answered", got.bytes / 1000, "kB", MOST)
