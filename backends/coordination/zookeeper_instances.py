"""Instances that registered themselves in ZooKeeper: the znodes below a group's path as rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from backends.api.details import Detail, Trouble
from backends.api.errors import Denied, NotFound
from backends.api.members import Member, Members, MemberState, Role
from backends.api.readings import Seen, differing
from backends.coordination.registered import came_and_went, instance
from backends.coordination.zookeeper_link import Node, Stat
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
        closed = {row.group for row in rows.values() if row.state is MemberState.UNKNOWN}
        # Of a group that may not be listed any more, what was known stays.
        rows = {key: row for key, row in (before or {}).items() if row.group in closed} | rows
        kept = {key: (before or {}).get(key) for key in rows}
        rows = {key: old if (old := kept[key]) == row and old is not None else row for key, row in rows.items()}
        if before is None:
            return Seen(rows)
        news = tuple(came_and_went(_instances(before), _instances(rows), after_gap=True))
        return Seen(rows, differing(before, rows), news)

    def changed(self, before: Members, step: Changed) -> Seen[Members]:
        old: dict[str, Member] = {}
        new: dict[str, Member] = {}
        for path, node in step.found.items():
            for group in self._groups_at(path):
                key = self._key(group, path)
                if key in before:
                    old[key] = before[key]
            if node is not None:
                new |= self._rows(path, node)
        new = {key: old[key] if old.get(key) == row else row for key, row in new.items()}
        rows = {key: row for key, row in before.items() if key not in old or key in new} | new
        news = tuple(came_and_went(_instances(old), _instances(new), after_gap=False))
        changed = differing(old, new)
        return Seen(rows if changed else before, changed, news)

    def path_of(self, row: Member) -> str:
        """The znode of an instance's row. Raises `NotFound`."""
        start = self._key(row.group or "", "")
        if not row.key.startswith(start):
            raise NotFound("ZooKeeper has no such row", where=self._source)
        return row.key.removeprefix(start)

    def _groups_at(self, path: str) -> list[str]:
        """The groups that a znode is an instance of, and those whose parent it is."""
        parent = path.rpartition("/")[0] or "/"
        return [group for group, root in self._paths.items() if root in (path, parent) and path != "/"]

    def _rows(self, path: str, node: Node) -> dict[str, Member]:
        rows: dict[str, Member] = {}
        for group in self._groups_at(path):
            key = self._key(group, path)
            if self._paths[group] != path:
                rows[key] = self._row(group, key, path, node)
            elif node.denied is not None:
                rows[key] = self._closed(group, key, path, node.denied)
        return rows

    def _key(self, group: str, path: str) -> str:
        return f"{self._source}/{group}{path}"

    def _row(self, group: str, key: str, path: str, node: Node) -> Member:
        details = (Detail("znode", path), *(() if node.stat is None else _told_by(node.stat)))
        created = None if node.stat is None else node.stat.czxid
        name = path.rpartition("/")[2]
        trouble = None if node.denied is None else Trouble(node.denied)
        return instance(self._source, group, key, name, node.data or b"", created, details, trouble)

    def _closed(self, group: str, key: str, path: str, denied: Denied) -> Member:
        """In place of the instances of a group that may not be listed."""
        facts = (key, path, self._source, Role.MEMBER, MemberState.UNKNOWN)
        return Member(*facts, group=group, trouble=Trouble(denied), details=(Detail("znode", path),))


def _instances(rows: Mapping[str, Member]) -> dict[str, Member]:
    return {key: row for key, row in rows.items() if row.state is not MemberState.UNKNOWN}


def _told_by(stat: Stat) -> tuple[Detail, ...]:
    owner = stat.owner % (1 << 64)
    return (
        Detail("session", f"{owner:#x}" if owner and not _special(owner) else PERSISTENT),
        Detail("created zxid", f"{stat.czxid:#x}"),
        Detail("modified zxid", f"{stat.mzxid:#x}"),
        Detail("version of data", stat.version),
    )


def _special(owner: int) -> bool:
    return owner == SPECIAL or owner >> 56 == 0xFF
