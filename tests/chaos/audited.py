"""The audit of a run, held against what was ordered through the door: nothing else was done, and of all that was
begun it is said once how it ended, and once more where that was not known at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

OUTCOMES = ("done", "failed", "unknown")
MODES = ("arm", "disarm")
LEFT = "disarmed: its context was left"


class Ordered(NamedTuple):
    """What was confirmed: the audit's verb, and what stands in its target."""

    verb: str
    whom: str


def complaints_of(entries: Sequence[Mapping[str, str]], ordered: Sequence[Ordered]) -> Iterator[str]:
    yield from _unordered(entries, ordered)
    begun: set[tuple[str, ...]] = set()
    looked_for: set[tuple[str, ...]] = set()
    """What was told to be unknown, once."""
    for entry in entries:
        action = tuple(entry[name] for name in ("verb", "title", "target", "identity"))
        told = f"{entry['title']} {entry['target']} at {entry['time']}"
        if entry["outcome"] == "asked":
            if action in begun:
                yield f"begun twice at once: {told}"
            begun.add(action)
        elif entry["outcome"] == "refused":
            # Of one that was begun as well: the door looks once more when that has been written.
            begun.discard(action)
        elif entry["outcome"] in OUTCOMES and entry["verb"] not in MODES:
            if action in begun:
                begun.discard(action)
                looked_for |= {action} if entry["outcome"] == "unknown" else set()
            elif action in looked_for:
                looked_for.discard(action)
            else:
                yield f"{entry['outcome']} without having been begun, or told twice: {told}"
    yield from (f"how it ended is not told: {' '.join(action)}" for action in sorted(begun))


def _unordered(entries: Sequence[Mapping[str, str]], ordered: Sequence[Ordered]) -> Iterator[str]:
    left = Counter(ordered)
    for entry in entries:
        if entry["outcome"] != ("done" if entry["verb"] in MODES else "asked"):
            continue
        if entry["text"] == LEFT:
            continue
        order = next((one for one in left if one.verb == entry["verb"] and one.whom in entry["target"]), None)
        if order is None or not left[order]:
            yield f"nobody ordered {entry['title']} {entry['target']} at {entry['time']}"
        else:
            left[order] -= 1
