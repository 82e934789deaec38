"""Names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 3
"""How many are told by name; of more the number is told."""


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """As many as can be read: `m0`, `m0 and m1`, `m0, m1 and 7 more`; "" for none."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
