"""Real servers for tests: the same programs by the same way as the demo's."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tui.demo.getting import Program, get
from tui.demo.packages.command import Missing


def program(wanted: Program) -> str:
    """The path of a server's program. A machine that can't have it skips the test."""
    try:
        return get(wanted)
    except Missing as error:
        lacking(str(error))


def lacking(what: str) -> NoReturn:
    """Skip the test on a machine that can't do it, and say why; CI may not skip any."""
    if os.environ.get("CI"):
        pytest.fail(f"CI may not skip this: {what}")
    pytest.skip(what)
