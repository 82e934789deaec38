"""etcd's own servers: each asked for itself, so that a dead or frozen one costs its own row only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.api.errors import BackendError, Silent, Unreachable
from backends.api.models import (
    Detail,
    Event,
    EventKind,
    Member,
    Members,
    MemberState,
    News,
    Role,
    Seen,
    Trouble,
    differing,
)
from backends.coordination.etcd_wire import Wire, host_port, milliseconds_since

INTERVAL = 1.0
"""Seconds between two rounds."""
CALL = 1.8
"""Seconds that one member may take: with the round's own, a frozen one is told within 4 s."""
ROSTER = 3
"""Rounds between two looks at who belongs to the cluster and at its alarms."""


class Answer(Struct, frozen=True):
    """What one endpoint said of itself last. `error` is why it did not, at its latest try."""

    status: Any = None
    at: float | None = None
    as_of: datetime | None = None
    latency_ms: float | None = None
    error: BackendError | None = None


class Census:
    """What is known of a cluster between two rounds: who belongs to it, and who said what last."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.answers: dict[str, Answer] = {}
        self.roster: dict[int, Any] = {}
        self.alarms: dict[int, tuple[str, ...]] = {}
        self.cluster: str | None = None
        self.leader: int | None = None

    def targets(self, endpoints: tuple[str, ...]) -> list[str]:
        """Whom to ask: our endpoints, and each member that none of them is."""
        asked = list(endpoints)
        ours = {self._member_of(endpoint) for endpoint in endpoints}
        for number, member in self.roster.items():
            address = _client_address(member)
            if number not in ours and address is not None and address not in asked:
                asked.append(address)
        return asked

    def rows(self, endpoints: tuple[str, ...], before: Members) -> tuple[dict[str, Member], list[News]]:
        """The members now; a row that did not change visibly is the same object as before."""
        self._learn_leader()
        rows: dict[str, Member] = {}
        for target in self.targets(endpoints):
            row = self._row(target)
            if row is not None and (row.key not in rows or row.trouble is None):
                old = before.get(row.key)
                rows[row.key] = old if old is not None and _alike(old, row) else row
        return rows, self._news(before, rows)

    def _member_of(self, target: str) -> int | None:
        answer = self.answers.get(target)
        if answer is not None and answer.status is not None:
            return int(answer.status.header.member_id)
        for number, member in self.roster.items():
            if target in [_address(url) for url in member.clientURLs]:
                return number
        return None

    def _row(self, target: str) -> Member | None:
        answer = self.answers.get(target, Answer())
        number = self._member_of(target)
        if answer.status is None and answer.error is None:
            return None
        member = self.roster.get(number or 0)
        status = answer.status
        state, trouble = MemberState.UP, None
        if answer.error is not None:
            silent = isinstance(answer.error, Silent)
            state = MemberState.UNKNOWN if silent else MemberState.DOWN
            trouble = Trouble(answer.error, answer.at, answer.as_of)
        name = (member.name if member is not None else "") or target
        return Member(
            key=f"{self.source}/{number:x}" if number else f"{self.source}/{target}",
            name=name,
            source=self.source,
            role=self._role(number, status),
            state=state,
            address=target,
            version=status.version if status else None,
            db_size=status.dbSize if status else None,
            db_in_use=(status.dbSizeInUse or None) if status else None,
            raft_term=status.raftTerm if status else None,
            raft_index=status.raftIndex if status else None,
            latency_ms=answer.latency_ms if trouble is None else None,
            alarms=self.alarms.get(number or 0, ()),
            trouble=trouble,
            details=self._details(number, member, status),
        )

    def _role(self, number: int | None, status: Any) -> Role:
        if status is not None and status.isLearner:
            return Role.LEARNER
        if number is not None and number == self.leader:
            return Role.LEADER
        return Role.FOLLOWER if number is not None else Role.MEMBER

    def _details(self, number: int | None, member: Any, status: Any) -> tuple[Detail, ...]:
        voters = [m for m in self.roster.values() if not m.isLearner]
        up = sum(1 for answer in self.answers.values() if answer.status is not None and answer.error is None)
        quorum = len(voters) // 2 + 1
        details = [Detail("cluster", self.cluster), Detail("member id", f"{number:x}" if number else None)]
        if voters:
            spare = up - quorum
            more = (
                f"{spare} may fail"
                if spare > 0
                else "no further failure allowed"
                if spare == 0
                else "quorum lost"
            )
            details.append(Detail("quorum", f"{up} of {len(voters)} answer, quorum {quorum}: {more}"))
        leader = self.roster.get(self.leader or 0)
        details.append(Detail("leader", leader.name if leader is not None else None))
        if member is not None:
            details.append(Detail("peer urls", ", ".join(member.peerURLs)))
        if status is not None and status.errors:
            details.append(Detail("errors", ", ".join(status.errors)))
        return tuple(details)

    def _learn_leader(self) -> None:
        """Whom the members follow that answer now; of several opinions the one of the latest term."""
        views = [
            (answer.status.raftTerm, answer.status.leader)
            for answer in self.answers.values()
            if answer.status is not None and answer.error is None
        ]
        self.leader = (max(views)[1] or None) if views else None

    def _news(self, before: Members, rows: dict[str, Member]) -> list[News]:
        if not before:
            return []
        news: list[News] = []
        now = datetime.now(UTC)

        def tell(kind: EventKind, target: str, text: str) -> None:
            news.append(Event(now, kind, self.source, target, text, cluster=self.cluster))

        # A row by endpoint turns into one by member id once its server has answered: that is no news.
        known = {row.address for row in before.values()}
        for key, row in rows.items():
            old = before.get(key)
            if old is None and row.address not in known:
                tell(EventKind.JOINED, row.name, row.address or "")
            elif old is not None and old.state is not row.state:
                why = f": {row.trouble.error.reason}" if row.trouble else ""
                tell(EventKind.STATE, row.name, f"{old.state} → {row.state}{why}")
        now_known = {row.address for row in rows.values()}
        for key, old in before.items():
            if key not in rows and old.address not in now_known:
                tell(EventKind.LEFT, old.name, old.address or "")
        was = next((row.name for row in before.values() if row.role is Role.LEADER), None)
        leads = next((row.name for row in rows.values() if row.role is Role.LEADER), None)
        if leads is not None and was is not None and leads != was:
            tell(EventKind.LEADER, self.source, f"{was} → {leads}")
        return news


async def poll_members(wire: Wire, census: Census, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
    """The source behind `Membership.members` for etcd. Raises when no member answers."""
    await wire.ready()
    endpoints = wire.access.endpoints
    asking: dict[str, asyncio.Task[None]] = {}
    before: Members | None = last
    round_number = 0
    try:
        while True:
            start = time.monotonic()
            for target in census.targets(endpoints):
                if target not in asking:
                    asking[target] = asyncio.create_task(_ask(wire, census, target))
            await asyncio.wait(asking.values(), timeout=INTERVAL)
            ended = [target for target, task in asking.items() if task.done()]
            for target in ended:
                await asking.pop(target)
            fresh = [census.answers[t] for t in ended if census.answers[t].error is None]
            if fresh:
                if round_number % ROSTER == 0:
                    await _learn_roster(wire, census, fresh[0].status.header.cluster_id)
                round_number += 1
                rows, news = census.rows(endpoints, before or {})
                yield Seen(rows, None if before is None else differing(before, rows), tuple(news))
                before = rows
            elif all(census.answers.get(t, Answer()).error for t in endpoints) and not _alive(census):
                raise _nobody(census, endpoints)
            await asyncio.sleep(max(0.0, start + INTERVAL - time.monotonic()))
    finally:
        for task in asking.values():
            task.cancel()


async def _ask(wire: Wire, census: Census, target: str) -> None:
    start = time.monotonic()
    try:
        status = await wire.call(target, "Maintenance", "Status", wire.pb.StatusRequest(), CALL)
    except BackendError as error:
        census.answers[target] = replace(census.answers.get(target, Answer()), error=error)
        return
    latency = milliseconds_since(start)
    census.answers[target] = Answer(status, time.monotonic(), datetime.now(UTC), latency)
    wire.prefer(target)


async def _learn_roster(wire: Wire, census: Census, cluster_id: int) -> None:
    """Who belongs to the cluster, and its alarms. Without a quorum there is no answer; what was known stays."""
    census.cluster = f"{cluster_id:x}"
    pb = wire.pb
    try:
        listed, alarms = await asyncio.gather(
            wire.any("Cluster", "MemberList", pb.MemberListRequest(), CALL),
            wire.any("Maintenance", "Alarm", pb.AlarmRequest(action=0), CALL),
        )
    except BackendError:
        return
    census.roster = {member.ID: member for member in listed.members}
    found: dict[int, list[str]] = {}
    for alarm in alarms.alarms:
        found.setdefault(alarm.memberID, []).append(pb.AlarmType.Name(alarm.alarm))
    census.alarms = {number: tuple(names) for number, names in found.items()}


def _alive(census: Census) -> bool:
    return any(a.error is None and a.at and time.monotonic() - a.at < 2 * CALL for a in census.answers.values())


def _nobody(census: Census, endpoints: tuple[str, ...]) -> BackendError:
    """Why nobody answers: the one reason where all have the same, else each with its own."""
    errors = {endpoint: census.answers[endpoint].error for endpoint in endpoints}
    known = [error for error in errors.values() if error is not None]
    first = known[0] if known else Unreachable("no answer")
    if len({type(error) for error in known}) == 1 and len({error.reason for error in known}) == 1:
        return type(first)(first.reason, where=", ".join(endpoints), hint=first.hint)
    text = "; ".join(f"{where} {error.reason}" for where, error in errors.items() if error is not None)
    return Unreachable(text, hint=first.hint)


def _alike(old: Member, new: Member) -> bool:
    """Whether nothing differs that a reader would call a difference: a round trip is never the same twice."""
    if old.latency_ms is None or new.latency_ms is None:
        return old == new
    near = abs(old.latency_ms - new.latency_ms) < max(1.0, 0.2 * old.latency_ms)
    return near and replace(new, latency_ms=old.latency_ms) == old


def _client_address(member: Any) -> str | None:
    return _address(member.clientURLs[0]) if member.clientURLs else None


def _address(url: str) -> str | None:
    try:
        return host_port(url)[0]
    except BackendError:
        return None
