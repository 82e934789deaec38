"""One minute of chaos over the demo; `make chaos` is ten, with a seed of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import chaos

SEED, SECONDS = 3, 60.0


@pytest.mark.server
@pytest.mark.timeout(300)
def test_a_minute_of_chaos_leaves_nothing_wrong(tmp_path: Path) -> None:
    assert chaos(SEED, SECONDS, tmp_path / "state", print) == []
