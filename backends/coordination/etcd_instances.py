"""Instances that registered themselves below etcd's prefixes: keys as rows, changes as news. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from backends.api.details import Detail
from backends.api.events import EventKind
from backends.api.members import Member
from backends.api.readings import News, Seen, differing
from backends.coordination.etcd_stream import Changed, KeyValue, Position
from backends.coordination.etcd_watch import Listed
from backends.coordination.registered import came_and_went, instance, told


class Instances(dict[str, Member]):
    """The instances by key, with the position in the store's history up to which they are right: what a restart
    needs. Not changed once it is yielded."""

    def __init__(self, rows: Mapping[str, Member], position: Position) -> None:
        super().__init__(rows)
        self.position = position


class Groups:
    """The groups of one etcd source: prefixes in the order in which they are watched."""

    def __init__(self, source: str, prefixes: Mapping[str, str]) -> None:
        self._source = source
        self._groups = [(group, prefix.encode()) for group, prefix in prefixes.items()]

    @property
    def prefixes(self) -> list[bytes]:
        return [prefix for _, prefix in self._groups]

    def listed(self, before: Instances | None, step: Listed, cluster: str | None = None) -> Seen[Instances]:
        """A whole listing. After a gap who came and went is derived from what was known before it."""
        rows: dict[str, Member] = {}
        for (group, prefix), found in zip(self._groups, step.found, strict=True):
            if found is None:
                rows |= {key: row for key, row in (before or {}).items() if row.group == group}
                continue
            for kv in found:
                row = self._row(group, prefix, kv)
                old = None if before is None else before.get(row.key)
                rows[row.key] = old if old == row else row
        now = Instances(rows, step.position)
        if before is None:
            return Seen(now)
        news = came_and_went(before, rows, cluster=cluster, after_gap=True)
        return Seen(now, differing(before, rows), tuple(news))

    def changed(self, before: Instances, step: Changed, cluster: str | None = None) -> Seen[Instances]:
        rows = Instances(before, step.position)
        touched = set()
        news: list[News] = []
        for change in step.changes:
            group, prefix = self._groups[change.prefix]
            key = self._row_key(group, change.key)
            touched.add(key)
            old = rows.pop(key, None) if change.kv is None else rows.get(key)
            if change.kv is not None:
                rows[key] = self._row(group, prefix, change.kv)
                if old is None:
                    news.append(told(EventKind.JOINED, rows[key], cluster=cluster))
            elif old is not None:
                news.append(told(EventKind.LEFT, old, cluster=cluster))
        # One that came and went within a step is news, and no difference between two values.
        changed = frozenset(key for key in touched if before.get(key) is not rows.get(key))
        return Seen(rows, changed, tuple(news))

    def key_of(self, row: Member) -> bytes:
        """The etcd key of an instance's row, its undecodable bytes too."""
        return _unescaped(row.key.removeprefix(self._row_key(row.group or "", b"")))

    def _row_key(self, group: str, key: bytes) -> str:
        return f"{self._source}/{group}/{_escaped(key)}"

    def _row(self, group: str, prefix: bytes, kv: KeyValue) -> Member:
        key = kv.key.decode("utf-8", "replace")
        name = kv.key.removeprefix(prefix).decode("utf-8", "replace").strip("/") or key
        details = (
            Detail("key", key),
            Detail("lease", f"{kv.lease:x}" if kv.lease else None),
            Detail("create revision", kv.created),
            Detail("mod revision", kv.modified),
            Detail("version of key", kv.version),
        )
        return instance(self._source, group, self._row_key(group, kv.key), name, kv.value, kv.created, details)


def _escaped(key: bytes) -> str:
    """Bytes as text that no other bytes become."""
    return key.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _unescaped(text: str) -> bytes:
    parts = []
    for part in text.split("\\\\"):
        head, *tails = part.split("\\x")
        parts.append(head.encode() + b"".join(bytes([int(t[:2], 16)]) + t[2:].encode() for t in tails))
    return b"\\".join(parts)
