"""How many instances a group should have: as configured, else the most that were seen lately. When that
is a problem says `problems`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from backends.api.clock import Clock, Timer
from backends.api.members import Member, Members, MemberState

LARGEST_KEPT = 900.0
"""Seconds for which the largest size of a group is remembered; of one of which nobody is left, for as long as
that lasts: a service that is gone does not become well by waiting."""
BUCKET = 30.0
PAUSE = 1.0
"""Seconds between two counts: thousands of instances may change hundreds of times in one."""


class Expected(Struct, frozen=True):
    """How many, whether somebody configured that, and since when there are fewer (monotonic seconds)."""

    size: int
    configured: bool
    below: float | None = None
    found: bool = False
    """Whether there were fewer when somebody began to look: `below` is not when that began."""


def unlisted(instances: Iterable[Member]) -> set[str | None]:
    """The groups whose instances may not be listed, so that their size is not known."""
    return {row.group for row in instances if row.state is MemberState.UNKNOWN}


class GroupSizes:
    """The groups of one source. `expected` are the configured sizes."""

    def __init__(self, expected: Mapping[str, int]) -> None:
        self._expected = dict(expected)
        self._found: set[str] = set()
        self._seen: dict[str, deque[tuple[float, int]]] = {}
        self._below: dict[str, float] = {}
        self.empty: dict[str, float] = {}
        """The groups of which nobody is left that was seen, and since when (monotonic seconds)."""

    def note(self, now: float, instances: Members, *, after_gap: bool = False) -> None:
        """Take in the present sizes; `now` in monotonic seconds. `after_gap`: nobody looked right before."""
        before = self._below
        sizes = Counter(row.group for row in instances.values() if row.group is not None)
        unknown = unlisted(instances.values())
        for group in (sizes.keys() | self._seen.keys()) - unknown:
            seen = self._seen.setdefault(group, deque())
            if not sizes[group] and group in self.empty:
                continue  # Nothing is forgotten meanwhile, so nothing is added.
            if seen and now - seen[-1][0] < BUCKET:
                at, most = seen.pop()
                seen.append((at, max(most, sizes[group])))
            else:
                seen.append((now, sizes[group]))
        empty = (group for group in self._seen if not sizes[group] and group not in unknown)
        self.empty = {group: self.empty.get(group, now) for group in empty}
        self._below = {
            group: self._below.get(group, now)
            for group, wanted in self.expected(now).items()
            if sizes[group] < wanted.size and group not in unknown
        }
        began = self._below.keys() - before.keys()
        self._found = (self._found & self._below.keys()) | (began if after_gap else set())

    def expected(self, now: float) -> dict[str, Expected]:
        """For each group that is configured with a size, or that was seen."""
        found: dict[str, Expected] = {}
        for group, seen in self._seen.items():
            while group not in self.empty and len(seen) > 1 and now - seen[0][0] > LARGEST_KEPT:
                seen.popleft()
            found[group] = self._wanted(group, max(size for _, size in seen), configured=False)
        return found | {
            group: self._wanted(group, size, configured=True) for group, size in self._expected.items()
        }

    def _wanted(self, group: str, size: int, *, configured: bool) -> Expected:
        return Expected(size, configured, self._below.get(group), group in self._found)


class Counting:
    """Counts the instances of one source as they come, at most once a `PAUSE`, and in the end always the last."""

    def __init__(self, sizes: GroupSizes, clock: Clock) -> None:
        self._sizes, self._clock = sizes, clock
        self._last: Members = {}
        self._after_gap = False
        self._due = float("-inf")
        self._timer: Timer | None = None

    def hear(self, instances: Members, *, after_gap: bool = False) -> None:
        """`after_gap`: nobody had told of them right before."""
        self._last, self._after_gap = instances, self._after_gap or after_gap
        if self._timer is not None:
            return
        wait = self._due - self._clock.monotonic()
        if wait > 0:
            self._timer = self._clock.call_later(wait, self._count)
        else:
            self._count()

    def _count(self) -> None:
        now, self._timer = self._clock.monotonic(), None
        self._due = now + PAUSE
        after_gap, self._after_gap = self._after_gap, False
        self._sizes.note(now, self._last, after_gap=after_gap)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
