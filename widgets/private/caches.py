"""How much Textual and Rich remember of what they have worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from rich.segment import Segment
from textual.css.scalar import Scalar
from textual.geometry import Region
from textual.strip import Strip

ENTRIES = 512
"""What one layout and a few frames ask for again: 3 MB in all of them. Theirs keep up to 16,384, and a terminal
that changes its size, and texts that change, fill them with 31 MB of what is never asked for again."""
OWNERS: tuple[type[Any], ...] = (Region, Scalar, Segment)

_divide = Strip.divide


def remember_less() -> None:
    """Where one of their caches keeps more than that, it keeps no more from now on, beginning with nothing."""
    Strip.divide = _divide_unless_whole  # type: ignore[method-assign, assignment]
    for owner in OWNERS:
        for name, found in list(vars(owner).items()):
            of_class = isinstance(found, classmethod)
            cached = found.__func__ if of_class else found
            parameters = getattr(cached, "cache_parameters", None)
            if parameters is not None and (parameters()["maxsize"] or 0) > ENTRIES:
                smaller: Callable[..., Any] = lru_cache(ENTRIES)(cached.__wrapped__)
                setattr(owner, name, classmethod(smaller) if of_class else smaller)


def _divide_unless_whole(strip: Strip, cuts: Iterable[int]) -> Sequence[Strip]:
    """Theirs remembers in a strip that all of it is the strip itself: one that has been drawn would be garbage of
    some twenty objects until a collection finds it."""
    inside = [cut for cut in cuts if cut <= strip.cell_length]
    return [strip] if inside == [strip.cell_length] else _divide(strip, inside)
