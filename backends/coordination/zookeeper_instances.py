"""Instances that registered themselves in ZooKeeper: the znodes below a group's path as rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from backends.api.errors import NotFound
from backends.api.models import Detail, Member, Members, MemberState, Role, Seen, differing
from backends.coordination.address import address_of
from backends.coordination.registered import VALUE_READ, VALUE_SHOWN, came_and_went, fact
from backends.coordination.zookeeper_link import Node
from backends.coordination.zookeeper_tree import Changed, Listed, Root

PERSISTENT = "none: persistent, it stays when its instance dies"
SPECIAL = 1 << 63
"""Container and TTL znodes have this bit and say something else with the owner's field (EphemeralType)."""


class Groups:
    """The groups of one ZooKeeper source, by the path below which their instances are."""

    def __init__(self, source: str, paths: Mapping[str, str]) -> None:
        self._source = source
        self._paths = {group: "/" + path.strip("/") for group, path in paths.items()}

    @property
    def roots(self) -> list[Root]:
        return [Root(path, 1) for path in dict.fromkeys(self._paths.values())]

    def listed(self, before: Members | None, step: Listed) -> Seen[Members]:
        """A whole listing. After a gap who came and went is derived from what was known before it."""
        rows: dict[str, Member] = {}
        for path, node in step.found.items():
            rows |= self._rows(path, node)
        kept = {key: (before or {}).get(key) for key in rows}
        rows = {key: old if (old := kept[key]) == row and old is not None else row for key, row in rows.items()}
        if before is None:
            return Seen(rows)
        news = tuple(came_and_went(before, rows, _created, after_gap=True))
        return Seen(rows, differing(before, rows), news)

    def changed(self, before: Members, step: Changed) -> Seen[Members]:
        old: dict[str, Member] = {}
        new: dict[str, Member] = {}
        for path, node in step.found.items():
            for group in self._groups(path):
                key = self._key(group, path)
                if key in before:
                    old[key] = before[key]
            if node is not None:
                new |= self._rows(path, node)
        new = {key: old[key] if old.get(key) == row else row for key, row in new.items()}
        rows = {key: row for key, row in before.items() if key not in old or key in new} | new
        news = tuple(came_and_went(old, new, _created, after_gap=False))
        changed = differing(old, new)
        return Seen(rows if changed else before, changed, news)

    def path_of(self, row: Member) -> str:
        """The znode of an instance's row. Raises `NotFound`."""
        start = self._key(row.group or "", "")
        if not row.key.startswith(start):
            raise NotFound("ZooKeeper has no such row", where=self._source)
        return row.key.removeprefix(start)

    def _groups(self, path: str) -> list[str]:
        parent = path.rpartition("/")[0] or "/"
        return [group for group, root in self._paths.items() if parent == root and path != "/"]

    def _rows(self, path: str, node: Node) -> dict[str, Member]:
        return {self._key(group, path): self._row(group, path, node) for group in self._groups(path)}

    def _key(self, group: str, path: str) -> str:
        return f"{self._source}/{group}{path}"

    def _row(self, group: str, path: str, node: Node) -> Member:
        name = path.rpartition("/")[2]
        value = (node.data or b"")[:VALUE_READ].decode("utf-8", "replace")
        address, version = address_of(value, name)
        owner = node.stat.owner % (1 << 64)
        return Member(
            key=self._key(group, path),
            name=name,
            source=self._source,
            role=Role.MEMBER,
            state=MemberState.UP,
            group=group,
            address=address,
            version=version,
            details=(
                Detail("znode", path),
                Detail("session", f"{owner:#x}" if owner and not _special(owner) else PERSISTENT),
                Detail("created zxid", f"{node.stat.czxid:#x}"),
                Detail("modified zxid", f"{node.stat.mzxid:#x}"),
                Detail("version of data", node.stat.version),
                Detail("value", value[:VALUE_SHOWN]),
            ),
        )


def _special(owner: int) -> bool:
    return owner == SPECIAL or owner >> 56 == 0xFF


def _created(row: Member) -> object:
    return fact(row, "created zxid")
