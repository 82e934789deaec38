"""All of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.all_at_once import everything
from tests.bench.figures import Figures
from tests.bench.stamped import percentile

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


def test_all_at_once(tmp_path: Path, quick: bool, figures: Figures) -> None:
    got = everything(tmp_path, 5_000, 200, 50_000, 20 if quick else 300)
    figures.bound("all at once: key to paint, p95", percentile(got.keys, 0.95) * 1000, "ms", 80)
    figures.bound("all at once: share of a core", 100 * got.busy, "%", 100)
    for what, (before, after) in (("threads", got.threads), ("open files", got.files)):
        figures.holds(f"all at once: {what} after the views closed", str(after), f"≤ {before}", after <= before)
