"""A problem's line on the overview."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backends.incident.problems import CHECKS, SERIOUS, Problem
from tui.screens.overview.headlines import brought_about


@pytest.mark.parametrize("noun", CHECKS)
def test_what_a_lost_source_told_of_is_counted_whatever_it_is(noun: str) -> None:
    gone = Problem(SERIOUS, "a/b", "lost", datetime.now(UTC), "refused", "a/b", "", lost=((noun, 2),))
    assert brought_about(gone).startswith("2 ")
