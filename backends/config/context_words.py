"""What a context's words in the configuration come to: which is meant, what may be changed in it, its colour.

Imports nothing slow: the first frame is drawn by it before the configuration has been checked.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

DEFAULT = "default"
"""The context where there is no configuration."""
THIS_HOST = "local/host"
"""The source that every context has, unless it says otherwise."""
COLOURS = ("red", "green", "yellow", "blue", "magenta", "cyan", "white")
"""Those with names, in the order of their codes for a terminal (ECMA-48, 31 to 37)."""
PRODUCTION_WORDS = frozenset({"prod", "prd", "production"})
READ_ONLY = "this context is read-only"
"""Why nothing is changed here; what is refused for it, and what is not offered."""
NOTHING_LIFTS_IT = "nothing inside midwatch lifts that"
FOR_GOOD = "nothing can be changed, and nothing here lifts that"


class Mode(enum.StrEnum):
    """What a context lets through: nothing, what comes with a reason, or whatever is confirmed."""

    READ_ONLY = "read-only"
    GUARDED = "guarded"
    ARMED = "armed"


def wanted_context(
    names: Sequence[str], default: str | None, given: str | None, env: Mapping[str, str]
) -> str | None:
    """Named, else `$MIDWATCH_CONTEXT`, the file's default, the only one. None where none of these tells; one that
    is not among the names is a mistake."""
    named = given or env.get("MIDWATCH_CONTEXT")
    return named or default or (names[0] if len(names) == 1 else None)


def mode(*, read_only: bool, arm: str) -> Mode:
    """Armed is one whose actions need no arming."""
    if read_only:
        return Mode.READ_ONLY
    return Mode.ARMED if arm == "always" else Mode.GUARDED


def paint(name: str, colour: str) -> str:
    """Its own colour, else red where a word of its name means production."""
    if colour:
        return colour
    words = set(name.lower().replace("_", "-").replace(".", "-").split("-"))
    return "red" if words & PRODUCTION_WORDS else "cyan"
