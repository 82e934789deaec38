"""What is known of a ZooKeeper ensemble between two rounds of questions, as rows and news. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from backends.api.errors import BackendError, BadReply, Denied, Silent
from backends.api.models import Detail, Event, EventKind, Member, Members, MemberState, News, Role, Trouble
from backends.coordination.cluster import alike, quorum_of
from backends.coordination.zookeeper_access import WORDS, NotServing
from backends.coordination.zookeeper_words import Conf, Peer, Status, whitelist_line

ELECTION = 3.0
"""Seconds for which a server without a leader is not yet told as trouble: an election takes one or two."""
_PENDING = "no answer yet"


class Answer(Struct, frozen=True):
    """What one server said of itself last. `error` is why it did not, at its latest try; `looking` since when it
    answers and serves nobody (monotonic seconds)."""

    status: Status | None = None
    conf: Conf = Conf()
    at: float | None = None
    as_of: datetime | None = None
    latency_ms: float | None = None
    error: BackendError | None = None
    looking: float | None = None

    @property
    def spoke(self) -> bool:
        return self.error is None or isinstance(self.error, NotServing)


class Census:
    """Who belongs to an ensemble, who said what last, and what of it was told as news.

    A server is known by the address at which it is asked. Its number and its fellows are in its `conf`, where
    that word is whitelisted, or in `/zookeeper/config`, which is empty on a static ensemble.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.answers: dict[str, Answer] = {}
        self.config = Conf()
        self._leader: str | None = None
        self._told_leader: str | None = None
        self._told_peers: dict[int, Peer] = {}

    def learn(self, config: Conf) -> None:
        """What `/zookeeper/config` says now; nothing on a static ensemble."""
        self.config = config

    def targets(self, endpoints: tuple[str, ...]) -> list[str]:
        """Whom to ask: our endpoints, and each server that told where it serves and that none of them is."""
        known = {self._number(endpoint) for endpoint in endpoints}
        learned = [p.client for p in self.peers() if p.number not in known and p.client is not None]
        return list(dict.fromkeys((*endpoints, *learned)))

    def peers(self) -> tuple[Peer, ...]:
        """The ensemble's servers by their configuration, as far as any of them told."""
        told = (answer.conf.peers for answer in self.answers.values() if answer.conf.peers)
        return next(told, self.config.peers)

    def rows(
        self, endpoints: tuple[str, ...], before: Members, now: float, *, after_gap: bool
    ) -> tuple[dict[str, Member], list[News]]:
        """The members now, and what is news. A row that did not change visibly is the same object as before."""
        targets = self.targets(endpoints)
        fresh = {t: a for t, a in self.answers.items() if a.error is None and a.status is not None}
        leader = self._learn_leader({t: a.status for t, a in fresh.items() if a.status is not None})
        shared = tuple(self._shared(targets))
        rows: dict[str, Member] = {}
        numbers: set[int] = set()
        for target in targets:
            number = self._number(target)
            if number is not None and number in numbers:
                continue
            numbers |= set() if number is None else {number}
            row = self._row(target, leader, shared, now)
            old = before.get(row.key)
            rows[row.key] = old if old is not None and alike(old, row) else row
        news = (*self._states(before, rows), *self._membership(), *self._leadership())
        return rows, [replace(event, after_gap=after_gap) for event in news]

    def _row(self, target: str, leader: Status | None, shared: tuple[Detail, ...], now: float) -> Member:
        answer = self.answers.get(target, Answer(error=Silent(_PENDING, where=target)))
        status = answer.status or Status()
        error = answer.error
        if isinstance(error, NotServing) and answer.looking is not None and now - answer.looking < ELECTION:
            error = None
        state, trouble = MemberState.UP, None
        if error is not None:
            unsure = isinstance(error, Silent | BadReply | Denied)
            state = MemberState.UNKNOWN if unsure else MemberState.DOWN
            trouble = Trouble(error, answer.at, answer.as_of)
        serving = answer.error is None
        return Member(
            key=f"{self.source}/{target}",
            name=self._name(target),
            source=self.source,
            role=self._role(target, answer),
            state=state,
            address=target,
            version=status.version,
            zxid=status.zxid,
            lag=_lag(status, leader) if serving else None,
            connections=status.connections if serving else None,
            latency_ms=answer.latency_ms if serving else None,
            trouble=trouble,
            details=(*_details(status, serving=serving), *shared),
        )

    def _role(self, target: str, answer: Answer) -> Role:
        """Its own word; one that lost its leader, or was leader until it fell silent, is a member and no more."""
        role = answer.status.role if answer.status is not None else None
        if role is None or isinstance(answer.error, NotServing):
            return Role.MEMBER
        return Role.MEMBER if role is Role.LEADER and target != self._leader else role

    def _shared(self, targets: list[str]) -> Iterable[Detail]:
        """What is true of the ensemble as a whole, in every row."""
        if self._leader is not None:
            yield Detail("leader", self._name(self._leader))
        peers = self.peers()
        told = max((a.status.voters or 0 for a in self.answers.values() if a.status is not None), default=0)
        voters = len([peer for peer in peers if peer.votes]) or told
        if voters > 1:
            yield self._quorum(targets, voters)
        known = {self._number(target) for target in targets}
        unknown = [f"server.{peer.number} at {peer.host}" for peer in peers if peer.number not in known]
        if unknown and len(peers) > len(targets):
            yield Detail("not watched", f"{', '.join(unknown)}: add it to hosts")

    def _quorum(self, targets: list[str], voters: int) -> Detail:
        votes = {peer.number: peer.votes for peer in self.peers()}
        asked = [t for t in targets if votes.get(self._number(t) or 0, not self._observes(t))]
        up = len([target for target in asked if target in self.answers and self.answers[target].spoke])
        if len(asked) < voters:
            rest = voters - len(asked)
            text = f"{up} of {voters} answer, quorum {voters // 2 + 1}: {rest} not in hosts, so not known"
            return Detail("quorum", text)
        return quorum_of(up, voters)

    def _observes(self, target: str) -> bool:
        status = self.answers.get(target, Answer()).status
        return status is not None and status.role is Role.OBSERVER

    def _number(self, target: str) -> int | None:
        told = self.answers.get(target, Answer()).conf.number
        if told is not None:
            return told
        return next((peer.number for peer in self.peers() if peer.client == target), None)

    def _name(self, target: str) -> str:
        number = self._number(target)
        return target if number is None else f"server.{number}"

    def _learn_leader(self, fresh: Mapping[str, Status]) -> Status | None:
        """Who says that it leads; of several the one of the latest epoch."""
        leading = [(status.epoch or 0, target) for target, status in fresh.items() if status.role is Role.LEADER]
        self._leader = max(leading)[1] if leading else None
        return fresh[self._leader] if self._leader is not None else None

    def _tell(self, kind: EventKind, target: str, text: str, *, bad: bool = False) -> Event:
        return Event(datetime.now(UTC), kind, self.source, target, text, bad=bad)

    def _states(self, before: Members, rows: Mapping[str, Member]) -> Iterable[Event]:
        for key, row in rows.items():
            old = before.get(key)
            pending = old is not None and old.trouble is not None and old.trouble.error.reason == _PENDING
            if old is not None and not pending and old.state is not row.state:
                why = f": {row.trouble.error.reason}" if row.trouble else ""
                bad = row.state is not MemberState.UP
                yield self._tell(EventKind.STATE, row.name, f"{old.state} → {row.state}{why}", bad=bad)

    def _membership(self) -> Iterable[Event]:
        """Who joined and left by a reconfiguration. What is there at the beginning is no news."""
        peers = {peer.number: peer for peer in self.peers()}
        if not peers:
            return
        told, self._told_peers = self._told_peers, peers
        for number in sorted(peers.keys() - told.keys() if told else ()):
            yield self._tell(EventKind.JOINED, f"server.{number}", f"at {peers[number].host}")
        for number in sorted(told.keys() - peers.keys()):
            yield self._tell(EventKind.LEFT, f"server.{number}", f"at {told[number].host}")

    def _leadership(self) -> list[Event]:
        """One event for a change of leader, told when the new one is known."""
        if self._leader is None or self._leader == self._told_leader:
            return []
        before, self._told_leader = self._told_leader, self._leader
        if before is None:
            return []
        return [self._tell(EventKind.LEADER, self.source, f"{self._name(before)} → {self._name(self._leader)}")]


def _lag(status: Status, leader: Status | None) -> int | None:
    """Transactions behind the leader; not known across epochs. Both were asked at nearly the same time."""
    if leader is None or leader.zxid is None or status.zxid is None or status.epoch != leader.epoch:
        return None
    return max(0, leader.zxid - status.zxid)


def _details(status: Status, *, serving: bool) -> Iterable[Detail]:
    if status.mode is not None and status.role is None:
        yield Detail("mode", status.mode)
    if not serving:
        return
    yield Detail("outstanding", status.outstanding)
    yield Detail("its latency", status.latency and f"{status.latency} min/avg/max", "ms")
    for label, value in status.more.items():
        yield Detail(label, value)
    if len(status.more) < 2:
        yield Detail("mntr", f"not to be had: {whitelist_line(WORDS)} in its zoo.cfg tells more")
