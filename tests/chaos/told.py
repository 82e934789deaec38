"""The dashboard's timeline, as it saves it, held against itself: each thing's changes are one chain, from what it
was at the beginning to what it is at the end. What is missing tears the chain, and so does what is told twice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

HOUR = timedelta(hours=1)
SAME_MOMENT = timedelta(seconds=2)
"""A time has no fractions, and two sources may have asked in the same second."""
GOOD = {
    "member": "up",
    "unit": "running",
    "target": "up",
    "alert": "quiet",
    "instance": "there",
    "source": "live",
}
"""How everything is before the first blow and after the last one, but for leaders and pids."""
RESTARTED = re.compile(r"pid (\d+) → (\d+)")
STATES = re.compile(r"(\w+)(?: \(\w+\))? → (\w+)")


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the timeline. `time` is right, whatever the clock said when it was told."""

    time: datetime
    kind: str
    target: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Link:
    """What one line says of one thing: it was this and is that."""

    before: str
    after: str
    told: Told


def read(saved: str, began: datetime, ended: datetime) -> list[Told]:
    """The lines of a saved timeline, the oldest first; `began` and `ended` say when they must have been told."""
    head, *lines = saved.splitlines()
    edges = [head.index(title) for title in ("TIME", "KIND", "TARGET", "SEEN BY", "CHANGE")]
    spans = [slice(low, high) for low, high in zip(edges, [*edges[1:], None], strict=True)]
    told = []
    # The newest is the first.
    for line in reversed(lines):
        stamp, kind, target, source, text = (line[span].strip() for span in spans)
        hour, minute, second = map(int, stamp.split(":"))
        time = began.replace(hour=hour, minute=minute, second=second, microsecond=0)
        told.append(Told(_unskewed(time, began, ended), kind, target, text, source))
    return told


def _unskewed(time: datetime, began: datetime, ended: datetime) -> datetime:
    near = began - HOUR / 60, ended + HOUR / 60
    return next(right for right in (time, time - HOUR, time + HOUR) if near[0] <= right <= near[1])


def chains(told: Iterable[Told]) -> dict[tuple[str, ...], list[Link]]:
    """The changes of each thing, by what it is, where, and its name."""
    found: dict[tuple[str, ...], list[Link]] = defaultdict(list)
    for one in told:
        for what, before, after in _links(one):
            found[what, one.source, one.target].append(Link(before, after, one))
    return found


def _links(one: Told) -> Iterable[tuple[str, str, str]]:
    text = one.text
    system = one.source.partition("/")[0]
    if one.kind in ("joined", "left"):
        yield ("instance", *(("gone", "there") if one.kind == "joined" else ("there", "gone")))
    elif one.kind == "leader":
        before, _, after = text.partition("  ")[0].partition(" (")[0].partition(" → ")
        # That it was lost is told besides, where there is none for long.
        if not after.startswith("no leader"):
            yield "leader", before, after
    elif one.kind == "source" and one.target == one.source:
        yield ("source", *(("lost", "live") if text.startswith("back") else ("live", "lost")))
    elif one.kind == "alert":
        yield ("alert", *(("quiet", "fires") if text.startswith("fires") else ("fires", "quiet")))
    elif one.kind == "state" and system == "prometheus":
        yield ("target", *(("down", "up") if text.startswith("up again") else ("up", "down")))
    elif one.kind == "state":
        # A unit's own pid is told only where it had one before.
        pids = RESTARTED.search(text) if one.target == one.source else None
        if pids is not None:
            yield "pid", pids[1], pids[2]
        states = STATES.match(text)
        if states is not None:
            yield "unit" if system == "supervisord" else "member", states[1], states[2]


def disordered(told: Sequence[Told]) -> list[str]:
    """What stands before something that happened earlier, whatever the clock said of either."""
    return [
        f"{one} stands before {after}" for one, after in pairwise(told) if one.time - after.time > SAME_MOMENT
    ]


def torn(
    found: Mapping[tuple[str, ...], list[Link]],
    begun: Mapping[tuple[str, ...], str],
    ended: Mapping[tuple[str, ...], str],
) -> list[str]:
    """Each place where a chain is torn, in words. `begun` and `ended` are the first and the last word of those
    that are another one in each run."""
    complaints = []
    for key, links in found.items():
        usual = GOOD.get(key[0])
        at = begun.get(key, usual)
        for link in links:
            if at is not None and link.before != at:
                complaints.append(
                    f"{' '.join(key)} was {at}, and is told to have been {link.before}: {link.told}"
                )
            at = link.after
        last = ended.get(key, usual)
        if last is not None and at != last:
            complaints.append(f"{' '.join(key)} is {last}, and was told last to be {at}: {links[-1].told}")
    return complaints
