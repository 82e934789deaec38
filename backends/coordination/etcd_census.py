"""What is known of an etcd cluster between two rounds of questions, as rows and news. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.api.errors import BackendError, BadReply, NotFound, Silent
from backends.api.models import Detail, Event, EventKind, Member, Members, MemberState, News, Role, Trouble
from backends.coordination.cluster import alike, quorum_of
from backends.coordination.etcd_wire import host_port

_ALARM = re.compile(r"memberID:(\d+) alarm:(\w+)")
_PENDING = "no answer yet"


class Answer(Struct, frozen=True):
    """What one endpoint said of itself last. `error` is why it did not, at its latest try."""

    status: Any = None
    at: float | None = None
    as_of: datetime | None = None
    latency_ms: float | None = None
    error: BackendError | None = None


class Census:
    """Who belongs to a cluster, who said what last, and what of it was told as news.

    A member is known by its id. Rows of endpoints that have never answered, and that no member advertises, are
    known by their address.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.answers: dict[str, Answer] = {}
        self.roster: dict[int, Any] = {}
        self.cluster: str | None = None
        self._leader: int | None = None
        self._told_leader: int | None = None
        self._told_names: dict[int, str] = {}

    def forget(self) -> None:
        """Another cluster has taken this one's place."""
        self.answers.clear()
        self.roster, self.cluster = {}, None
        self._leader = self._told_leader = None
        self._told_names = {}

    def targets(self, endpoints: tuple[str, ...]) -> list[str]:
        """Whom to ask: our endpoints, and each member that none of them is."""
        asked = list(endpoints)
        ours = {self._member_of(endpoint) for endpoint in endpoints}
        for number, member in self.roster.items():
            address = _client_address(member)
            if number not in ours and address is not None and address not in asked:
                asked.append(address)
        return asked

    def rows(
        self, endpoints: tuple[str, ...], before: Members, *, after_gap: bool
    ) -> tuple[dict[str, Member], list[News]]:
        """The members now, and what is news. A row that did not change visibly is the same object as before."""
        fresh = [answer for answer in self.answers.values() if answer.status is not None and answer.error is None]
        self._learn_leader(fresh)
        alarms = _alarms(fresh)
        quorum = self._quorum(fresh)
        found: dict[int | str, Member] = {}
        for target in self.targets(endpoints):
            number = self._member_of(target)
            answer = self.answers.get(target, Answer(error=Silent(_PENDING, where=target)))
            row = self._row(number, target, answer, alarms.get(number or 0, ()), quorum)
            same = found.get(number or target)
            if same is None or (same.trouble is not None and row.trouble is None):
                found[number or target] = row
        for number, member in self.roster.items():
            if number not in found:
                unasked = Answer(error=_why_unasked(member))
                address = _client_address(member)
                found[number] = self._row(number, address, unasked, alarms.get(number, ()), quorum)
        rows: dict[str, Member] = {}
        for row in found.values():
            old = before.get(row.key)
            rows[row.key] = old if old is not None and alike(old, row) else row
        news = (*self._states(before, rows), *self._membership(), *self._leadership())
        return rows, [replace(event, after_gap=after_gap) for event in news]

    def _member_of(self, target: str) -> int | None:
        answer = self.answers.get(target)
        if answer is not None and answer.status is not None:
            number = int(answer.status.header.member_id)
            # One that was removed keeps its endpoint's row, and is no member any more.
            return number if number in self.roster or not self.roster else None
        for number, member in self.roster.items():
            if target in [_address(url) for url in member.clientURLs]:
                return number
        return None

    def _row(
        self,
        number: int | None,
        address: str | None,
        answer: Answer,
        alarms: tuple[str, ...],
        quorum: Detail | None,
    ) -> Member:
        member = self.roster.get(number or 0)
        status = answer.status
        state, trouble = MemberState.UP, None
        if answer.error is not None:
            state = MemberState.UNKNOWN if isinstance(answer.error, Silent | BadReply) else MemberState.DOWN
            trouble = Trouble(answer.error, answer.at, answer.as_of)
        return Member(
            key=f"{self.source}/{number:x}" if number else f"{self.source}/{address}",
            name=self._name(number) or address or "(not started)",
            source=self.source,
            role=self._role(number, member, status),
            state=state,
            address=address,
            version=status.version if status else None,
            db_size=status.dbSize if status else None,
            db_in_use=(status.dbSizeInUse or None) if status else None,
            raft_term=status.raftTerm if status else None,
            raft_index=status.raftIndex if status else None,
            latency_ms=answer.latency_ms if trouble is None else None,
            alarms=alarms,
            trouble=trouble,
            details=tuple(self._details(number, member, status, quorum)),
        )

    def _name(self, number: int | None) -> str | None:
        member = self.roster.get(number or 0)
        return (member.name or None) if member is not None else None

    def _role(self, number: int | None, member: Any, status: Any) -> Role:
        """A cluster of one is led by itself, in etcd's words too: `leader`, not `standalone`."""
        if (member is not None and member.isLearner) or (status is not None and status.isLearner):
            return Role.LEARNER
        if number is not None and number == self._leader:
            return Role.LEADER
        return Role.FOLLOWER if number is not None else Role.MEMBER

    def _details(self, number: int | None, member: Any, status: Any, quorum: Detail | None) -> Iterable[Detail]:
        yield Detail("cluster", self.cluster)
        yield Detail("member id", f"{number:x}" if number else None)
        if quorum is not None:
            yield quorum
        yield Detail("leader", self._named(self._leader) if self._leader else None)
        if status is not None:
            yield Detail("raft applied index", status.raftAppliedIndex or None)
        if member is not None:
            yield Detail("peer urls", ", ".join(member.peerURLs))
            yield Detail("client urls", ", ".join(member.clientURLs))
        errors = [text for text in status.errors if not _ALARM.search(text)] if status is not None else []
        if errors:
            yield Detail("errors", ", ".join(errors))

    def _quorum(self, fresh: list[Answer]) -> Detail | None:
        voters = {number for number, member in self.roster.items() if not member.isLearner}
        if not voters:
            return None
        up = len(voters & {int(answer.status.header.member_id) for answer in fresh})
        return quorum_of(up, len(voters))

    def _learn_leader(self, fresh: list[Answer]) -> None:
        """Whom the members follow that answer now; of several opinions the one of the latest term."""
        views = [(answer.status.raftTerm, answer.status.leader) for answer in fresh]
        self._leader = (max(views)[1] or None) if views else None

    def _named(self, number: int) -> str:
        return self._name(number) or self._told_names.get(number) or f"{number:x}"

    def _tell(self, kind: EventKind, target: str, text: str, *, bad: bool = False) -> Event:
        return Event(datetime.now(UTC), kind, self.source, target, text, cluster=self.cluster, bad=bad)

    def _states(self, before: Members, rows: Mapping[str, Member]) -> Iterable[Event]:
        # A row by address turns into one by member id once its server has answered.
        by_address = {row.address: row for row in before.values() if row.address is not None}
        for key, row in rows.items():
            old = before.get(key) or by_address.get(row.address or "")
            pending = old is not None and old.trouble is not None and old.trouble.error.reason == _PENDING
            if old is not None and not pending and old.state is not row.state:
                why = f": {row.trouble.error.reason}" if row.trouble else ""
                bad = row.state is not MemberState.UP
                yield self._tell(EventKind.STATE, row.name, f"{old.state} → {row.state}{why}", bad=bad)

    def _membership(self) -> list[Event]:
        """Who joined and left since it was told last. What is there at the beginning is no news."""
        if not self.roster:
            return []
        names = {number: member.name for number, member in self.roster.items()}
        told, self._told_names = self._told_names, {**self._told_names, **names}
        joined = (names.keys() - told.keys()) if told else set()
        left = told.keys() - names.keys()
        news = [self._tell(EventKind.JOINED, self._named(n), f"member {n:x}") for n in joined]
        news += [self._tell(EventKind.LEFT, self._named(n), f"member {n:x}") for n in left]
        self._told_names = names
        return news

    def _leadership(self) -> list[Event]:
        """One event for a change of leader, told when the new one is known."""
        if self._leader is None or self._leader == self._told_leader:
            return []
        before, self._told_leader = self._told_leader, self._leader
        if before is None:
            return []
        return [self._tell(EventKind.LEADER, self.source, f"{self._named(before)} → {self._named(self._leader)}")]


def _alarms(fresh: list[Answer]) -> dict[int, tuple[str, ...]]:
    """Alarms by member, from what each member's Status lists as errors (etcd ≥ 3.4). Asking for the list itself
    is a write to the raft log, even when nothing changes."""
    found: dict[int, dict[str, None]] = {}
    for answer in fresh:
        for text in answer.status.errors:
            for number, alarm in _ALARM.findall(text):
                found.setdefault(int(number), {})[alarm] = None
    return {number: tuple(sorted(alarms)) for number, alarms in found.items()}


def _why_unasked(member: Any) -> BackendError:
    address = _client_address(member)
    if address is None:
        return NotFound("it has told no client address", hint="added to the cluster and not started yet?")
    return BadReply("its advertised address leads to another member", where=address)


def _client_address(member: Any) -> str | None:
    return _address(member.clientURLs[0]) if member.clientURLs else None


def _address(url: str) -> str | None:
    try:
        return host_port(url)[0]
    except BackendError:
        return None
