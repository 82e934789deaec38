"""What every cluster's census shares: answers of servers as rows, and what of them is news. No I/O."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from backends.api.details import Trouble
from backends.api.errors import BackendError, BadReply, Denied, Silent
from backends.api.events import Event, EventKind
from backends.api.members import Member, Members, MemberState
from backends.api.quorum import Quorum
from backends.api.readings import News

LONG_WITHOUT = 5.0
"""Seconds without a leader from which on that is told, at once and with the next one: longer than any election
lasts."""
DOUBTED = 15.0
"""Seconds for which servers may take one for their leader that is none any more: ZooKeeper's followers do for its
syncLimit, 10 s as a rule."""
UNSURE = (Silent, BadReply, Denied)
"""What a server that may well serve others says to us: its state is not known. It is down where nothing listens,
or where it says itself that it serves nobody."""
NEWEST = 0.25
"""The weight of the newest round trip; those before it have the rest."""


class _Pending(Silent):
    """It has not been heard at all, good or bad."""


class Answer(Struct, frozen=True):
    """What one server said of itself last. `error` is why it did not, at its latest try."""

    status: Any = None
    at: float | None = None
    """Monotonic seconds of its last word, `as_of` the wall clock."""
    as_of: datetime | None = None
    latency_ms: float | None = None
    """How long its answers take, the newest more than those before it."""
    error: BackendError | None = None

    @property
    def spoke(self) -> bool:
        """Whether it gave a sign of life at its latest try."""
        return self.error is None


A = TypeVar("A", bound=Answer)
L = TypeVar("L")
"""What a leader is known by."""
Belonging = Mapping[int, tuple[str, str]]
"""By its number, a server's name and what is said of it when it joins or leaves."""


def steadied(answer: A, before: A | None) -> A:
    """With its round trip smoothed by those before it, as TCP smooths its own (RFC 6298): one that wavers by some
    milliseconds tells nothing, and would be sent over a slow link each time."""
    if before is None or before.latency_ms is None or answer.latency_ms is None:
        return answer
    smooth = before.latency_ms + NEWEST * (answer.latency_ms - before.latency_ms)
    return replace(answer, latency_ms=smooth)


def pending(address: str) -> BackendError:
    """Why there is nothing to show yet of a server that is being asked for the first time."""
    return _Pending("no answer yet", where=address)


def state_of(answer: Answer, error: BackendError | None) -> tuple[MemberState, Trouble | None]:
    """How a server is whose latest trouble is `error`."""
    if error is None:
        return MemberState.UP, None
    state = MemberState.UNKNOWN if isinstance(error, UNSURE) else MemberState.DOWN
    return state, Trouble(error, answer.at, answer.as_of)


class _Moment(NamedTuple):
    """On the clock that never jumps, and on that of people."""

    monotonic: float
    wall: datetime


class Census(Generic[A, L]):
    """Who belongs to a cluster, who said what last, and what of it was told as news.

    A subclass makes the rows, and says who belongs to it, who leads (`_leader`), and how a leader is called.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.answers: dict[str, A] = {}
        self.cluster: str | None = None
        """The cluster's own id, where the system has one."""
        self._leader: L | None = None
        self._lost: _Moment | None = None
        """When it became leaderless."""
        self._doubted: _Moment | None = None
        """Since when there may be no leader."""
        self._told_lost = False
        self._without = 0.0
        """Seconds for which there was no leader before the one there is now."""
        self._told_leader: L | None = None
        self._told: Belonging = {}

    def addresses(self, endpoints: tuple[str, ...]) -> list[str]:
        """Whom to ask: our endpoints, and each server that was named by the others and that none of them is."""
        raise NotImplementedError

    def rows(
        self, endpoints: tuple[str, ...], before: Members, *, after_gap: bool
    ) -> tuple[dict[str, Member], list[News]]:
        """The members now, and what is news. A row that did not change visibly is the same object as before."""
        rows: dict[str, Member] = {}
        for row in self._found(endpoints):
            old = before.get(row.key)
            row = _known_before(row, old)
            rows[row.key] = old if old is not None and alike(old, row) else row
        # First: a leader that has left is still known by its name.
        leadership = tuple(self._leadership())
        news = (*self._states(before, rows), *self._membership(), *leadership)
        return rows, [replace(event, after_gap=after_gap) for event in news]

    def _found(self, endpoints: tuple[str, ...]) -> Iterable[Member]:
        """The members as they are now, one row each."""
        raise NotImplementedError

    def _belonging(self) -> Belonging:
        """Who belongs to the cluster now; empty where that is not known."""
        raise NotImplementedError

    def _named(self, leader: L) -> str:
        raise NotImplementedError

    def _same(self, leader: L, other: L) -> bool:
        return leader == other

    def _membership(self) -> Iterable[Event]:
        """Who joined and left since it was told last. What is there at the beginning is no news."""
        now = self._belonging()
        if not now:
            return
        told, self._told = self._told, now
        for number in sorted(now.keys() - told.keys() if told else ()):
            yield self._tell(EventKind.JOINED, *now[number])
        for number in sorted(told.keys() - now.keys()):
            yield self._tell(EventKind.LEFT, *told[number])

    def _leadership(self) -> Iterable[Event]:
        """One event for a change of leader, told when the new one is known; one more before it where that takes
        longer than elections do."""
        if self._leader is None:
            yield from self._leader_lost()
            return
        before, self._told_leader = self._told_leader, self._leader
        without, self._without = self._without, 0.0
        long = without >= LONG_WITHOUT
        if before is not None and (long or not self._same(before, self._leader)):
            text = f"{self._named(before)} → {self._named(self._leader)}"
            text += f" (no leader for {without:.0f} s)" if long else ""
            yield self._tell(EventKind.LEADER, self.source, text)

    def _leader_lost(self) -> Iterable[Event]:
        without = 0.0 if self._lost is None else time.monotonic() - self._lost.monotonic
        if without >= LONG_WITHOUT and not self._told_lost and self._told_leader is not None:
            self._told_lost = True
            text = f"{self._named(self._told_leader)} → no leader: for {without:.0f} s"
            yield self._tell(EventKind.LEADER, self.source, text, bad=True)

    def _note_leader(self, led: bool | None, *, quorum: Quorum | None) -> None:
        """`led`: whether the cluster has a leader; None where nobody who answers knows: then it has none as long
        as it had none before. It has none since that was in doubt first, by its quorum or by its servers."""
        now = _Moment(time.monotonic(), datetime.now(UTC))
        sure = led is True and not (quorum is not None and quorum.lost)
        self._doubted = None if sure else self._doubted or now
        if led is False and self._lost is None:
            doubted = self._doubted or now
            self._lost = doubted if now.monotonic - doubted.monotonic <= DOUBTED else now
        elif led is True and self._lost is not None:
            self._without = now.monotonic - self._lost.monotonic
            self._lost, self._told_lost = None, False

    @property
    def _leaderless(self) -> datetime | None:
        return None if self._lost is None else self._lost.wall

    def _tell(self, kind: EventKind, target: str, text: str, *, bad: bool = False) -> Event:
        return Event(datetime.now(UTC), kind, self.source, target, text, cluster=self.cluster, bad=bad)

    def _states(self, before: Members, rows: Mapping[str, Member]) -> Iterable[Event]:
        # A row by address turns into one by the server's own id once that is known.
        by_address = {row.address: row for row in before.values() if row.address is not None}
        for key, row in rows.items():
            old = before.get(key) or by_address.get(row.address or "")
            if old is None or _is_pending(old) or _is_pending(row):
                continue
            if _word(old) != _word(row):
                why = f": {row.trouble.error.reason}" if row.trouble else ""
                bad = row.state is not MemberState.UP
                yield self._tell(EventKind.STATE, row.name, f"{_word(old)} → {_word(row)}{why}", bad=bad)


def _is_pending(row: Member) -> bool:
    return row.trouble is not None and isinstance(row.trouble.error, _Pending)


def _known_before(row: Member, old: Member | None) -> Member:
    """With the last word that an earlier watch had of a member that has said nothing to this one."""
    if row.trouble is None or row.trouble.since is not None or old is None or old.trouble is None:
        return row
    return replace(row, trouble=replace(row.trouble, since=old.trouble.since, as_of=old.trouble.as_of))


def _word(row: Member) -> str:
    """As every screen has it."""
    return row.state.value if row.trouble is None else row.trouble.word(row.state.value)


def alike(old: Member, new: Member) -> bool:
    """Whether nothing differs that a reader would call a difference: a round trip is never the same twice."""
    if old.latency_ms is None or new.latency_ms is None:
        return old == new
    near = abs(old.latency_ms - new.latency_ms) < max(1.0, 0.2 * old.latency_ms)
    return near and replace(new, latency_ms=old.latency_ms) == old
