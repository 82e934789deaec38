"""Znodes under watch: what is below some paths, live, over servers that die or fall silent.

A watch in ZooKeeper tells once that something changed, not what; so each one that fires leads to a look, which
sets the next. ZooKeeper keeps no history: with each new session everything is looked at anew, and who follows
this derives the difference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

from msgspec import Struct

from backends.api.errors import BackendError, Denied, Misconfigured, Unreachable
from backends.api.settings import Secret
from backends.coordination.all_failed import why_all_failed
from backends.coordination.watch_course import ELECTION, WatchCourse
from backends.coordination.zookeeper_access import NotListed, NotServing, Wire
from backends.coordination.zookeeper_link import SESSION, Link, Node, Wanted, connected
from backends.coordination.zookeeper_words import Conf, parse_conf

ASK = 1.0
"""Seconds between two proofs that server and leader are there."""
HURRY = 1.2
"""Seconds that a server has to answer while there are others to try."""
DEADLINE = 2.5
"""Seconds that it has where there are none."""
LOOK = 5.0
"""Seconds for looking at everything anew; a feed's own patience is shorter where it matters."""
LAP = 0.3
"""Seconds between two rounds over all servers."""
AGAIN = 5.0
"""Seconds between two looks at what may not be read: no watch tells that somebody has allowed it."""
CONFIG = "/zookeeper/config"


class TooMany(Misconfigured):
    """More znodes than can be watched one by one."""


class Root(Struct, frozen=True):
    """What to watch: `path`, and `depth` levels below it, as far as they begin with `prefix`."""

    path: str
    depth: int
    prefix: str = ""

    def level(self, path: str) -> int | None:
        """0 for the root itself, 1 for its children; None for what is not below it, or has another prefix."""
        if path == self.path:
            return 0
        base = self.path.rstrip("/") + "/"
        if not path.startswith(base) or not path.startswith(self.prefix):
            return None
        level = path.removeprefix(base).count("/") + 1
        return level if level <= self.depth else None


class Listed(Struct, frozen=True):
    """All that there is, looked at with a new session."""

    found: Mapping[str, Node]


class Changed(Struct, frozen=True):
    """What was looked at because a watch fired; None where there is no such znode any more."""

    found: Mapping[str, Node | None]


class Confirmed(Struct, frozen=True):
    """Server and leader have answered, and no watch has fired."""


Step = Listed | Changed | Confirmed


async def follow(
    wire: Wire,
    secret: Secret | None,
    roots: Sequence[Root],
    *,
    data: bool,
    most: int,
    learn: Callable[[Conf], None] | None = None,
) -> AsyncGenerator[Step, None]:
    """Watch what is below the roots for ever; with `data` the first listing has the values too. `learn` is told
    the ensemble's configuration, where it is kept in ZooKeeper.

    A znode that may not be read costs itself only (`Node.denied`). Raises `Denied` where no root may be read,
    `TooMany` above `most` znodes, else only when every server has failed in turn: what all of them said, and
    whether the session is suspended or lost.
    """
    await wire.ready()
    endpoints = wire.access.endpoints
    course = _Course(endpoints)
    while True:
        endpoint = endpoints[wire.turn % len(endpoints)]
        limit = course.limit_at(endpoint)
        try:
            async with _session(wire, endpoint, secret, limit) as link:
                steps = _watch(link, _Tree(roots, most), limit, data=data or course.listed, learn=learn)
                async with aclosing(steps):
                    async for step in steps:
                        course.stepped()
                        wire.confirmed = time.monotonic()
                        yield step
        except TooMany:
            raise
        except BackendError as error:
            course.failed_at(endpoint, error)
            wire.turn += 1
            if course.failed.keys() >= set(endpoints):
                _after_a_round(wire, course)
                await asyncio.sleep(LAP)


class _Course(WatchCourse):
    """With how long each server has, and whether all was looked at once (`listed`)."""

    def __init__(self, endpoints: Sequence[str]) -> None:
        super().__init__()
        self.listed = False
        self._endpoints = endpoints

    def limit_at(self, endpoint: str) -> float:
        """Seconds that a server has: less while there are others to try."""
        return HURRY if len(self.failed.keys() | {endpoint}) < len(self._endpoints) else DEADLINE

    def stepped(self) -> None:
        self.listed = True
        self.go_well()


def _after_a_round(wire: Wire, course: _Course) -> None:
    """Every server has failed: whether another round may do. Raises what all of them said where it may not."""
    electing = any(isinstance(why, NotServing) for why in course.failed.values())
    if not electing or course.failing_for > ELECTION:
        raise _standing(why_all_failed(course.failed), wire.confirmed) from None
    course.failed = {}


@asynccontextmanager
async def _session(wire: Wire, endpoint: str, secret: Secret | None, limit: float) -> AsyncIterator[Link]:
    """With one server. Raises `BackendError`."""
    # Says at once, and in plain words, why there will be none.
    with suppress(NotListed):
        await wire.word(endpoint, "srvr", limit)
    async with connected(wire.access, endpoint, secret, limit) as link:
        yield link


async def _watch(
    link: Link, tree: _Tree, limit: float, *, data: bool, learn: Callable[[Conf], None] | None
) -> AsyncGenerator[Step, None]:
    """One session, until it breaks, which raises."""
    # A server that lags behind catches up first: what we have seen elsewhere must not be undone.
    await link.prove(limit)
    yield Listed(await tree.all(link, data=data))
    if learn is not None:
        await _learn(link, limit, learn)
    proved = looked = time.monotonic()
    while True:
        dirty = await link.stirred(max(0.0, proved + ASK - time.monotonic()))
        if learn is not None and CONFIG in dirty:
            await _learn(link, HURRY, learn)
        if tree.denied and time.monotonic() - looked >= AGAIN:
            dirty, looked = dirty | tree.denied.keys(), time.monotonic()
        if dirty:
            found = await tree.again(link, dirty)
            if found:
                yield Changed(found)
        if time.monotonic() - proved >= ASK:
            await link.prove(HURRY)
            proved = time.monotonic()
            yield Confirmed()


async def _learn(link: Link, limit: float, learn: Callable[[Conf], None]) -> None:
    """Tell the ensemble's configuration as it is now, with a watch for the next one. Who may not read it goes on
    without it; a server that does not answer raises, or another answer would have to be waited for."""
    try:
        node = (await link.look([Wanted(CONFIG, data=True, children=False, coming=False)], limit))[CONFIG]
    except Unreachable:
        raise
    except BackendError:
        return
    if node is not None and node.data is not None:
        learn(parse_conf(node.data.decode("utf-8", "replace")))


def _standing(error: BackendError, confirmed: float | None) -> BackendError:
    """Which of the two the session is. Nobody can tell us that it has expired while nobody answers, so the time
    that it was to live without us decides."""
    if confirmed is None:
        return error
    word = "suspended" if time.monotonic() - confirmed < SESSION else "lost"
    return type(error)(f"session {word}: {error.reason}", where=error.where, hint=error.hint)


class _Tree:
    """Which znodes are under watch, with the names of each one's children."""

    def __init__(self, roots: Sequence[Root], most: int) -> None:
        self._roots, self._most = roots, most
        self._children: dict[str, tuple[str, ...]] = {}
        self.denied: dict[str, Denied] = {}
        """What may not be read."""

    async def all(self, link: Link, *, data: bool) -> dict[str, Node]:
        found = await self._look(link, dict.fromkeys(root.path for root in self._roots), data=data)
        return {path: node for path, node in found.items() if node is not None}

    async def again(self, link: Link, dirty: Iterable[str]) -> dict[str, Node | None]:
        # Of one that is gone its parent's watch tells when it is back; a watch of its own would stay for ever.
        paths = [path for path in dirty if path in self._children or self._is_root(path)]
        return await self._look(link, paths, data=True)

    async def _look(self, link: Link, paths: Iterable[str], *, data: bool) -> dict[str, Node | None]:
        """Look at znodes, and at the children that we did not know of, level by level."""
        found: dict[str, Node | None] = {}
        wanted = [self._wanted(path, data=data) for path in paths]
        while wanted:
            looked = await link.look(wanted, LOOK)
            found |= looked
            new: dict[str, None] = {}
            # First: one that went and came back meanwhile is among its parent's children, and is looked at anew.
            for path in [path for path, node in looked.items() if node is None]:
                found |= dict.fromkeys(self._forget(path))
            for path, node in looked.items():
                if node is None:
                    continue
                self.denied.pop(path, None)
                if node.denied is not None:
                    # What was known below it stays: nobody tells that it has gone.
                    self.denied[path] = node.denied
                    self._children.setdefault(path, ())
                    continue
                before = self._children.get(path, ())
                self._children[path] = node.children
                for name in set(before) - set(node.children):
                    found |= dict.fromkeys(self._forget(_join(path, name)))
                below = (_join(path, name) for name in node.children)
                new |= dict.fromkeys(child for child in below if child not in self._children)
            known = [path for path in new if self._levels(path)]
            if len(self._children) + len(known) > self._most:
                hint = "name a longer path, with fewer znodes below it"
                where = ", ".join(root.path for root in self._roots)
                raise TooMany(f"more than {self._most} znodes below", where=where, hint=hint)
            wanted = [self._wanted(path, data=data) for path in known]
        roots = {root.path for root in self._roots}
        if roots <= self.denied.keys():
            raise self.denied[self._roots[0].path]
        return found

    def _wanted(self, path: str, *, data: bool) -> Wanted:
        levels = self._levels(path)
        below = any(level < root.depth for root, level in levels)
        return Wanted(path, data, below, coming=self._is_root(path))

    def _is_root(self, path: str) -> bool:
        return any(root.path == path for root in self._roots)

    def _levels(self, path: str) -> list[tuple[Root, int]]:
        found = ((root, root.level(path)) for root in self._roots)
        return [(root, level) for root, level in found if level is not None]

    def _forget(self, path: str) -> list[str]:
        """All that was known at and below a path that is gone. Watches on it fire once more, for nothing."""
        gone = [known for known in self._children if known == path or known.startswith(f"{path}/")]
        for known in gone:
            del self._children[known]
            self.denied.pop(known, None)
        return gone


def _join(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"
