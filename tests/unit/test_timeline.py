"""The timeline: each event once, with its witnesses; sources that are lost and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from backends.api.errors import BackendError, Denied, Silent, Unreachable
from backends.api.events import Event, EventKind, Occurrence
from backends.api.members import Members
from backends.api.readings import Reading, Seen, State
from backends.config.context import Context, SourceConfig
from backends.coordination.registered import told
from backends.incident.timeline import CATCHING_UP, CONFIRM, EVENTS_MOST, EXCUSED, WITNESSED_WITHIN, Timeline
from backends.watch import Watch
from tests.clock import FakeClock, settle
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script, member
from tui.kinds.known import KINDS

pytestmark = pytest.mark.usefixtures("scripted")

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def event(source: str, kind: EventKind, target: str, text: str, cluster: str | None = None) -> Event:
    return Event(NOW, kind, source, target, text, cluster)


class Board:
    """A timeline whose cluster `c` is watched by two sources."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.timeline = Timeline(self.clock, lambda cluster: frozenset({"etcd/a", "etcd/b"}))
        self.settled: list[Occurrence] = []
        self.timeline.on_settled(self.settled.append)

    def leader(self, source: str) -> None:
        news = event(source, EventKind.LEADER, source, "m0 → m1", "c")
        self.timeline.hear(source, (news,))


async def test_two_witnesses_of_one_cluster_see_one_event() -> None:
    board = Board()
    board.leader("etcd/a")
    assert board.settled == []
    board.leader("etcd/b")
    assert [row.witnesses for row in board.settled] == [("etcd/a", "etcd/b")]
    await board.clock.advance(WITNESSED_WITHIN + 1)
    assert len(board.settled) == 1


async def test_a_witness_that_is_silent_is_waited_for_five_seconds() -> None:
    board = Board()
    board.leader("etcd/a")
    await board.clock.advance(WITNESSED_WITHIN - 0.1)
    assert board.settled == []
    await board.clock.advance(0.2)
    assert [row.witnesses for row in board.settled] == [("etcd/a",)]


async def test_reasons_may_differ_between_witnesses() -> None:
    board = Board()
    for source, why in (("etcd/a", "connection refused"), ("etcd/b", "silent")):
        news = event(source, EventKind.STATE, "m1", f"up → down: {why}", "c")
        board.timeline.hear(source, (news,))
    assert len(board.settled) == 1
    for source, seconds in (("etcd/a", 6), ("etcd/b", 7)):
        lost = event(source, EventKind.LEADER, source, f"m0 → no leader: for {seconds} s", "c")
        found = event(source, EventKind.LEADER, source, f"m0 → m1 (no leader for {seconds + 9} s)", "c")
        board.timeline.hear(source, (lost, found))
    assert len(board.settled) == 3


async def test_what_happens_twice_is_told_twice() -> None:
    board = Board()
    for _ in range(2):
        board.leader("etcd/a")
    await board.clock.advance(WITNESSED_WITHIN + 1)
    assert len(board.settled) == 2


async def test_what_happens_twice_before_the_other_has_told_of_it_is_two_events_with_two_witnesses() -> None:
    board = Board()
    for source in ("etcd/a", "etcd/b"):
        for kind in (EventKind.JOINED, EventKind.LEFT, EventKind.JOINED):
            board.timeline.hear(source, (event(source, kind, "web/a", "a", "c"),))
    assert [row.kind.value for row in board.settled] == ["joined", "left", "joined"]
    assert {row.witnesses for row in board.settled} == {("etcd/a", "etcd/b")}


async def test_a_source_without_a_cluster_is_told_at_once() -> None:
    board = Board()
    news = event("etcd/a", EventKind.JOINED, "web/a", "a")
    board.timeline.hear("etcd/a", (news,))
    assert [row.text for row in board.settled] == ["a"]


async def test_a_source_that_is_lost_and_back_is_two_events_whatever_its_feeds_say() -> None:
    board = Board()
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.LIVE, {}, at=1000.0))
    assert board.settled == []
    for noun in ("members", "instances"):
        quiet: Reading[object] = Reading(State.STALE, {}, at=1000.0, error=Silent("no answer for 4 s"))
        board.timeline.reading("etcd/a", noun, quiet)
        gone: Reading[object] = Reading(State.UNREACHABLE, {}, error=Unreachable("refused"))
        board.timeline.reading("etcd/a", noun, gone)
    await board.clock.advance(42)
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.LIVE, {}, at=1042.0))
    assert [row.text for row in board.settled] == ["lost: no answer for 4 s", "back after 42 s"]


async def test_a_source_was_away_since_its_last_word_not_since_that_was_noticed() -> None:
    board = Board()
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1000.0))
    await board.clock.advance(8)
    quiet: Reading[object] = Reading(State.STALE, {}, at=1000.0, error=Silent("no answer for 8 s"))
    board.timeline.reading("etcd/a", "members", quiet)
    await board.clock.advance(2)
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1010.0))
    assert board.settled[-1].text == "back after 10 s"


async def test_each_word_of_the_timeline_names_what_is_new_in_it_once() -> None:
    board = Board()
    source = board.timeline.events(None)
    await anext(source)
    for target in ("web/a", "web/b"):
        board.timeline.hear("etcd/a", (event("etcd/a", EventKind.JOINED, target, "x"),))
        seen = await anext(source)
        assert [seen.value[key].target for key in seen.changed or ()] == [target]
    idle = asyncio.ensure_future(anext(source))
    await board.clock.advance(CONFIRM)
    assert (await idle).changed == frozenset()
    await source.aclose()


async def test_how_a_source_was_found_is_no_event_but_that_it_is_reached_at_last_is_one() -> None:
    board = Board()
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.UNREACHABLE, error=Unreachable("refused")))
    assert board.settled == []
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.LIVE, {}, at=1001.0))
    assert [(row.kind, row.text) for row in board.settled] == [(EventKind.SOURCE, "back: not reached until now")]
    # From then on it is one like every other.
    board.timeline.reading("etcd/a", "members", silent())
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1001.0))
    assert [row.text for row in board.settled[1:]] == ["lost: no answer for 4 s", "back after 0 s"]


@pytest.mark.parametrize("error", [Denied("permission denied"), Silent("no answer")])
async def test_a_source_is_not_back_because_one_of_its_feeds_is_there_while_another_still_fails(
    error: BackendError,
) -> None:
    board = Board()
    board.timeline.reading("etcd/a", "instances", Reading(State.UNREACHABLE, error=error))
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1000.0))
    assert board.settled == []
    board.timeline.reading("etcd/a", "instances", Reading(State.LIVE, {}, at=1001.0))
    back = [] if isinstance(error, Denied) else ["back: not reached until now"]
    assert [row.text for row in board.settled] == back


async def test_one_feed_that_is_not_reached_yet_is_no_event_of_a_source_that_is() -> None:
    board = Board()
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1000.0))
    board.timeline.reading("etcd/a", "instances", Reading(State.UNREACHABLE, error=Unreachable("no leader")))
    board.timeline.reading("etcd/a", "instances", Reading(State.LIVE, {}, at=1001.0))
    assert board.settled == []


async def test_the_order_is_that_of_what_happened_whatever_the_wall_clock_said() -> None:
    """It is set back by an hour, and a journal tells late of what was early."""
    board = Board()

    async def tell(target: str, ago: float = 0.0) -> None:
        time = board.clock.now() - timedelta(seconds=ago)
        board.timeline.hear("x/a", (Event(time, EventKind.STATE, "x/a", target, "up → down"),))
        await board.clock.advance(10)

    await tell("first")
    board.clock.wrong = timedelta(hours=-1)
    await tell("second")
    board.clock.wrong = timedelta(hours=1)
    await tell("third")
    await tell("late of the second moment", ago=15)
    told = sorted(board.settled, key=lambda row: row.at)
    assert [row.target for row in told] == ["first", "second", "late of the second moment", "third"]
    column = KINDS["events"].column("age")
    assert column is not None
    assert KINDS["events"].order(board.settled, column, True) == told[::-1]


def stand_still(board: Board | Pair, seconds: float) -> None:
    """No timer runs meanwhile, and then all do at once."""
    board.clock.seconds += seconds


def silent() -> Reading[object]:
    return Reading(State.STALE, {}, at=1000.0, error=Silent("no answer for 4 s"))


async def test_who_was_not_heard_while_we_stood_still_is_not_called_lost() -> None:
    board = Board()
    board.timeline.begin()
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.LIVE, {}, at=1000.0))
    await board.clock.advance(2)
    stand_still(board, 12)
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, silent())
    await board.clock.advance(EXCUSED - 1)
    for noun in ("members", "instances"):
        board.timeline.reading("etcd/a", noun, Reading(State.LIVE, {}, at=1018.0))
    await board.clock.advance(60)
    assert [row.target for row in board.settled] == ["midwatch"]
    assert board.settled[0].text.endswith(": midwatch itself stood still")
    board.timeline.reading("etcd/a", "members", silent())
    assert board.settled[-1].text == "lost: no answer for 4 s"
    board.timeline.rest()


async def test_who_does_not_speak_after_we_stood_still_is_lost_after_all() -> None:
    board = Board()
    board.timeline.begin()
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1000.0))
    stand_still(board, 12)
    board.timeline.reading("etcd/a", "members", silent())
    # And once more, before that is decided.
    await board.clock.advance(2)
    stand_still(board, 4)
    await board.clock.advance(EXCUSED - 1)
    assert [row.target for row in board.settled] == ["midwatch", "midwatch"]
    await board.clock.advance(3)
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1030.0))
    assert [row.text for row in board.settled[2:]] == ["lost: no answer for 4 s", "back after 25 s"]
    # Told late, it stands where it happened: before we stood still for the second time.
    assert board.settled[2].at < board.settled[1].at
    board.timeline.rest()


async def test_what_is_told_just_after_we_stood_still_was_seen_after_a_gap() -> None:
    board = Board()
    board.timeline.begin()
    board.timeline.reading("etcd/a", "members", Reading(State.LIVE, {}, at=1000.0))
    stand_still(board, 12)
    board.leader("etcd/a")
    await board.clock.advance(CATCHING_UP)
    board.leader("etcd/a")
    await board.clock.advance(WITNESSED_WITHIN)
    assert [row.after_gap for row in board.settled if row.kind is EventKind.LEADER] == [True, False]
    board.timeline.rest()


async def test_a_watch_that_nobody_stops_never_stood_still() -> None:
    pair = Pair()
    await pair.clock.advance(60)
    await pair.watch.close()
    stand_still(pair, 12)
    pair.watch.timeline.reading("fake/a", "members", Reading(State.LIVE, {}, at=1.0))
    assert pair.settled
    assert "midwatch" not in {row.target for row in pair.settled}


class Pair:
    """A watch of two sources, as its context has them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        names = ("a", "b")
        SCRIPTS.update({name: Script() for name in names})
        context = Context("lab", tuple(SourceConfig("fake", n, FakeSettings(script=n)) for n in names))
        self.watch = Watch(context, clock=self.clock)
        self.settled: list[Occurrence] = []
        self.watch.timeline.on_settled(self.settled.append)
        self.sources = [config.source for config in context.sources]
        self.watch.open()

    async def open_anew(self, seconds: float) -> None:
        """Leave it, and open its context again so much later."""
        remembered = self.watch.leave()
        closing = asyncio.create_task(self.watch.close())
        await self.clock.advance(seconds)
        await closing
        self.watch = Watch(self.watch.context, clock=self.clock, remembered=remembered)
        self.watch.open()
        await settle()

    async def say(self, name: str, *, news: bool = False) -> None:
        """Its members; with `news` that one of them has left."""
        told = (event(f"fake/{name}", EventKind.LEFT, "m1", "member 1", "c"),) if news else ()
        SCRIPTS[name].members.put_nowait(Seen({"m0": member("m0", cluster="c")}, None, told))
        await settle()


async def test_a_source_that_has_not_spoken_yet_is_waited_for() -> None:
    """It may be of the same cluster, and then tells of the same event a moment later."""
    pair = Pair()
    try:
        await settle()
        await pair.say("a", news=True)
        assert pair.settled == []
        await pair.say("b", news=True)
        assert [row.witnesses for row in pair.settled] == [tuple(pair.sources)]
    finally:
        await pair.watch.close()


async def test_a_source_that_never_speaks_holds_nothing_up_for_longer_than_five_seconds() -> None:
    pair = Pair()
    try:
        await settle()
        await pair.say("a", news=True)
        await pair.clock.advance(WITNESSED_WITHIN + 0.1)
        assert [row.target for row in pair.settled if row.kind is EventKind.LEFT] == ["m1"]
    finally:
        await pair.watch.close()


async def test_a_timeline_outlives_its_watch_and_says_when_nobody_watched() -> None:
    pair = Pair()
    try:
        await settle()
        await pair.say("a", news=True)
        await pair.say("b", news=True)
        left_at = pair.clock.now()
        await pair.open_anew(420)
        again = pair.clock.now()
        span = f"{left_at.astimezone():%H:%M} to {again.astimezone():%H:%M}"
        await pair.say("a", news=True)
        await pair.say("b", news=True)
        told = [(row.text, row.after_gap, row.witnesses) for row in pair.settled]
        both = tuple(pair.sources)
        assert told == [
            ("member 1", False, both),
            (f"not watched from {span}: another context was open", False, ("midwatch/timeline",)),
            ("member 1", True, both),
        ]
        await pair.clock.advance(CATCHING_UP)
        await pair.say("a", news=True)
        await pair.say("b", news=True)
        assert not pair.settled[-1].after_gap
    finally:
        await pair.watch.close()


async def test_for_how_long_nobody_watched_is_known_though_the_clock_was_set_back_meanwhile() -> None:
    pair = Pair()
    try:
        await settle()
        pair.clock.wrong = timedelta(hours=-1)
        await pair.open_anew(420)
        again = pair.clock.now()
        span = f"{again - timedelta(seconds=420):%H:%M} to {again:%H:%M}"
        assert [row.text for row in pair.settled] == [f"not watched from {span}: another context was open"]
    finally:
        await pair.watch.close()


async def test_a_watch_that_was_left_tells_nothing_more() -> None:
    pair = Pair()
    try:
        await settle()
        await pair.say("a")
        old = pair.watch
        remembered = old.leave()
        await pair.say("a", news=True)
        SCRIPTS["a"].members.put_nowait(Unreachable("refused"))
        await settle()
        assert pair.settled == []
        assert remembered.timeline is old.timeline
    finally:
        await pair.watch.close()


async def test_a_source_goes_on_from_what_it_said_to_the_watch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Members | None] = []
    members = Fake.members

    def noting(backend: Fake, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        heard.append(last)
        return members(backend, last)

    monkeypatch.setattr(Fake, "members", noting)
    pair = Pair()
    try:
        await settle()
        await pair.say("a")
        # Twice: in between nothing was said.
        await pair.open_anew(10)
        assert all(feed.reading.value is None for feed in pair.watch.feeds("members").values())
        await pair.open_anew(10)
        assert heard[:2] == [None, None]
        assert [sorted(last or ()) for last in heard[2:]] == [["m0"], [], ["m0"], []]
    finally:
        await pair.watch.close()


async def test_what_was_lost_while_nobody_watched_was_lost_at_some_time_before() -> None:
    pair = Pair()
    try:
        await settle()
        await pair.say("a")
        await pair.open_anew(420)
        SCRIPTS["a"].members.put_nowait(Unreachable("refused"))
        await settle()
        assert [(row.text, row.after_gap) for row in pair.settled[1:]] == [("lost: refused", True)]
        await pair.open_anew(420)
        await pair.say("a")
        assert [(row.text, row.after_gap) for row in pair.settled[3:]] == [("back", True)]
        SCRIPTS["a"].members.put_nowait(Unreachable("refused"))
        await settle()
        await pair.clock.advance(1)
        await pair.say("a")
        assert [(row.text, row.after_gap) for row in pair.settled[4:]] == [
            ("lost: refused", False),
            ("back after 1 s", False),
        ]
    finally:
        await pair.watch.close()


async def test_it_is_bounded() -> None:
    board = Board()
    for number in range(EVENTS_MOST + 10):
        board.timeline.hear("etcd/a", (event("etcd/a", EventKind.JOINED, f"web/{number}", "x"),))
    source = board.timeline.events(None)
    first = await anext(source)
    assert len(first.value) == EVENTS_MOST
    assert next(iter(first.value.values())).target == "web/10"
    await source.aclose()


def test_where_somebody_was_who_left_stays_known() -> None:
    board = Board()
    row = replace(member("web-1"), group="web", address="10.0.0.5:80")
    for kind in (EventKind.JOINED, EventKind.LEFT):
        told_event = told(kind, row)
        assert told_event.address == "10.0.0.5:80"
        board.timeline.hear("etcd/a", (told_event,))
    assert [(row.kind, row.address) for row in board.settled] == [
        (EventKind.JOINED, "10.0.0.5:80"),
        (EventKind.LEFT, "10.0.0.5:80"),
    ]
