"""What is missing in a timeline, or told twice, tears a chain; the clock's jumps do not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.chaos.plan import Blow, Verb
from tests.chaos.told import Told, chains, disordered, read, torn
from tests.chaos.verdict import Moment, complaints_of

ZONE = timezone(timedelta(hours=5))
BEGAN = datetime(2026, 11, 24, 12, 0, tzinfo=ZONE)
LEADER = ("leader", "etcd/main", "etcd/main")
BEGINNING = Moment(7, {("zookeeper", "web/web-1"): 1}, {LEADER: "m0"})


def told(at: float, kind: str, target: str, text: str, source: str = "etcd/main") -> Told:
    return Told(BEGAN + timedelta(seconds=at), kind, target, text, source)


def complaints(*lines: Told, ending: Moment = BEGINNING, blows: tuple[Blow, ...] = ()) -> list[str]:
    return complaints_of(lines, BEGINNING, ending, [], blows, BEGAN)


def test_lines_told_while_the_clock_was_wrong_stand_where_they_happened() -> None:
    saved = (
        "TIME↓     KIND    TARGET     SEEN BY              CHANGE\n"
        "12:00:09  joined  web/web-1  etcd/main, etcd/b    web-1  127.0.0.1:8080\n"
        "12:00:09  left    web/web-1  etcd/main            web-1  127.0.0.1:8080\n"
        "11:00:07  state   m1         etcd/main            down → up\n"
        "13:00:01  state   m1         etcd/main            up → down: refused"
    )
    lines = read(saved.replace("TIME↓ ", "TIME  "), BEGAN, BEGAN + timedelta(minutes=1))
    assert [(line.time.minute, line.time.second, line.kind) for line in lines] == [
        (0, 1, "state"),
        (0, 7, "state"),
        (0, 9, "left"),
        (0, 9, "joined"),
    ]
    assert not disordered(lines)
    assert disordered(lines[::-1])
    assert lines[0].text == "up → down: refused"
    assert lines[3].source == "etcd/main, etcd/b"
    assert not torn(chains(lines[:3]), {}, {("instance", "etcd/main", "web/web-1"): "gone"})


def test_that_there_is_no_leader_yet_is_no_link_of_the_chain() -> None:
    found = chains(
        [
            told(1, "leader", "etcd/main", "m0 → no leader: for 6 s"),
            told(9, "leader", "etcd/main", "m0 → m1 (no leader for 14 s)"),
        ]
    )
    assert [(link.before, link.after) for links in found.values() for link in links] == [("m0", "m1")]


def test_a_whole_chain_is_no_complaint() -> None:
    assert not complaints(
        told(1, "state", "m1", "up → down: refused"),
        told(1, "source", "prometheus/main", "lost: refused", "prometheus/main"),
        told(2, "state", "m1", "down → silent: no answer  (seen after a gap)"),
        told(3, "state", "m1", "silent → up"),
        told(3, "leader", "etcd/main", "m0 → m2"),
        told(4, "leader", "etcd/main", "m2 → m0  (seen after a gap)"),
        told(5, "source", "prometheus/main", "back after 4 s", "prometheus/main"),
        told(6, "state", "web:web-1", "running → starting (BACKOFF): exit 1", "supervisord/main"),
        told(7, "state", "web:web-1", "starting (BACKOFF) → running", "supervisord/main"),
        told(8, "state", "web web-1", "down: refused", "prometheus/main"),
        told(9, "state", "web web-1", "up again", "prometheus/main"),
        told(9, "alert", "InstanceDown web-1", "fires (critical)", "prometheus/main"),
        told(9, "alert", "InstanceDown web-1", "over", "prometheus/main"),
    )


def test_what_is_told_twice_and_what_is_left_out_are_complaints() -> None:
    down, up = told(1, "state", "m1", "up → down: refused"), told(3, "state", "m1", "down → up")
    assert complaints(down, down, up)
    assert complaints(down)
    assert complaints(up)
    assert complaints(told(1, "left", "web/web-1", "web-1", "zookeeper/main"))
    assert complaints(told(3, "leader", "etcd/main", "m0 → m2"))


def test_each_coming_and_going_in_etcd_is_told_once() -> None:
    left, joined = told(1, "left", "web/web-1", "web-1"), told(2, "joined", "web/web-1", "web-1")
    history = [("web/web-1", False), ("web/web-1", True)]
    assert not complaints_of([left, joined], BEGINNING, BEGINNING, history, [], BEGAN)
    assert complaints_of([left, joined], BEGINNING, BEGINNING, history * 2, [], BEGAN)
    assert complaints_of([], BEGINNING, BEGINNING, history, [], BEGAN)


def test_a_new_life_in_zookeeper_must_be_told() -> None:
    ending = Moment(9, {("zookeeper", "web/web-1"): 2}, {LEADER: "m0"})
    assert complaints(ending=ending)
    assert not complaints(
        told(1, "left", "web/web-1", "web-1", "zookeeper/main"),
        told(2, "joined", "web/web-1", "web-1", "zookeeper/main"),
        ending=ending,
    )


def test_a_long_blow_must_be_told_when_it_falls() -> None:
    blow = Blow(20.0, Verb.FREEZE, "zookeeper s2", 11.0)
    silent = told(24, "state", "server.2", "up → silent: no answer", "zookeeper/main")
    well = told(32, "state", "server.2", "silent → up", "zookeeper/main")
    assert not complaints(silent, well, blows=(blow,))
    assert complaints(blows=(blow,))
    early = (told(2, "state", "server.2", "up → silent: no", "zookeeper/main"),)
    assert complaints(*early, told(5, "state", "server.2", "silent → up", "zookeeper/main"), blows=(blow,))
    # Of a source that is lost as a whole no member is told.
    lost = told(21, "source", "zookeeper/main", "lost: no answer", "zookeeper/main")
    assert not complaints(lost, told(33, "source", "zookeeper/main", "back", "zookeeper/main"), blows=(blow,))
    # Who was stopped saw nothing.
    assert not complaints(blows=(blow, Blow(25.0, Verb.STOP, "terminal", 1.0)))


def test_a_long_stop_must_be_told() -> None:
    stop = Blow(20.0, Verb.STOP, "terminal", 11.0)
    assert complaints(blows=(stop,))
    said = told(
        31, "source", "midwatch", "not watched from 2 to 3: midwatch itself stood still", "midwatch/timeline"
    )
    assert not complaints(said, blows=(stop,))
