"""Instances that registered themselves: what of their coming and going is news. The same for all registries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from backends.api.models import Event, EventKind, Member, News

VALUE_READ = 65_536
"""Bytes of a value in which an address is looked for."""
VALUE_SHOWN = 500


def told(kind: EventKind, row: Member, *, cluster: str | None = None, after_gap: bool = False) -> Event:
    """`cluster` is the id of the cluster that holds the registration, where it has one."""
    text = f"{row.name}  {row.address or ''}".rstrip()
    return Event(datetime.now(UTC), kind, row.source, f"{row.group}/{row.name}", text, cluster, after_gap)


def came_and_went(
    before: Mapping[str, Member],
    now: Mapping[str, Member],
    created: Callable[[Member], object],
    *,
    cluster: str | None = None,
    after_gap: bool,
) -> Iterable[News]:
    """Who came and went between two looks. One whose key was created anew (`created` tells when) did both."""
    again = {key for key in before.keys() & now.keys() if created(before[key]) != created(now[key])}
    for key, row in before.items():
        if key not in now or key in again:
            yield told(EventKind.LEFT, row, cluster=cluster, after_gap=after_gap)
    for key, row in now.items():
        if key not in before or key in again:
            yield told(EventKind.JOINED, row, cluster=cluster, after_gap=after_gap)


def fact(row: Member, label: str) -> object:
    return next((detail.value for detail in row.details if detail.label == label), None)
