"""Real servers for tests: the same programs by the same way as the demo's."""

from __future__ import annotations

import os

import pytest

from tui.demo.getting import Program, get
from tui.demo.packages.command import Missing


def program(wanted: Program) -> str:
    """The path of a server's program. A machine that can't have it skips the test; CI may not skip any."""
    try:
        return get(wanted)
    except Missing as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI has no {wanted.name}: {error}")
        pytest.skip(str(error))
