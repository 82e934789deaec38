"""The word that may have been meant, for the end of a message about one that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable

NEAR = 0.5
"""How alike two words must be (difflib's ratio)."""


def nearest(word: str, names: Iterable[str]) -> str:
    """`; nearest is …`, or nothing where no name is near."""
    from difflib import get_close_matches  # Most words are right.

    near = get_close_matches(word, list(dict.fromkeys(names)), 1, NEAR)
    return f"; nearest is {near[0]}" if near else ""


def one_of(word: str, names: Iterable[str]) -> str:
    """What was expected, and the nearest of it where one is near."""
    words = list(names)
    return f", expected one of {', '.join(words)}{nearest(word, words)}" if words else ", there is none"
