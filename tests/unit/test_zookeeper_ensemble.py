"""An ensemble as its census knows it: who belongs to it, who is one server, and whether somebody leads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backends.api.errors import Silent, Unreachable
from backends.api.events import Event, EventKind
from backends.api.members import Member, MemberState, Role
from backends.api.readings import FeedKey, Reading, State
from backends.coordination.zookeeper_access import NotServing
from backends.coordination.zookeeper_census import ZookeeperAnswer, ZookeeperCensus
from backends.coordination.zookeeper_words import Conf, Peer, Status, parse_conf
from backends.incident.problems import Now
from tui.screens.overview.source_lines import source_lines

NOBODY = NotServing("it answers and serves nobody: no leader, or no quorum")
GONE = Unreachable("connection refused")


def conf(number: int | None, *numbers: int, version: int = 0) -> Conf:
    return Conf(number, tuple(Peer(n, f"h{n}", True, f"h{n}:2181") for n in numbers), version)


class Ensemble:
    """A census that is asked about `hosts`; each server's answers are as the test has them."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.census = ZookeeperCensus("zookeeper/main")
        self.known: dict[str, Member] = {}

    def says(self, host: str, role: Role, own: Conf | None = None) -> None:
        status = Status(role=role, mode=role.value, zxid=1 << 32)
        self.census.answers[host] = ZookeeperAnswer(status=status, at=1.0, conf=own or Conf())

    def fails(self, host: str, error: Unreachable, **more: Any) -> None:
        own = self.census.answers[host].conf if host in self.census.answers else Conf()
        self.census.answers[host] = ZookeeperAnswer(error=error, conf=own, **more)

    def look(self) -> list[Member]:
        self.known, self.news = self.census.rows(self.hosts, self.known, after_gap=False)
        return list(self.known.values())

    def told(self) -> list[tuple[EventKind, str]]:
        return [(item.kind, item.target) for item in self.news if isinstance(item, Event)]

    def vital_sign(self) -> str:
        reading: Reading[Any] = Reading(State.LIVE, self.known, 1.0)
        ((_, entry),) = source_lines(
            {FeedKey("zookeeper/main", "members"): reading}, {}, Now(1.0, datetime.now(UTC))
        )
        return "".join(text for text, _ in entry.parts)


@pytest.mark.parametrize("hosts", [["h2:2181"], ["h2:2181", "h3:2181"]])
def test_one_that_follows_proves_that_somebody_leads(hosts: list[str]) -> None:
    """A static ensemble, of which only some are asked: neither says who the others are."""
    some = Ensemble(*hosts)
    for host in hosts:
        some.says(host, Role.FOLLOWER)
    assert [row.leaderless for row in some.look()] == [None] * len(hosts)
    assert "leader not in hosts" in some.vital_sign()


def test_a_leader_that_has_just_fallen_silent_is_not_said_to_be_missing_from_hosts() -> None:
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    three.says("h2:2181", Role.FOLLOWER)
    three.says("h3:2181", Role.FOLLOWER)
    three.fails("h1:2181", Silent("no answer in 1.8 s"))
    assert {row.leaderless for row in three.look()} == {None}
    assert "leader not known" in three.vital_sign()


def test_of_one_that_does_not_answer_it_is_known_that_it_has_no_vote_and_no_more() -> None:
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    peers = (Peer(1, "h1", True, None), Peer(2, "h2", True, None), Peer(3, "h3", False, None))
    for number, role in enumerate((Role.FOLLOWER, Role.LEADER, Role.OBSERVER), start=1):
        three.says(f"h{number}:2181", role, Conf(number, peers))
    three.look()
    three.fails("h1:2181", GONE)
    three.fails("h3:2181", Silent("no answer in 1.8 s"))
    assert [row.role for row in three.look()] == [None, Role.LEADER, Role.OBSERVER]
    assert EventKind.LEADER not in [kind for kind, _ in three.told()]
    # It answers, and says that it has no leader.
    three.fails("h1:2181", NOBODY, looking=1.0)
    assert three.look()[0].role is Role.MEMBER


def test_one_alone_has_no_leader_and_needs_none() -> None:
    one = Ensemble("h1:2181")
    one.says("h1:2181", Role.STANDALONE)
    (row,) = one.look()
    assert (row.leaderless, row.quorum) == (None, None)
    assert "lead" not in one.vital_sign()


def test_no_leader_is_said_when_all_are_asked_and_those_who_answer_look_in_vain() -> None:
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    three.fails("h1:2181", NOBODY, looking=1.0, electing=True)
    three.fails("h2:2181", GONE)
    three.fails("h3:2181", GONE)
    assert {row.leaderless for row in three.look()} == {None}
    three.fails("h1:2181", NOBODY, looking=1.0)
    since = {row.leaderless for row in three.look()}
    assert None not in since
    assert {row.leaderless for row in three.look()} == since
    assert "no leader" in three.vital_sign()
    three.says("h1:2181", Role.FOLLOWER)
    assert {row.leaderless for row in three.look()} == {None}


def test_a_leader_that_wakes_while_the_others_look_in_vain_is_none() -> None:
    """h3 is dead, h1 was frozen and takes itself for the leader still."""
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 1 else Role.FOLLOWER, conf(n, 1, 2, 3))
    three.look()
    three.fails("h1:2181", Silent("no answer"))
    three.fails("h2:2181", NOBODY, looking=1.0)
    three.fails("h3:2181", GONE)
    (since,) = {row.leaderless for row in three.look()}
    assert since is not None
    three.says("h1:2181", Role.LEADER, conf(1, 1, 2, 3))
    rows = three.look()
    assert {(row.leaderless, row.leader) for row in rows} == {(since, None)}
    assert rows[0].role is Role.MEMBER
    assert EventKind.LEADER not in [kind for kind, _ in three.told()]
    # That it elects now is no word of a leader either.
    for n in (1, 2):
        three.fails(f"h{n}:2181", NOBODY, looking=2.0, electing=True)
    assert {row.leaderless for row in three.look()} == {since}
    three.says("h1:2181", Role.LEADER, conf(1, 1, 2, 3))
    three.says("h2:2181", Role.FOLLOWER, conf(2, 1, 2, 3))
    assert {(row.leaderless, row.leader) for row in three.look()} == {(None, "server.1")}


def test_without_a_leader_since_the_quorum_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is left follows a leader that is frozen for as long as its syncLimit lasts."""
    now = 100.0
    monkeypatch.setattr("backends.coordination.census.time.monotonic", lambda: now)
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 1 else Role.FOLLOWER, conf(n, 1, 2, 3))
    three.look()
    three.fails("h1:2181", Silent("no answer"))
    three.fails("h2:2181", Silent("no answer"))
    assert {row.leaderless for row in three.look()} == {None}
    now += 6.0
    three.fails("h3:2181", NOBODY, looking=105.0)
    assert None not in {row.leaderless for row in three.look()}
    assert [e.text for e in three.news if isinstance(e, Event) and e.kind is EventKind.LEADER] == [
        "server.1 → no leader: for 6 s"
    ]
    now += 4.0
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 1 else Role.FOLLOWER, conf(n, 1, 2, 3))
    three.look()
    assert [e.text for e in three.news if isinstance(e, Event) and e.kind is EventKind.LEADER] == [
        "server.1 → server.1 (no leader for 10 s)"
    ]


def test_who_is_down_is_not_among_those_who_answer() -> None:
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 1 else Role.FOLLOWER, conf(n, 1, 2, 3))
    three.fails("h3:2181", NOBODY, looking=1.0, electing=True)
    assert three.look()[2].state is MemberState.UP
    assert {str(row.quorum) for row in three.look()} == {"3 of 3 answer, quorum 2: 1 more may fail"}
    three.fails("h3:2181", NOBODY, looking=1.0)
    assert three.look()[2].state is MemberState.DOWN
    assert {str(row.quorum) for row in three.look()} == {"2 of 3 answer, quorum 2: no further failure allowed"}


@pytest.mark.parametrize("own", [conf(1, 1, 2, 3), Conf()], ids=["the others are known", "nothing is known"])
def test_one_that_looks_in_vain_does_not_speak_for_those_that_are_not_asked(own: Conf) -> None:
    one = Ensemble("h1:2181")
    # A static ensemble does not tell where the others serve.
    static = Conf(own.number, tuple(Peer(peer.number, peer.host, True, None) for peer in own.peers))
    one.says("h1:2181", Role.FOLLOWER, static)
    one.look()
    one.fails("h1:2181", NOBODY, looking=1.0)
    assert [row.leaderless for row in one.look()] == [None]


@pytest.mark.parametrize("new", [2, 1], ids=["dynamic", "static"])
def test_a_dead_server_does_not_hold_its_configuration_up(new: int) -> None:
    """h1 → h4 by a reconfiguration, then h1 dies: the others know better than it did."""
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 2 else Role.FOLLOWER, conf(n, 1, 2, 3, version=1))
    three.look()
    three.fails("h1:2181", GONE)
    for n in (2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 2 else Role.FOLLOWER, conf(n, 2, 3, 4, version=new))
    assert "h4:2181" in three.census.addresses(three.hosts)
    three.says("h4:2181", Role.FOLLOWER, conf(4, 2, 3, 4, version=new))
    rows = three.look()
    assert (EventKind.JOINED, "server.4") in three.told()
    assert (EventKind.LEFT, "server.1") in three.told()
    assert [row.name for row in rows if row.state is MemberState.UP] == ["server.2", "server.3", "server.4"]
    assert {str(row.quorum) for row in rows} == {"3 of 3 answer, quorum 2: 1 more may fail"}


def test_one_that_has_left_and_serves_nobody_does_not_bring_its_configuration_back() -> None:
    """All others are gone, and it was started again."""
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 2 else Role.FOLLOWER, conf(n, 2, 3, 4, version=2))
    three.says("h1:2181", Role.FOLLOWER, conf(1, 1, 2, 3, version=1))
    three.look()
    three.fails("h1:2181", NOBODY, looking=1.0)
    for n in (2, 3):
        three.fails(f"h{n}:2181", GONE)
    three.look()
    assert [kind for kind, _ in three.told() if kind is not EventKind.STATE] == []


def test_a_server_that_has_left_and_runs_on_is_not_counted() -> None:
    three = Ensemble("h1:2181", "h2:2181", "h3:2181")
    for n in (1, 2, 3):
        three.says(f"h{n}:2181", Role.LEADER if n == 2 else Role.FOLLOWER, conf(n, 2, 3, 4, version=2))
    three.says("h4:2181", Role.FOLLOWER, conf(4, 2, 3, 4, version=2))
    assert {str(row.quorum) for row in three.look()} == {"3 of 3 answer, quorum 2: 1 more may fail"}


def test_of_several_that_answer_the_newest_configuration_counts() -> None:
    two = Ensemble("h1:2181", "h2:2181")
    two.says("h1:2181", Role.FOLLOWER, conf(1, 1, 2, version=1))
    two.says("h2:2181", Role.LEADER, conf(2, 1, 2, 3, version=0x100000005))
    assert [peer.number for peer in two.census.peers()] == [1, 2, 3]


def test_an_alias_and_the_address_behind_it_are_one_server() -> None:
    """`conf` is not whitelisted, so that no server tells its number; /zookeeper/config has the addresses."""
    three = Ensemble("a:2181", "b:2181", "c:2181")
    three.census.learn(parse_conf("\n".join(f"server.{n}=10.0.0.{n}:2888:3888;2181" for n in (1, 2, 3))))
    for n, host in enumerate(three.hosts, start=1):
        three.says(host, Role.LEADER if n == 1 else Role.FOLLOWER)
        three.census.reached[host] = f"10.0.0.{n}:2181"
    assert three.census.addresses(three.hosts) == list(three.hosts)
    rows = three.look()
    assert [(row.name, row.address) for row in rows] == [
        ("server.1", "a:2181"),
        ("server.2", "b:2181"),
        ("server.3", "c:2181"),
    ]
    assert {str(row.quorum) for row in rows} == {"3 of 3 answer, quorum 2: 1 more may fail"}


def test_servers_that_nobody_can_tell_apart_are_not_counted_twice() -> None:
    three = Ensemble("a:2181", "b:2181", "c:2181")
    three.census.learn(conf(None, 1, 2, 3))
    for host in (*three.hosts, "h1:2181", "h2:2181", "h3:2181"):
        three.says(host, Role.FOLLOWER)
    assert {str(row.quorum) for row in three.look()} == {"3 of 3 answer, quorum 2: 1 more may fail"}


def test_of_two_addresses_of_one_server_the_one_that_answers_counts() -> None:
    one = Ensemble("a:2181", "b:2181")
    own = conf(1, 1, 2, 3)
    for host in one.hosts:
        one.says(host, Role.LEADER, own)
    (first,) = (row for row in one.look() if row.name == "server.1")
    one.fails("a:2181", GONE)
    (second,) = (row for row in one.look() if row.name == "server.1")
    assert (second.key, second.state, second.role) == (first.key, MemberState.UP, Role.LEADER)
    assert (first.address, second.address) == ("a:2181", "b:2181")
    assert one.told() == []
