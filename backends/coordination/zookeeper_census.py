"""What is known of a ZooKeeper ensemble between two rounds of questions, as rows and news. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backends.api.details import Detail
from backends.api.members import Member, Role
from backends.api.quorum import Quorum
from backends.coordination.census import Answer, Belonging, Census, pending, state_of
from backends.coordination.zookeeper_access import WORDS, NotServing
from backends.coordination.zookeeper_words import READ_ONLY, Conf, Peer, Status, whitelist_line

Servers = Mapping[int | str, list[str]]
"""The addresses at which each server is asked, by its number, or by its address where that is not known."""


class ZookeeperAnswer(Answer, frozen=True):
    """`looking` is since when it answers and serves nobody (monotonic seconds), `electing` whether that is so
    short that it may be an election."""

    status: Status | None = None
    conf: Conf = Conf()
    looking: float | None = None
    electing: bool = False

    @property
    def spoke(self) -> bool:
        return self.error is None or isinstance(self.error, NotServing)

    @property
    def led(self) -> bool:
        """Whether it says that it has a leader, or needs none."""
        return self.error is None and self.status is not None and self.status.role is not None

    @property
    def leaderless(self) -> bool:
        """Whether it says that it has no leader."""
        if self.error is None:
            return self.status is not None and self.status.mode == READ_ONLY
        return isinstance(self.error, NotServing) and not self.electing


class ZookeeperCensus(Census[ZookeeperAnswer, str]):
    """A server is known by the address at which it is asked. Its number and its fellows are in its `conf`, where
    that word is whitelisted, or in `/zookeeper/config`, which is empty on a static ensemble."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.config = Conf()
        self.reached: dict[str, str] = {}
        """The `IP:port` at which an address was reached last: two that are one server are known by it."""

    def learn(self, config: Conf) -> None:
        """What `/zookeeper/config` says now; nothing on a static ensemble."""
        self.config = config

    def addresses(self, endpoints: tuple[str, ...]) -> list[str]:
        known = {self._number(endpoint) for endpoint in endpoints}
        learned = [p.client for p in self.peers() if p.number not in known and p.client is not None]
        return list(dict.fromkeys((*endpoints, *learned)))

    def peers(self) -> tuple[Peer, ...]:
        """The ensemble's servers by the latest configuration that is told now. A server that is gone, or serves
        nobody, goes by the one that it had; that counts only where nobody else tells one."""
        now = [answer.conf for answer in self.answers.values() if answer.error is None]
        then = [answer.conf for answer in self.answers.values() if answer.error is not None]
        for told in ((*now, self.config), then):
            known = [conf for conf in told if conf.peers]
            if known:
                return max(known, key=lambda conf: conf.version).peers
        return ()

    def _found(self, endpoints: tuple[str, ...]) -> Iterable[Member]:
        asked = self.addresses(endpoints)
        servers: dict[int | str, list[str]] = {}
        for address in asked:
            servers.setdefault(self._server(address), []).append(address)
        fresh = {t: a.status for t in asked if (a := self._answer(t)).error is None and a.status is not None}
        quorum = self._quorum(servers)
        led = self._led(servers, quorum)
        self._note_leader(led, quorum=quorum)
        leader = self._learn_leader(fresh if led else {})
        shared = tuple(self._shared(servers))
        for addresses in servers.values():
            # The best word of one that is asked at several addresses; its key stays the first of them.
            spoke = [t for t in addresses if self._answer(t).spoke]
            address = min(spoke, key=lambda t: self._answer(t).error is not None, default=addresses[0])
            yield self._row(addresses[0], address, leader, quorum, shared)

    def _answer(self, address: str) -> ZookeeperAnswer:
        return self.answers.get(address) or ZookeeperAnswer(error=pending(address))

    def _row(
        self, key: str, address: str, leader: Status | None, quorum: Quorum | None, shared: tuple[Detail, ...]
    ) -> Member:
        answer = self._answer(address)
        status = answer.status or Status()
        state, trouble = state_of(answer, None if answer.electing else answer.error)
        serving = answer.error is None
        return Member(
            key=f"{self.source}/{key}",
            name=self._name(address),
            source=self.source,
            role=self._role(address, answer),
            state=state,
            address=address,
            version=status.version,
            zxid=status.zxid,
            lag=_lag(status, leader) if serving else None,
            connections=status.connections if serving else None,
            latency_ms=answer.latency_ms if serving else None,
            quorum=quorum,
            leader=None if self._leader is None else self._name(self._leader),
            leaderless=self._leaderless,
            trouble=trouble,
            details=(*_details(status, serving=serving), *shared),
        )

    def _role(self, address: str, answer: ZookeeperAnswer) -> Role | None:
        """Its own word; one that lost its leader, or leads nobody any more, is a member and no more. Who
        observes is in the ensemble's own list; whether one that does not answer leads, only itself could say."""
        if not answer.spoke:
            number = self._number(address)
            votes = next((peer.votes for peer in self.peers() if peer.number == number), True)
            return None if votes else Role.OBSERVER
        role = answer.status.role if answer.status is not None else None
        if role is None or answer.error is not None:
            return Role.MEMBER
        leads = self._leader is not None and self._same(address, self._leader)
        return Role.MEMBER if role is Role.LEADER and not leads else role

    def _shared(self, servers: Servers) -> Iterable[Detail]:
        """What is true of the ensemble as a whole, in every row."""
        peers = self.peers()
        unknown = [f"server.{peer.number} at {peer.host}" for peer in peers if peer.number not in servers]
        if unknown and len(peers) > len(servers):
            yield Detail("not watched", f"{', '.join(unknown)}: add it to hosts")

    def _quorum(self, servers: Servers) -> Quorum | None:
        votes = {peer.number: peer.votes for peer in self.peers()}
        told = max((a.status.voters or 0 for a in self.answers.values() if a.status is not None), default=0)
        voters = sum(votes.values()) or told
        if voters < 2:
            return None
        named = [servers[number] for number, vote in votes.items() if vote and number in servers]
        # One whose number nobody tells is one of those that are missing, if any is.
        others = [
            addresses
            for server, addresses in servers.items()
            if not (votes and isinstance(server, int)) and not any(map(self._observes, addresses))
        ]
        room = voters - len(named)
        up = self._answering(named) + min(room, self._answering(others))
        return Quorum(voters, up, hidden=max(0, room - len(others)))

    def _answering(self, servers: Iterable[list[str]]) -> int:
        """How many are not `down`: one that serves nobody is, unless that may be an election."""
        return sum(any(self._answer(t).error is None or self._answer(t).electing for t in s) for s in servers)

    def _led(self, servers: Servers, quorum: Quorum | None) -> bool | None:
        """A server that follows or observes proves that somebody leads, whether or not we ask that one; where
        all of the ensemble is asked, most of those who answer must say so, or a quorum: one that was frozen does
        not know yet that it leads, or follows, no more. One that looks for a leader in vain knows only of
        itself: all of the ensemble must be asked."""
        spoken = [[a for t in addresses if (a := self._answer(t)).spoke] for addresses in servers.values()]
        led = sum(any(answer.led for answer in answers) for answers in spoken)
        hidden = len(servers) < 2 if quorum is None else quorum.hidden > 0
        if led and (hidden or 2 * led > sum(map(bool, spoken)) or (quorum is not None and led >= quorum.needed)):
            return True
        if hidden:
            return None
        return False if any(answer.leaderless for answers in spoken for answer in answers) else None

    def _observes(self, address: str) -> bool:
        status = self._answer(address).status
        return status is not None and status.role is Role.OBSERVER

    def _number(self, address: str) -> int | None:
        told = self._answer(address).conf.number
        if told is not None:
            return told
        own = {address, self.reached.get(address, address)}
        for peer in self.peers():
            if peer.client is not None and own & {peer.client, self.reached.get(peer.client, peer.client)}:
                return peer.number
        return None

    def _server(self, address: str) -> int | str:
        number = self._number(address)
        return self.reached.get(address, address) if number is None else number

    def _name(self, address: str) -> str:
        number = self._number(address)
        return address if number is None else f"server.{number}"

    def _learn_leader(self, fresh: Mapping[str, Status]) -> Status | None:
        """Who says that it leads; of several the one of the latest epoch."""
        leading = [
            (status.epoch or 0, address) for address, status in fresh.items() if status.role is Role.LEADER
        ]
        self._leader = max(leading)[1] if leading else None
        return fresh[self._leader] if self._leader is not None else None

    def _named(self, leader: str) -> str:
        return self._name(leader)

    def _same(self, leader: str, other: str) -> bool:
        """The leader is known by where it is asked; that may be another address of the same server."""
        return self._server(leader) == self._server(other)

    def _belonging(self) -> Belonging:
        return {peer.number: (f"server.{peer.number}", f"at {peer.host}") for peer in self.peers()}


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
