"""What is known of an etcd cluster between two rounds of questions, as rows and news. No I/O."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from backends.api.details import Detail
from backends.api.errors import BackendError, BadReply, NotFound
from backends.api.members import Member, Role
from backends.api.quorum import Quorum
from backends.coordination.census import Answer, Belonging, Census, pending, state_of
from backends.coordination.etcd_wire import client_address

HANDED_OVER = 1.5
"""Seconds from which on it is no hand-over any more that there is no leader: the next round sees it as well."""
_ALARM = re.compile(r"memberID:(\d+) alarm:(\w+)")


class EtcdCensus(Census[Answer, int]):
    """An answer's `status` is a StatusResponse. A member is known by its id. Rows of endpoints that have never
    answered, and that no member advertises, are known by their address."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.roster: dict[int, Any] = {}
        self._alarmed: dict[int, datetime] = {}

    def forget(self) -> None:
        """Another cluster has taken this one's place."""
        self.answers.clear()
        self.roster, self.cluster = {}, None
        self._leader = self._told_leader = None
        self._told = {}
        self._lost, self._doubted, self._told_lost, self._without = None, None, False, 0.0

    def addresses(self, endpoints: tuple[str, ...]) -> list[str]:
        asked = list(endpoints)
        ours = {self._member_of(endpoint) for endpoint in endpoints}
        for number, member in self.roster.items():
            address = _client_address(member)
            if number not in ours and address is not None and address not in asked:
                asked.append(address)
        return asked

    def _found(self, endpoints: tuple[str, ...]) -> Iterable[Member]:
        fresh = [answer for answer in self.answers.values() if answer.status is not None and answer.error is None]
        alarms = self._alarms(fresh)
        quorum = self._quorum(fresh)
        self._learn_leader(fresh, quorum)
        found: dict[int | str, Member] = {}
        for address in self.addresses(endpoints):
            number = self._member_of(address)
            answer = self.answers.get(address, Answer(error=pending(address)))
            row = self._row(number, address, answer, alarms.get(number or 0, ()), quorum)
            same = found.get(number or address)
            if same is None or (same.trouble is not None and row.trouble is None):
                found[number or address] = row
        for number, member in self.roster.items():
            if number not in found:
                unasked = Answer(error=_why_unasked(member))
                found[number] = self._row(
                    number, _client_address(member), unasked, alarms.get(number, ()), quorum
                )
        return found.values()

    def _member_of(self, address: str) -> int | None:
        answer = self.answers.get(address)
        if answer is not None and answer.status is not None:
            number = int(answer.status.header.member_id)
            # One that was removed keeps its endpoint's row, and is no member any more.
            return number if number in self.roster or not self.roster else None
        for number, member in self.roster.items():
            if address in [_address(url) for url in member.clientURLs]:
                return number
        return None

    def _row(
        self,
        number: int | None,
        address: str | None,
        answer: Answer,
        alarms: tuple[str, ...],
        quorum: Quorum | None,
    ) -> Member:
        member = self.roster.get(number or 0)
        status = answer.status
        state, trouble = state_of(answer, answer.error)
        return Member(
            key=f"{self.source}/{number:x}" if number else f"{self.source}/{address}",
            name=self._name(number) or address or "(not started)",
            source=self.source,
            role=self._role(number, answer),
            state=state,
            address=address,
            version=status.version if status else None,
            db_size=status.dbSize if status else None,
            db_in_use=(status.dbSizeInUse or None) if status else None,
            raft_term=status.raftTerm if status else None,
            raft_index=status.raftIndex if status else None,
            latency_ms=answer.latency_ms if trouble is None else None,
            alarms=alarms,
            alarmed=self._alarmed.get(number or 0),
            cluster=self.cluster,
            quorum=quorum,
            leader=self._named(self._leader) if self._leader else None,
            leaderless=self._leaderless,
            trouble=trouble,
            details=tuple(self._details(number, member, status)),
        )

    def _name(self, number: int | None) -> str | None:
        member = self.roster.get(number or 0)
        return (member.name or None) if member is not None else None

    def _role(self, number: int | None, answer: Answer) -> Role | None:
        """A cluster of one is led by itself, in etcd's words too: `leader`, not `standalone`. Who learns is in
        the cluster's own list; whether one that does not answer leads or follows, only itself could say now."""
        member, status = self.roster.get(number or 0), answer.status
        if (member is not None and member.isLearner) or (status is not None and status.isLearner):
            return Role.LEARNER
        if answer.error is not None:
            return None
        if number is not None and number == self._leader:
            return Role.LEADER
        return Role.FOLLOWER if number is not None else Role.MEMBER

    def _details(self, number: int | None, member: Any, status: Any) -> Iterable[Detail]:
        yield Detail("member id", f"{number:x}" if number else None)
        if status is not None:
            yield Detail("applied index", status.raftAppliedIndex or None)
        if member is not None:
            yield Detail("peer urls", ", ".join(member.peerURLs))
            yield Detail("client urls", ", ".join(member.clientURLs))
        errors = [text for text in status.errors if not _ALARM.search(text)] if status is not None else []
        if errors:
            yield Detail("errors", ", ".join(errors))

    def _voters(self) -> set[int]:
        return {number for number, member in self.roster.items() if not member.isLearner}

    def _quorum(self, fresh: list[Answer]) -> Quorum | None:
        voters = self._voters()
        if not voters:
            return None
        up = len(voters & {int(answer.status.header.member_id) for answer in fresh})
        return Quorum(len(voters), up)

    def _learn_leader(self, fresh: list[Answer], quorum: Quorum | None) -> None:
        """Whom the members follow that answer now. Those that vote, where any of them does."""
        voters = self._voters()
        own = {int(a.status.header.member_id): (a.status.raftTerm, a.status.leader) for a in fresh}
        views = [view for number, view in own.items() if number in voters] or list(own.values())
        needed = len(views) // 2 + 1 if quorum is None else quorum.needed
        unheard = 0 if quorum is None else quorum.voters - quorum.up
        self._leader = _led_by(views, needed)
        known = bool(views) and (self._leader is not None or not _may_be_led(views, needed, unheard))
        self._note_leader(self._leader is not None if known else None, quorum=quorum)

    @property
    def _leaderless(self) -> datetime | None:
        """Not yet where that may be a hand-over, which some have heard of and others have not."""
        if self._lost is None or time.monotonic() - self._lost.monotonic < HANDED_OVER:
            return None
        return self._lost.wall

    def _alarms(self, fresh: list[Answer]) -> dict[int, tuple[str, ...]]:
        """Alarms by member, from what each member's Status lists as errors (etcd ≥ 3.4). Asking for the list
        itself is a write to the raft log, even when nothing changes."""
        found: dict[int, dict[str, None]] = {}
        for answer in fresh:
            for text in answer.status.errors:
                for number, alarm in _ALARM.findall(text):
                    found.setdefault(int(number), {})[alarm] = None
        now = datetime.now(UTC)
        self._alarmed = {number: self._alarmed.get(number, now) for number in found}
        return {number: tuple(sorted(alarms)) for number, alarms in found.items()}

    def _named(self, leader: int) -> str:
        return self._name(leader) or self._told.get(leader, ("", ""))[0] or f"{leader:x}"

    def _belonging(self) -> Belonging:
        """Who has not started yet has no name."""
        return {n: (member.name or f"{n:x}", f"member {n:x}") for n, member in self.roster.items()}


def _led_by(views: list[tuple[int, int]], quorum: int) -> int | None:
    """Whom members follow, each of whom names its term and its leader (0: none). In the latest term that is
    somebody whom most of it name: one that was frozen, and does not know yet that it leads no more, is named by
    itself alone. In an earlier one, whom a quorum names: who is cut off may be terms ahead, and leads nobody."""
    named = Counter(view for view in views if view[1])
    latest = max((term for term, _ in views), default=0)
    for (term, leader), count in sorted(named.items(), reverse=True):
        of_term = sum(other == term for other, _ in views)
        if count >= quorum or (term == latest and 2 * count > of_term):
            return leader
    return None


def _may_be_led(views: list[tuple[int, int]], needed: int, unheard: int) -> bool:
    """Whether one that anybody names may lead a quorum for all that is known: with all the voters that do not
    answer us, and may well answer it."""
    return any(count + unheard >= needed for (_, leader), count in Counter(views).items() if leader)


def _why_unasked(member: Any) -> BackendError:
    address = _client_address(member)
    if address is None:
        return NotFound("it has told no client address", hint="added to the cluster and not started yet?")
    return BadReply("its advertised address leads to another member", where=address)


def _client_address(member: Any) -> str | None:
    return _address(member.clientURLs[0]) if member.clientURLs else None


def _address(url: str) -> str | None:
    try:
        return client_address(url)[0]
    except BackendError:
        return None
