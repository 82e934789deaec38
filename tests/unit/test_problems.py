"""What is wrong now, as one function of what the feeds say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends.api.alerts import Alert, AlertState
from backends.api.details import Trouble
from backends.api.errors import Denied, Misconfigured, Silent, Unreachable
from backends.api.events import EventKind, Occurrence
from backends.api.logs import LogSpan
from backends.api.members import Member, MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.quorum import Quorum
from backends.api.readings import FeedKey, Reading, State
from backends.api.runs import Run, RunState
from backends.api.units import Unit, UnitState
from backends.deploys.run_events import news
from backends.incident.error_lines import Burst
from backends.incident.expected_sizes import LARGEST_KEPT, Expected, GroupSizes
from backends.incident.flapping import FLAPS
from backends.incident.problems import GRAVE, SERIOUS, Now, Problem, problems
from tui.kinds.runs import RUNS
from widgets.freshness import Sight

WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NOW = Now(1000.0, WALL)


def rows(*found: Any) -> dict[str, Any]:
    return {row.key: row for row in found}


def live(*found: Any) -> Reading[Any]:
    return Reading(State.LIVE, rows(*found), 1000.0, WALL)


def told(readings: dict[tuple[str, str], Reading[Any]], **more: Any) -> list[Problem]:
    return problems(
        {FeedKey(*key): reading for key, reading in readings.items()},
        more.get("broken", ()),
        more.get("sizes", {}),
        more.get("events", ()),
        NOW,
        more.get("bursts", ()),
    )


def member(name: str, **more: Any) -> Member:
    facts: dict[str, Any] = {"role": Role.FOLLOWER, "state": MemberState.UP, **more}
    return Member(f"e/{name}", name, "etcd/a", **facts)


def alert(name: str, state: AlertState, severity: str, minutes: int) -> Alert:
    return Alert(f"p/{name}", "prometheus/a", name, state, severity, WALL - timedelta(minutes=minutes))


def unit(name: str, state: UnitState, **more: Any) -> Unit:
    return Unit(f"s/{name}", name, "supervisord/a", None, state, state.value.upper(), **more)


def test_nothing_is_wrong_where_all_is_well() -> None:
    members = live(member("m0", role=Role.LEADER), member("m1"))
    units = live(unit("web", UnitState.RUNNING), unit("job", UnitState.STOPPED))
    assert told({("etcd/a", "members"): members, ("supervisord/a", "units"): units}) == []


def test_the_gravest_and_newest_come_first() -> None:
    alerts = live(
        alert("Old", AlertState.FIRING, "critical", 60),
        alert("New", AlertState.FIRING, "page", 1),
        alert("Small", AlertState.FIRING, "warning", 0),
        alert("Soon", AlertState.PENDING, "critical", 0),
    )
    found = told({("prometheus/a", "alerts"): alerts})
    assert [(p.name, p.severity) for p in found] == [("New", GRAVE), ("Old", GRAVE), ("Small", SERIOUS)]


def test_two_alerts_of_one_rule_are_two_problems() -> None:
    alerts = live(
        Alert("p/1", "prometheus/a", "InstanceDown", AlertState.FIRING, labels={"instance": "m0"}),
        Alert("p/2", "prometheus/a", "InstanceDown", AlertState.FIRING, labels={"instance": "m1"}),
    )
    found = told({("prometheus/a", "alerts"): alerts})
    assert len({problem.key for problem in found}) == 2


def test_a_lost_source_is_one_problem_however_many_feeds_it_has() -> None:
    gone = Reading(State.UNREACHABLE, rows(member("m0")), 958.0, WALL, Unreachable("connection refused"))
    found = told({("etcd/a", "members"): gone, ("etcd/a", "instances"): gone})
    assert [(p.name, p.word, p.why) for p in found] == [("etcd/a", "unreachable", "connection refused")]
    assert found[0].since == WALL - timedelta(seconds=42)


def test_a_lost_source_is_lost_since_the_first_of_its_feeds_that_is() -> None:
    def gone(at: float, why: str) -> Reading[Any]:
        return Reading(State.UNREACHABLE, {}, at, WALL, Unreachable(why))

    first, then = gone(940.0, "refused"), gone(990.0, "reset")
    for feeds in ([first, then], [then, first]):
        (found,) = told(
            {("etcd/a", noun): feed for noun, feed in zip(("members", "instances"), feeds, strict=True)}
        )
        assert (found.since, found.why) == (WALL - timedelta(seconds=60), "refused")


def test_what_a_lost_source_said_last_stands_behind_what_is_wrong_now() -> None:
    def lost(*found: Any) -> Reading[Any]:
        return Reading(State.STALE, rows(*found), 990.0, WALL, Silent("no answer"))

    found = told(
        {
            ("supervisord/a", "units"): lost(unit("job", UnitState.FAILED)),
            ("prometheus/a", "alerts"): lost(alert("Full", AlertState.FIRING, "critical", 1)),
            ("prometheus/b", "alerts"): live(alert("Small", AlertState.FIRING, "warning", 1)),
        }
    )
    assert [(p.name, p.old) for p in found[2:]] == [("Small", False), ("job", True), ("Full", True)]


def test_a_member_that_was_down_when_its_source_was_lost_is_not_down_now() -> None:
    ill = member("m1", state=MemberState.DOWN, trouble=Trouble(Unreachable("refused"), 980.0, None))
    one = member("a", group="web")
    gone = Reading(State.UNREACHABLE, rows(ill, one), 990.0, WALL, Unreachable("no route"))
    sizes = {"etcd/a": {"web": Expected(3, True)}}
    found = told({("etcd/a", "members"): gone, ("etcd/a", "instances"): gone}, sizes=sizes)
    assert [(p.name, p.word) for p in found] == [("etcd/a", "unreachable")]


def test_a_cluster_is_without_a_leader_since_the_first_member_said_so() -> None:
    first, then = WALL - timedelta(seconds=9), WALL - timedelta(seconds=2)
    members = live(member("m0", leaderless=then), member("m1", leaderless=first))
    (found,) = told({("zookeeper/a", "members"): members})
    assert found.since == first


def test_severities_are_written_in_any_case() -> None:
    (found,) = told({("prometheus/a", "alerts"): live(alert("Full", AlertState.FIRING, "CRITICAL", 1))})
    assert found.severity == GRAVE


def test_lost_logs_are_a_lost_source() -> None:
    gone = Reading(State.STALE, LogSpan(0, 5, 0), 990.0, WALL, Silent("no answer"))
    found = told({("files/app", "logs"): gone, ("files/ok", "logs"): Reading(State.LIVE, LogSpan(0, 5, 0))})
    assert [(p.name, p.word, p.kind) for p in found] == [("files/app", "stale", "logs")]


def test_a_cluster_without_a_leader_and_one_with_a_full_store() -> None:
    since = WALL - timedelta(seconds=7)
    lost = {"leaderless": since}
    ill = member("m0", alarms=("NOSPACE",), alarmed=WALL, **lost)
    found = told({("etcd/a", "members"): live(ill, member("m1", **lost))})
    assert {(p.name, p.word, p.since) for p in found} == {
        ("etcd/a m0", "NOSPACE", WALL),
        ("etcd/a", "no leader", since),
    }
    assert all("the cluster takes no writes" in p.why for p in found)


def test_followers_alone_prove_that_there_is_a_leader() -> None:
    """The leader may be a server that this source does not ask."""
    assert told({("zookeeper/a", "members"): live(member("m0"), member("m1"))}) == []


@pytest.mark.parametrize("alarm", ["CORRUPT", "NEW"])
def test_every_alarm_says_what_it_means_and_since_when_it_is_known(alarm: str) -> None:
    (found,) = told({("etcd/a", "members"): live(member("m0", alarms=(alarm,), alarmed=WALL))})
    assert (found.word, found.since) == (alarm, WALL)
    assert found.why


def test_a_members_quorum_is_its_consequence_and_a_refused_one_is_down_on_every_screen() -> None:
    trouble = Trouble(Unreachable("connection refused"), 990.0, None)
    ill = member("m1", state=MemberState.DOWN, trouble=trouble, quorum=Quorum(3, 2))
    (found,) = told({("etcd/a", "members"): live(ill)})
    assert (found.word, found.why) == (
        "down",
        "no further failure allowed; connection refused (2 of 3 answer, quorum 2)",
    )


def test_the_members_that_are_down_come_before_what_their_cluster_lacks_because_of_them() -> None:
    refused = Trouble(Unreachable("connection refused"), 980.0, None)
    serves_nobody = Trouble(Unreachable("it answers and serves nobody"), 995.0, None)
    gone = {"state": MemberState.DOWN, "role": None, "trouble": refused, "quorum": Quorum(3, 1)}
    cluster = {"leaderless": WALL - timedelta(seconds=9)}
    here = member("m0", state=MemberState.DOWN, role=Role.MEMBER, trouble=serves_nobody, **cluster)
    members = live(here, member("m1", **gone, **cluster), member("m2", **gone, **cluster))
    groups = Reading(State.UNREACHABLE, rows(), 999.0, WALL, Unreachable("no leader"))
    found = told({("etcd/a", "members"): members, ("etcd/a", "instances"): groups})
    assert [(p.name, p.word) for p in found[:2]] == [("etcd/a m1", "down"), ("etcd/a m2", "down")]
    assert found[2].word == "no leader"
    assert sorted(p.word for p in found[3:]) == ["down", "unreachable"]
    assert found[0].why == "quorum lost; connection refused"


def test_a_cluster_without_a_leader_whose_members_all_answer_comes_first() -> None:
    groups = Reading(State.UNREACHABLE, rows(), 999.0, WALL, Unreachable("no leader"))
    members = live(member("m0", leaderless=WALL - timedelta(seconds=9)))
    found = told({("etcd/a", "members"): members, ("etcd/a", "instances"): groups})
    assert [p.word for p in found] == ["no leader", "unreachable"]


@pytest.mark.parametrize(
    ("quorum", "sentence", "lost"),
    [
        (Quorum(3, 3), "3 of 3 answer, quorum 2: 1 more may fail", False),
        (Quorum(3, 2), "2 of 3 answer, quorum 2: no further failure allowed", False),
        (Quorum(3, 1), "1 of 3 answer, quorum 2: quorum lost", True),
        (Quorum(4, 2), "2 of 4 answer, quorum 3: quorum lost", True),
        (Quorum(3, 1, 2), "1 of 3 answer, quorum 2: 2 not in hosts, so not known", False),
        (Quorum(5, 0, 2), "0 of 5 answer, quorum 3: 2 not in hosts, so not known", True),
    ],
)
def test_what_a_quorum_allows(quorum: Quorum, sentence: str, lost: bool) -> None:
    assert (str(quorum), quorum.lost) == (sentence, lost)


def test_a_silent_member_says_what_its_loss_means() -> None:
    trouble = Trouble(Silent("no answer"), 990.0, None)
    ill = member("m1", state=MemberState.UNKNOWN, trouble=trouble)
    found = told({("etcd/a", "members"): live(member("m0", role=Role.LEADER), ill)})
    assert [(p.word, p.why, p.row) for p in found] == [("silent", "no answer", "e/m1")]
    assert found[0].since == WALL - timedelta(seconds=10)


def test_a_group_below_its_size() -> None:
    one = member("a", group="web")
    sizes = {"etcd/a": {"web": Expected(3, False, 940.0), "search": Expected(1, True)}}
    found = told({("etcd/a", "instances"): live(one)}, sizes=sizes)
    assert [(p.name, p.word, p.severity, p.deserted) for p in found] == [
        ("search", "0 of 1", GRAVE, True),
        ("web", "1 of 3", SERIOUS, False),
    ]
    assert found[1].since == WALL - timedelta(minutes=1)
    assert (found[1].kind, found[1].row) == ("members", "e/a")


def test_a_group_that_was_lost_long_ago_does_not_claim_to_have_been_seen_lately() -> None:
    sizes = {"etcd/a": {"web": Expected(3, False, 1000.0 - 2 * LARGEST_KEPT)}}
    (problem,) = told({("etcd/a", "instances"): live()}, sizes=sizes)
    assert (problem.word, problem.why) == ("0 of 3", "3 instances were seen before that")


def test_a_group_of_which_nobody_has_told_yet_is_not_missing() -> None:
    asked: Reading[Any] = Reading(State.LOADING)
    assert told({("etcd/a", "instances"): asked}, sizes={"etcd/a": {"web": Expected(6, True)}}) == []


def test_a_group_that_may_not_be_read_is_a_problem_and_its_size_is_not_known() -> None:
    denied = Trouble(Denied("permission denied"))
    closed = member("/services/web", group="web", state=MemberState.UNKNOWN, trouble=denied)
    some = [member(name, group="api", trouble=denied) for name in ("a", "b")]
    sizes = {"etcd/a": {"web": Expected(3, True), "api": Expected(2, True)}}
    found = told({("etcd/a", "instances"): live(closed, *some, member("c", group="api"))}, sizes=sizes)
    assert {(p.name, p.word, p.why) for p in found} == {
        ("etcd/a web", "denied", "its instances: permission denied"),
        ("etcd/a api", "denied", "2 of its instances: permission denied"),
    }
    seen = GroupSizes({})
    seen.note(0.0, rows(closed))
    assert seen.expected(0.0) == {}


def test_units_that_failed_and_that_flap() -> None:
    events = [
        Occurrence(
            str(n), "supervisord/a", WALL, EventKind.STATE, "web", "restarted", (), restart=True, at=NOW.monotonic
        )
        for n in range(FLAPS)
    ]
    units = live(unit("web", UnitState.RUNNING, exit=1), unit("job", UnitState.FAILED, exit=2))
    found = told({("supervisord/a", "units"): units}, events=events)
    assert [(p.name, p.word) for p in found] == [("job", "failed"), ("web", "flapping")]
    assert "last exit 2" in found[0].why


def test_a_unit_whose_process_is_stopped_is_frozen_whatever_its_supervisor_says() -> None:
    since = WALL - timedelta(seconds=9)
    units = live(
        unit("web", UnitState.RUNNING, frozen=True, frozen_since=since),
        unit("found", UnitState.RUNNING, frozen=True, since=WALL),
        unit("well", UnitState.RUNNING),
    )
    found = told({("supervisord/a", "units"): units})
    assert [(p.name, p.word, p.since, p.severity) for p in found] == [
        ("web", "frozen", since, GRAVE),
        ("found", "frozen", None, GRAVE),
    ]
    assert "SIGCONT" in found[0].why


def test_a_unit_does_not_flap_for_one_of_its_name_elsewhere() -> None:
    events = [
        Occurrence(
            str(n), "supervisord/b", WALL, EventKind.STATE, "web", "restarted", (), restart=True, at=NOW.monotonic
        )
        for n in range(FLAPS)
    ]
    assert told({("supervisord/a", "units"): live(unit("web", UnitState.RUNNING))}, events=events) == []


def test_targets_that_are_down_and_sources_that_could_not_be_made() -> None:
    target = ScrapeTarget("t", "prometheus/a", "web", "h:1", TargetState.DOWN, WALL, "connection refused")
    found = told({("prometheus/a", "targets"): live(target)}, broken=[("x/y", Misconfigured("no such file"))])
    assert [(p.name, p.why) for p in found] == [("x/y", "no such file"), ("web h:1", "connection refused")]


def run(name: str, state: RunState, minutes: float, **more: Any) -> Run:
    """One that ended so many minutes ago."""
    ended = None if state in (RunState.RUNNING, RunState.INTERRUPTED) else WALL - timedelta(minutes=minutes)
    facts = ("ops", WALL - timedelta(minutes=minutes, seconds=8), (("version", "1.8.2"),), ended)
    return Run(name, "deploy/web", "web", state, *facts, **more)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.INTERRUPTED])
def test_a_deploy_that_went_wrong_is_a_problem_until_a_later_one_succeeded(state: RunState) -> None:
    failed = run("r1", state, 5, message="web-2 does not answer")
    told_of = [(p.name, p.word, p.why, p.kind, p.row) for p in told({("deploy/web", "runs"): live(failed)})]
    assert told_of == [("web 1.8.2", state.value, "web-2 does not answer", "runs", "r1")]
    (problem,) = told({("deploy/web", "runs"): live(failed)})
    assert problem.since == (failed.ended or failed.started)
    for later in (RunState.RUNNING, RunState.ABORTED):
        assert len(told({("deploy/web", "runs"): live(failed, run("r2", later, 1))})) == 1
    assert told({("deploy/web", "runs"): live(failed, run("r2", RunState.DONE, 1))}) == []
    before = run("r0", RunState.DONE, 30)
    again = run("r2", RunState.FAILED, 1)
    found = told({("deploy/web", "runs"): live(before, failed, again)})
    assert [p.row for p in found] == ["r2"]


def test_a_deploy_that_went_wrong_long_ago_and_one_that_was_aborted_are_none() -> None:
    assert told({("deploy/web", "runs"): live(run("r1", RunState.FAILED, 61))}) == []
    assert told({("deploy/web", "runs"): live(run("r1", RunState.ABORTED, 1))}) == []


def test_an_error_rate_that_is_up_is_a_problem() -> None:
    since = WALL - timedelta(minutes=2)
    (found,) = told({}, bursts=[Burst("files/app", "web-3.log", since, "2/min → 340/min")])
    assert (found.name, found.word, found.why) == ("web-3.log", "errors", "errors 2/min → 340/min")
    assert (found.since, found.kind, found.source, found.row) == (since, "logs", "files/app", "web-3.log")


def test_the_largest_size_is_remembered_for_a_while() -> None:
    sizes = GroupSizes({"fixed": 6})
    sizes.note(0.0, rows(*(member(str(n), group="web") for n in range(3))))
    sizes.note(40.0, rows(member("0", group="web")))
    assert sizes.expected(60.0) == {"web": Expected(3, False, 40.0), "fixed": Expected(6, True, 0.0)}
    sizes.note(LARGEST_KEPT + 1, rows(member("0", group="web")))
    assert sizes.expected(LARGEST_KEPT + 1)["web"] == Expected(1, False)


def test_a_group_of_which_nobody_is_left_is_missing_until_somebody_is_back() -> None:
    """A quarter of an hour later the outage would be no problem any more, with nothing back."""
    sizes = GroupSizes({})
    sizes.note(0.0, rows(*(member(str(n), group="web") for n in range(3))))
    sizes.note(40.0, rows())
    late = 40.0 + 2 * LARGEST_KEPT
    sizes.note(late, rows())
    assert sizes.expected(late) == {"web": Expected(3, False, 40.0)}
    sizes.note(late + 10, rows(member("0", group="web")))
    sizes.note(late + 20 + LARGEST_KEPT, rows(member("0", group="web")))
    assert sizes.expected(late + 20 + LARGEST_KEPT) == {"web": Expected(1, False)}


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.6, "0s"), (1, "1s"), (8.9, "8s"), (61, "1m"), (3599, "59m"), (7300, "2h")]
)
def test_everything_that_tells_of_a_run_says_the_same_of_how_long_it_took(seconds: float, said: str) -> None:
    done = Run("r", "d/web", "web", RunState.DONE, "ops", WALL, (), WALL + timedelta(seconds=seconds))
    (event,) = (e for e in news({}, {"r": done}, WALL) if e.text.startswith("done"))
    cell = RUNS.column("took")
    assert cell is not None
    assert (event.text, cell.text(done, Sight(0.0, WALL))) == (f"done after {said}", said)
    died = Run("r", "d/web", "web", RunState.INTERRUPTED, "ops", WALL)
    assert cell.text(died, Sight(0.0, WALL + timedelta(hours=1))) == "–"
