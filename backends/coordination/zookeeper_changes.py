"""Changes of znodes, derived from looks at them: none doubled, and where one passed between two looks, a gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from backends.api.errors import Misconfigured
from backends.api.readings import Seen
from backends.api.stores import ChangeKind, KeyChange
from backends.coordination.zookeeper_link import Node, Stat
from backends.coordination.zookeeper_tree import Changed, Listed, Root

DEEPEST = 1_000
UNSEEN = Stat(czxid=0, mzxid=0, version=-1, owner=0)
"""What was not there."""
RECONNECTED = b"a new session: ZooKeeper keeps no history, what follows is the difference"


def root_of(prefix: str) -> Root:
    """What to watch for all znodes whose path begins with a prefix. Raises `Misconfigured`."""
    if not prefix.startswith("/"):
        raise Misconfigured("expected a path that begins with /", where=prefix)
    return Root(prefix.rpartition("/")[0] or "/", DEEPEST, prefix)


class Changes:
    """What was told of the znodes below one prefix. Kept over sessions, so that nothing is told twice."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self._known: dict[str, Stat | None] | None = None
        self._zxid = 0

    def listed(self, step: Listed) -> Seen[int]:
        found = {path: node for path, node in step.found.items() if self._mine(path)}
        if self._known is None:
            self._known = {path: node.stat for path, node in found.items()}
            self._zxid = max((_modified(node) for node in found.values()), default=0)
            return Seen(self._zxid)
        gap = KeyChange(datetime.now(UTC), ChangeKind.GAP, self.prefix, None, None, RECONNECTED)
        gone = dict.fromkeys(path for path in self._known if path not in found)
        return self._told({**gone, **found}, (gap,), gaps=False)

    def changed(self, step: Changed) -> Seen[int]:
        found = {path: node for path, node in step.found.items() if self._mine(path)}
        return self._told(found, (), gaps=True)

    def confirmed(self) -> Seen[int]:
        return Seen(self._zxid, frozenset())

    def _mine(self, path: str) -> bool:
        return path.encode().startswith(self.prefix)

    def _told(self, found: Mapping[str, Node | None], first: tuple[KeyChange, ...], *, gaps: bool) -> Seen[int]:
        known = self._known if self._known is not None else {}
        before = self._zxid
        news = list(first)
        # Deletions have no zxid that could be read any more; what is there is told in the order of its own.
        gone = [path for path, node in found.items() if node is None]
        there = sorted((_modified(node), path, node) for path, node in found.items() if node is not None)
        left = [path for path in gone if path in known]
        for path in left:
            del known[path]
        news += [_change(ChangeKind.DELETE, path, None, None) for path in left]
        for zxid, path, node in there:
            news += _differences(path, known.get(path, UNSEEN), node, gaps=gaps)
            known[path] = node.stat
            self._zxid = max(self._zxid, zxid)
        return Seen(self._zxid, None if self._zxid != before else frozenset(), tuple(news))


def _differences(path: str, old: Stat | None, node: Node, *, gaps: bool) -> Iterable[KeyChange]:
    """`old` is None where it was there and could not be looked at."""
    new = node.stat
    if new == old:
        return
    if new is not None and old is not None and old is not UNSEEN and old.czxid != new.czxid:
        yield _change(ChangeKind.DELETE, path, None, None)
        old = UNSEEN
    if node.denied is not None:
        text = f"{node.denied.reason}: neither its value nor what is below it is seen"
        yield _change(ChangeKind.GAP, path, None, text.encode())
    if new is None:
        return
    passed = 0 if old is None else new.version - old.version - 1
    if passed > 0 and gaps:
        yield _change(ChangeKind.GAP, path, None, f"{passed} changes of it passed between two looks".encode())
    yield _change(ChangeKind.PUT, path, new, node.data)


def _modified(node: Node) -> int:
    return 0 if node.stat is None else node.stat.mzxid


def _change(kind: ChangeKind, path: str, stat: Stat | None, value: bytes | None) -> KeyChange:
    version, modified = (None, None) if stat is None else (stat.version, stat.mzxid)
    return KeyChange(datetime.now(UTC), kind, path.encode(), version, modified, value)
