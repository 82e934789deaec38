"""Five thousand processes, looked at each two seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.crowd import crowd
from tests.bench.figures import Figures
from tests.bench.peers import HTOP, glances, peer
from tests.bench.processes_load import keys_to_paint, ours, shares_of_a_core
from tests.bench.stamped import percentile

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]


def test_key_to_paint(tmp_path: Path, figures: Figures) -> None:
    keys = keys_to_paint(ours(tmp_path / "c.toml"))
    figures.bound("processes, key to paint, p95", percentile(keys, 0.95) * 1000, "ms", 50)


def test_five_thousand(tmp_path: Path, quick: bool, figures: Figures) -> None:
    peers = {"htop": peer(figures, HTOP, tmp_path), "glances": glances(figures)}
    programs = {"midwatch": ours(tmp_path / "c.toml")}
    programs |= {name: argv for name, argv in peers.items() if argv is not None}
    with crowd(5_000):
        got = shares_of_a_core(programs, 6 if quick else 30, tmp_path)
    busy = 100 * got["midwatch"]
    htop = f"htop {100 * got['htop']:.3g} %" if "htop" in got else ""
    figures.bound("5,000 processes, each 2 s: share of a core", busy, "%", 10, peer=htop)
    theirs = ("glances", 100 * got["glances"] if "glances" in got else None)
    figures.against("5,000 processes, each 2 s: share of a core", busy, theirs, "%", most=1)
