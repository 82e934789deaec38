"""Streams: what the lines of several tails are of, each with its own history, and how far back memory goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backends.api.logs import LogBlock
from backends.api.tail import Tail
from widgets.logs.feeder import Feeder, LineReader


def streams_of(
    feeders: Iterable[Feeder], met: Sequence[tuple[str, str]], only: frozenset[str]
) -> list[tuple[str, str, LineReader]]:
    """Source, origin and reader of every file that lines are kept of, or were (`met`: sources and origins); where
    `only` names origins, of those. A source whose blocks have no place of their own is one stream."""
    found: list[tuple[str, str, LineReader]] = []
    for feeder in feeders:
        blocks = [block for _, block in feeder.tail.blocks()]
        origins = dict.fromkeys(origin for source, origin in met if source == feeder.source)
        origins.update(dict.fromkeys(block.origin for block in blocks))
        if any(block.first is not None for block in blocks):
            chosen = [origin for origin in origins if not only or origin in only]
            found += [(feeder.source, origin, feeder.reader) for origin in chosen]
        elif blocks:
            found.append((feeder.source, "", feeder.reader))
    return found


def oldest(feeders: Iterable[Feeder], source: str, origin: str) -> LogBlock | None:
    """The oldest block in memory of a stream."""
    tails = [feeder.tail for feeder in feeders if feeder.source == source]
    blocks = (block for tail in tails for _, block in tail.blocks())
    return next((block for block in blocks if origin in ("", block.origin)), None)


def whole(tail: Tail) -> bool:
    """Whether a tail holds everything from the first byte on."""
    firsts: dict[str, int | None] = {}
    for _, block in tail.blocks():
        firsts.setdefault(block.origin, block.first)
    return not tail.span.dropped and all(first == 0 for first in firsts.values())
