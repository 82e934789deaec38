"""The lines of a tail in stretches, each a step of the work of choosing what is shown."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from widgets.logfeeder import Feeder
from widgets.logtime import beginnings

JOB = 5000
"""Lines that are chosen in one go."""


class Job(Struct, frozen=True):
    """Lines of one feeder that arrived together: `low` to `high`, the latter not included."""

    came: datetime
    number: int
    low: int
    high: int
    last: bool


def jobs_of(number: int, feeder: Feeder, since: datetime | None) -> list[Job]:
    """A tail in stretches that arrived together, without what is older than the window."""
    tail = feeder.tail
    floors = {} if since is None else beginnings(tail, feeder.reader.parse, since)
    jobs: list[Job] = []
    low = high = tail.span.first
    came: datetime | None = None
    for first, block in tail.blocks(tail.span.first):
        begin, end = max(first, floors.get(block.origin, first)), first + block.count
        if begin >= end:
            continue
        arrived = tail.came(first)
        assert arrived is not None
        together = came is not None and (arrived - came).total_seconds() < 1.0
        if came is not None and (begin != high or not together or high - low >= JOB):
            jobs.append(Job(came, number, low, high, last=False))
            came = None
        if came is None:
            low, came = begin, arrived
        high = end
    if came is not None:
        jobs.append(Job(came, number, low, high, last=high == tail.span.end))
    if tail.told and (not jobs or not jobs[-1].last):
        jobs.append(Job(tail.told[-1].at, number, tail.span.end, tail.span.end, last=True))
    return jobs
