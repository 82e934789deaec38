"""Instances that registered themselves, as rows, and what of their coming and going is news: the same for all
registries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from backends.api.details import Detail, Trouble
from backends.api.events import Event, EventKind
from backends.api.members import Member, MemberState, Role
from backends.api.readings import News
from backends.coordination.address import address_of

VALUE_READ = 65_536
"""Bytes of a value in which an address is looked for."""
VALUE_SHOWN = 500


class Sized(Protocol):
    """A group of the configuration; fewer than `expect` instances are a problem."""

    @property
    def expect(self) -> int | None: ...


def expected_sizes(groups: Mapping[str, str | Sized]) -> dict[str, int]:
    """How many instances each group should have, as far as its configuration says."""
    return {name: g.expect for name, g in groups.items() if not isinstance(g, str) and g.expect is not None}


def instance(
    source: str,
    group: str,
    key: str,
    name: str,
    value: bytes,
    created: int | None,
    details: Iterable[Detail],
    trouble: Trouble | None = None,
) -> Member:
    """The row of one whose key is there: that is all that a registry says of how it is. `created` is None where
    we may not know it."""
    text = value[:VALUE_READ].decode("utf-8", "replace")
    address, version = address_of(text, name)
    return Member(
        key=key,
        name=name,
        source=source,
        role=Role.MEMBER,
        state=MemberState.UP,
        group=group,
        address=address,
        version=version,
        created=created,
        trouble=trouble,
        details=(*details, Detail("value", text[:VALUE_SHOWN])),
    )


def told(kind: EventKind, row: Member, *, cluster: str | None = None, after_gap: bool = False) -> Event:
    """`cluster` is the id of the cluster that holds the registration, where it has one."""
    text = f"{row.name}  {row.address or ''}".rstrip()
    facts = (datetime.now(UTC), kind, row.source, f"{row.group}/{row.name}", text, cluster, after_gap)
    return Event(*facts, address=row.address)


def came_and_went(
    before: Mapping[str, Member],
    now: Mapping[str, Member],
    *,
    cluster: str | None = None,
    after_gap: bool,
) -> Iterable[News]:
    """Who came and went between two looks. One whose key was created anew did both."""
    again = {
        key
        for key in before.keys() & now.keys()
        if None not in (born := {before[key].created, now[key].created}) and len(born) > 1
    }
    for key, row in before.items():
        if key not in now or key in again:
            yield told(EventKind.LEFT, row, cluster=cluster, after_gap=after_gap)
    for key, row in now.items():
        if key not in before or key in again:
            yield told(EventKind.JOINED, row, cluster=cluster, after_gap=after_gap)
