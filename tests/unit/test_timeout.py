"""How long a source may take: the command line says what everything else takes for granted."""

from __future__ import annotations

from backends.api.backend import TIMEOUT
from tui.arguments import parser


def test_the_command_line_has_the_same_default() -> None:
    """It does not import it: that would cost `--help` a tenth of its time."""
    assert parser(["members"]).parse_args(["members"]).timeout == TIMEOUT
