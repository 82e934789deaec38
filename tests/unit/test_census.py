"""What is said alike of the servers of every cluster; and what etcd's own words make of its members."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from backends.api.errors import BackendError, BadReply, Denied, NotFound, Silent, Unreachable
from backends.api.events import Event, EventKind
from backends.api.members import Member, MemberState, Role
from backends.api.quorum import Quorum
from backends.coordination.census import Answer, pending, state_of
from backends.coordination.etcd_census import HANDED_OVER, EtcdCensus
from backends.coordination.zookeeper_access import NotListed, NotServing


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, MemberState.UP),
        (Denied("certificate"), MemberState.UNKNOWN),
        (NotListed("srvr is not in its whitelist"), MemberState.UNKNOWN),
        (Silent("no answer"), MemberState.UNKNOWN),
        (BadReply("HTML"), MemberState.UNKNOWN),
        (Unreachable("connection refused"), MemberState.DOWN),
        (NotServing("no leader"), MemberState.DOWN),
        (NotFound("not started yet"), MemberState.DOWN),
    ],
)
def test_a_server_that_is_up_enough_to_say_no_is_not_down(error: BackendError | None, state: MemberState) -> None:
    assert state_of(Answer(), error)[0] is state


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the census takes for the time."""
    made = Clock()
    monkeypatch.setattr("backends.coordination.census.time.monotonic", lambda: made.now)
    return made


class Cluster:
    """Two members of etcd, or more, each as it says of itself."""

    def __init__(self, size: int = 2) -> None:
        self.census = EtcdCensus("etcd/main")
        self.known: dict[str, Member] = {}
        self.hosts = tuple(f"{letter}:2379" for letter in "abcde"[:size])
        for number, host in enumerate(self.hosts, start=1):
            facts = {"name": f"m{number}", "isLearner": False, "peerURLs": [], "clientURLs": [f"http://{host}"]}
            self.census.roster[number] = SimpleNamespace(**facts)
        for number in range(1, size + 1):
            self.says(number, leader=1)

    def told(self) -> list[str]:
        return [item.text for item in self.news if isinstance(item, Event)]

    def says(
        self, number: int, *, leader: int, term: int = 2, errors: tuple[str, ...] = (), at: str | None = None
    ) -> None:
        """What a member answers, at its own address where no other is named."""
        facts: dict[str, Any] = {"version": "3.5", "dbSize": 1, "dbSizeInUse": 1, "raftIndex": 1}
        facts |= {"header": SimpleNamespace(member_id=number), "isLearner": False, "raftAppliedIndex": 1}
        status = SimpleNamespace(leader=leader, errors=errors, raftTerm=term, **facts)
        self.census.answers[at or self.hosts[number - 1]] = Answer(status, 1.0)

    def look(self, *endpoints: str) -> list[Member]:
        self.known, self.news = self.census.rows(endpoints or self.hosts, self.known, after_gap=False)
        return list(self.known.values())


def test_no_leader_is_said_when_no_member_knows_one(clock: Clock) -> None:
    three = Cluster(3)
    assert {row.leaderless for row in three.look()} == {None}
    for term in (2, 7):
        # One that is cut off from the others is not asked where they know who leads, whatever term it is in.
        three.says(3, leader=0, term=term)
        assert {(row.leaderless, row.leader) for row in three.look()} == {(None, "m1")}
    for number in (1, 2, 3):
        three.says(number, leader=0)
    three.look()
    clock.now += HANDED_OVER
    (since,) = {row.leaderless for row in three.look()}
    assert since is not None
    assert {row.leaderless for row in three.look()} == {since}
    for number in (2, 3):
        three.says(number, leader=2, term=3)
    assert {row.leaderless for row in three.look()} == {None}


def test_a_leader_that_wakes_and_is_named_by_itself_alone_is_none(clock: Clock) -> None:
    """m1 is dead, m2 was frozen and takes itself for the leader still."""
    three = Cluster(3)
    for number in (1, 2, 3):
        three.says(number, leader=2)
    three.look()
    for number in (1, 2):
        led = three.census.answers[three.hosts[number - 1]]
        three.census.answers[three.hosts[number - 1]] = Answer(led.status, 1.0, error=Silent("no answer"))
    three.says(3, leader=0)
    three.look()
    clock.now += 2.0
    (since,) = {row.leaderless for row in three.look()}
    assert since is not None
    clock.now += 2.0
    three.says(2, leader=2)
    assert {(row.leaderless, row.leader) for row in three.look()} == {(since, None)}
    assert EventKind.LEADER not in [item.kind for item in three.news if isinstance(item, Event)]
    clock.now += 2.0
    three.says(2, leader=0)
    assert {row.leaderless for row in three.look()} == {since}
    assert three.told() == ["m2 → no leader: for 6 s"]
    # What one of a later term says counts more than what those say who have not heard of that.
    three.says(2, leader=3, term=3)
    three.says(3, leader=3, term=3)
    assert {(row.leaderless, row.leader) for row in three.look()} == {(None, "m3")}
    assert three.told() == ["m2 → m3 (no leader for 6 s)"]


def test_whether_there_is_a_leader_is_not_known_while_one_that_is_named_may_have_a_quorum(clock: Clock) -> None:
    """m2 does not answer us, and m3 is cut off from the others, terms ahead."""
    three = Cluster(3)
    three.look()
    follower = three.census.answers[three.hosts[1]]
    three.census.answers[three.hosts[1]] = Answer(follower.status, 1.0, error=Silent("no answer"))
    three.says(3, leader=0, term=9)
    for _ in range(5):
        assert {(row.leaderless, row.leader) for row in three.look()} == {(None, None)}
        assert [item for item in three.news if isinstance(item, Event) and item.kind is EventKind.LEADER] == []
        clock.now += 2.0
    # It answers, and nobody leads but in the words of m1.
    three.says(2, leader=0, term=9)
    three.look()
    clock.now += 2.0
    assert None not in {row.leaderless for row in three.look()}


def test_a_round_that_meets_a_hand_over_is_no_cluster_without_a_leader(clock: Clock) -> None:
    three = Cluster(3)
    three.look()
    three.says(1, leader=0, term=3)
    three.says(2, leader=2, term=3)
    assert {row.leaderless for row in three.look()} == {None}
    clock.now += 2.0
    for number in (1, 3):
        three.says(number, leader=2, term=3)
    assert {(row.leaderless, row.leader) for row in three.look()} == {(None, "m2")}
    assert three.told() == ["m1 → m2"]


def test_that_there_is_no_leader_is_told_once_it_lasts_and_once_only(clock: Clock) -> None:
    two = Cluster()
    two.look()
    told = []
    for leader in (0, 0, 0, 0, 1, 0, 2):
        for number in (1, 2):
            two.says(number, leader=leader)
        two.look()
        told += two.told()
        clock.now += 3.0
    assert told == ["m1 → no leader: for 6 s", "m1 → m1 (no leader for 12 s)", "m1 → m2"]


def test_the_time_without_a_leader_goes_on_while_nobody_who_answers_knows(clock: Clock) -> None:
    two = Cluster()
    two.look()
    for number in (1, 2):
        two.says(number, leader=0)
    two.look()
    clock.now += 2.0
    (since,) = {row.leaderless for row in two.look()}
    assert since is not None
    said = dict(two.census.answers)
    for host, answer in said.items():
        two.census.answers[host] = Answer(answer.status, 1.0, error=Silent("no answer"))
    clock.now += 2.0
    assert {row.leaderless for row in two.look()} == {since}
    two.census.answers.update(said)
    clock.now += 4.0
    two.look()
    assert [text for text in two.told() if "leader" in text] == ["m1 → no leader: for 8 s"]


def test_a_change_of_leader_and_who_came_and_went_are_told_once() -> None:
    two = Cluster()
    two.look()
    assert two.news == []
    two.census.roster[3] = SimpleNamespace(name="", isLearner=False, peerURLs=[], clientURLs=[])
    del two.census.roster[1]
    two.says(1, leader=2)
    two.says(2, leader=2)
    two.look()
    told = [(item.kind, item.target, item.text) for item in two.news if isinstance(item, Event)]
    assert told == [
        (EventKind.JOINED, "3", "member 3"),
        (EventKind.LEFT, "m1", "member 1"),
        (EventKind.LEADER, "etcd/main", "m1 → m2"),
    ]
    two.look()
    assert two.news == []


def test_how_long_there_was_no_leader_is_told_with_the_next_one(clock: Clock) -> None:
    two = Cluster()
    two.look()
    for lasted, leader, told in (
        (2.0, 1, []),
        (40.0, 1, ["m1 → m1 (no leader for 40 s)"]),
        (1.0, 2, ["m1 → m2"]),
    ):
        for number in (1, 2):
            two.says(number, leader=0)
        two.look()
        clock.now += lasted
        for number in (1, 2):
            two.says(number, leader=leader)
        two.look()
        assert two.told() == told
    two.look()
    assert two.news == []


def test_of_two_opinions_who_leads_the_one_of_the_latest_term_counts() -> None:
    two = Cluster()
    two.says(1, leader=1, term=2)
    two.says(2, leader=2, term=3)
    assert [row.role for row in two.look()] == [Role.FOLLOWER, Role.LEADER]


def test_a_member_is_asked_where_we_reach_it_and_not_also_where_it_says_that_it_is() -> None:
    two = Cluster()
    del two.census.answers["a:2379"]
    two.says(1, leader=1, at="tunnel:1")
    assert two.census.addresses(("tunnel:1", "b:2379")) == ["tunnel:1", "b:2379"]


@pytest.mark.parametrize("endpoints", [("tunnel:1", "a:2379"), ("a:2379", "tunnel:1")])
def test_a_member_that_answers_at_one_of_two_addresses_is_up(endpoints: tuple[str, str]) -> None:
    two = Cluster()
    status = two.census.answers["a:2379"].status
    two.census.answers["tunnel:1"] = Answer(status, 1.0, error=Silent("no answer"))
    first = two.look(*endpoints)[0]
    assert (first.name, first.state) == ("m1", MemberState.UP)


def test_a_learner_is_no_vote_and_one_that_was_removed_neither() -> None:
    two = Cluster()
    learner = {"name": "m3", "isLearner": True, "peerURLs": [], "clientURLs": []}
    two.census.roster[3] = SimpleNamespace(**learner)
    two.says(9, leader=1, at="removed:1")
    rows = {row.name: row for row in two.look(*two.hosts, "removed:1")}
    assert {str(row.quorum) for row in rows.values()} == {str(Quorum(2, 2))}
    assert (rows["m3"].role, rows["removed:1"].role) == (Role.LEARNER, Role.MEMBER)


def test_another_cluster_at_the_same_addresses_is_no_news_of_members() -> None:
    two = Cluster()
    two.look()
    two.census.forget()
    for number, host in enumerate(two.hosts, start=1):
        facts = {"name": f"n{number}", "isLearner": False, "peerURLs": [], "clientURLs": [f"http://{host}"]}
        two.census.roster[number + 10] = SimpleNamespace(**facts)
        two.says(number + 10, leader=12, at=host)
    assert [row.name for row in two.look()] == ["n1", "n2"]
    assert two.news == []


def test_the_role_of_a_member_that_does_not_answer_is_not_known() -> None:
    """A leader that dies is none any more, and no follower either; that is no news beside the new leader."""
    two = Cluster()
    two.census.roster[3] = SimpleNamespace(name="m3", isLearner=True, peerURLs=[], clientURLs=["http://c:2379"])
    assert [row.role for row in two.look()] == [Role.LEADER, Role.FOLLOWER, Role.LEARNER]
    led = two.census.answers["a:2379"]
    two.census.answers["a:2379"] = Answer(led.status, 1.0, error=Unreachable("connection refused"))
    rows = two.look()
    # Until there is another one it is known whom the others follow.
    assert [(row.role, row.leader) for row in rows[:2]] == [(None, "m1"), (Role.FOLLOWER, "m1")]
    two.says(2, leader=2, term=3)
    rows = two.look()
    assert [(row.role, row.leader) for row in rows[:2]] == [(None, "m2"), (Role.LEADER, "m2")]
    assert [(e.kind, e.text) for e in two.news if isinstance(e, Event)] == [(EventKind.LEADER, "m1 → m2")]


def test_of_a_member_that_was_never_heard_no_role_is_known() -> None:
    two = Cluster()
    two.census.answers["b:2379"] = Answer(error=Silent("no answer in 1.8 s"))
    two.census.roster[2].clientURLs = ["http://b:2379"]
    assert [(row.name, row.role) for row in two.look()] == [("m1", Role.LEADER), ("m2", None)]


def test_an_alarm_is_known_since_it_was_first_seen() -> None:
    two = Cluster()
    assert [row.alarmed for row in two.look()] == [None, None]
    two.says(2, leader=1, errors=("memberID:1 alarm:NOSPACE",))
    first, second = two.look()
    assert (first.alarms, second.alarms, second.alarmed) == (("NOSPACE",), (), None)
    assert first.alarmed is not None
    two.says(2, leader=1, errors=("memberID:1 alarm:NOSPACE", "memberID:1 alarm:CORRUPT"))
    assert two.look()[0].alarmed == first.alarmed
    two.says(2, leader=1)
    assert two.look()[0].alarmed is None


def test_an_event_has_the_word_that_every_screen_has_and_begins_with_the_one_before() -> None:
    two = Cluster()
    two.look()
    two.census.roster[2].clientURLs = ["http://b:2379"]
    told = []
    for error in (
        Silent("no answer in 1.8 s"),
        BadReply("it hung up"),
        BadReply("it is HTML"),
        Unreachable("gone"),
    ):
        two.census.answers["b:2379"] = Answer(error=error)
        two.look()
        told += [e.text for e in two.news if isinstance(e, Event) and e.kind is EventKind.STATE]
    two.says(2, leader=1)
    two.look()
    told += [e.text for e in two.news if isinstance(e, Event) and e.kind is EventKind.STATE]
    assert told == [
        "up → silent: no answer in 1.8 s",
        "silent → unknown: it hung up",
        "unknown → down: gone",
        "down → up",
    ]


def test_a_watch_that_goes_on_from_an_earlier_one_knows_since_when_a_member_is_silent() -> None:
    two = Cluster()
    two.look()
    two.census.roster[2].clientURLs = ["http://b:2379"]
    two.census.answers["b:2379"] = Answer(at=7.0, error=Silent("no answer in 1.8 s"))
    two.look()
    last = two.known
    later = Cluster()
    later.census.answers["a:2379"] = Answer(error=pending("a:2379"))
    later.census.answers["b:2379"] = Answer(error=Silent("no answer in 1.8 s"))
    later.known = last
    first, second = later.look()
    assert second.trouble is not None
    assert second.trouble.since == 7.0
    # Of one that has not been heard yet nothing is told.
    assert first.trouble is not None
    assert later.news == []
