"""The promises of a Feed, each with a clock that the test owns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from backends.api.errors import BackendBug, Silent, SourceEnded, TimedOut, Unreachable
from backends.api.events import Event, EventKind
from backends.api.feed import ABANDONED_MOST, Feed
from backends.api.pace import Backoff, Pace, looked_at
from backends.api.readings import Seen, State
from tests.clock import FakeClock, settle
from tests.unit.feeds import PACE, Script, Watched, steady


def event(text: str) -> Event:
    return Event(datetime.now(UTC), EventKind.STATE, "lab/x", "t", text)


async def test_first_answer_slower_than_quiet_is_waited_for() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await clock.advance(9)
    assert watched.state() is State.LOADING
    script.say({"a": 1})
    await settle()
    assert watched.state() is State.LIVE
    assert watched.feed.reading.value == {"a": 1}
    await watched.feed.close()


async def test_a_source_can_ask_whether_anybody_looks() -> None:
    seen: list[bool] = []

    async def source(last: int | None) -> AsyncGenerator[Seen[int], None]:
        for number in range(3):
            seen.append(looked_at.get()())
            yield Seen(number)
            await asked.wait()
            asked.clear()

    asked = asyncio.Event()
    feed: Feed[int, int] = Feed("lab/x logs", source, pace=Pace(always=True), clock=FakeClock())
    feed.start()
    await settle()
    leave = feed.watch(lambda new, before: None)
    asked.set()
    await settle()
    leave()
    asked.set()
    await settle()
    await feed.close()
    assert (seen, looked_at.get()()) == ([False, True, False], True)


async def test_a_feed_that_is_doubted_is_stale_at_once_until_its_server_speaks() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    doubt = Silent("no answer within 8 s", where="lab/x targets")
    watched.feed.doubt(doubt)
    assert watched.state() is State.LOADING
    script.say({"a": 1})
    await settle()
    heard = clock.monotonic()
    watched.feed.doubt(doubt)
    assert watched.state() is State.STALE
    reading = watched.feed.reading
    assert (reading.value, reading.at, reading.error) == ({"a": 1}, heard, doubt)
    await clock.advance(1)
    assert watched.state() is State.STALE
    script.say({"a": 1}, frozenset())
    await settle()
    assert (watched.state(), watched.feed.reading.error) == (State.LIVE, None)
    assert script.starts == [None]
    await clock.advance(4.99)
    assert watched.state() is State.LIVE
    watched.leave()
    await watched.feed.close()
    watched.feed.doubt(doubt)
    assert watched.state() is State.IDLE


async def test_the_first_word_is_the_value_though_it_says_that_nothing_changed() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    script.say({"a": 1}, frozenset())
    await settle()
    assert (watched.state(), watched.feed.reading.value) == (State.LIVE, {"a": 1})
    await watched.feed.close()


async def test_no_first_answer_is_unreachable_and_tried_again() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await clock.advance(10)
    assert watched.state() is State.UNREACHABLE
    assert isinstance(watched.feed.reading.error, TimedOut)
    assert watched.feed.reading.error.reason == "no answer within 10 s"
    await clock.advance(1)
    assert len(script.starts) == 2
    await watched.feed.close()


async def test_silence_is_stale_at_the_very_moment_with_value_and_age_kept() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({"a": 1})
    await settle()
    heard = clock.monotonic()
    await clock.advance(4.99)
    assert watched.state() is State.LIVE
    await clock.advance(0.02)
    assert watched.state() is State.STALE
    reading = watched.feed.reading
    assert (reading.value, reading.at) == ({"a": 1}, heard)
    assert isinstance(reading.error, Silent)
    await watched.feed.close()


async def test_a_word_without_news_proves_freshness_and_keeps_the_value_itself() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    value = {"a": 1}
    script.say(value)
    for _ in range(4):
        await clock.advance(4)
        script.say({"a": 1}, frozenset())
        await settle()
    assert watched.state() is State.LIVE
    assert watched.feed.reading.value is value
    assert watched.feed.reading.at == clock.monotonic()
    await watched.feed.close()


async def test_a_restart_gets_the_last_value_that_was_taken() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({"revision": 7})
    script.fail(Unreachable("connection refused", where="h:1"))
    await settle()
    assert watched.state() is State.UNREACHABLE
    assert watched.feed.reading.value == {"revision": 7}
    await clock.advance(0.5)
    assert script.starts == [None, {"revision": 7}]
    script.say({"revision": 8})
    await settle()
    assert watched.state() is State.LIVE
    await watched.feed.close()


async def test_a_restart_neither_repeats_nor_loses() -> None:
    clock = FakeClock()
    log = list(range(100))
    seen: list[int] = []

    async def source(last: int | None) -> AsyncGenerator[Seen[int], None]:
        for number in log[0 if last is None else last + 1 :]:
            if number % 10 == 9 and (last is None or last < number - 1):
                raise Unreachable("broken pipe")
            yield Seen(number)
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    feed: Feed[int, int] = Feed("x", source, pace=PACE, clock=clock, fold=_collect(seen), backoff=steady())
    feed.watch(lambda new, before: None)
    for _ in range(30):
        await clock.advance(1)
    assert seen == log
    await feed.close()


def _collect(into: list[int]) -> Any:
    def fold(value: int) -> int:
        into.append(value)
        return value

    return fold


@pytest.mark.parametrize(
    ("order", "kind"),
    [(ValueError("boom"), BackendBug), (SystemExit(3), BackendBug), (None, SourceEnded)],
)
async def test_whatever_a_source_does_the_feed_goes_on(order: BaseException | None, kind: type) -> None:
    clock, script, other = FakeClock(), Script(), Script()
    watched, beside = Watched(script, clock), Watched(other, clock)
    await settle()
    other.say({"b": 2})
    if order is None:
        script.end()
    else:
        script.fail(order)
    await settle()
    assert watched.state() is State.UNREACHABLE
    assert isinstance(watched.feed.reading.error, kind)
    assert beside.state() is State.LIVE
    await clock.advance(0.5)
    script.say({"a": 1})
    await settle()
    assert watched.state() is State.LIVE
    await watched.feed.close()
    await beside.feed.close()


async def test_a_source_that_will_not_die_is_abandoned_counted_and_after_three_not_started_again() -> None:
    clock = FakeClock()
    release = asyncio.Event()
    starts = 0

    async def stubborn(last: Any) -> AsyncGenerator[Seen[Any], None]:
        nonlocal starts
        starts += 1
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        yield Seen({"late": 1})

    watched = Watched(stubborn, clock)
    await clock.advance(10.4)
    assert watched.feed.reading.abandoned == 0
    await clock.advance(0.2)
    assert watched.feed.reading.abandoned == 1
    await clock.advance(100)
    assert watched.feed.reading.abandoned == ABANDONED_MOST
    assert starts == ABANDONED_MOST
    release.set()
    await settle()
    assert watched.feed.reading.abandoned == 0
    # The late words of attempts that were given up are not believed, that of a new one is.
    assert starts == ABANDONED_MOST + 1
    assert watched.feed.reading.value == {"late": 1}
    await watched.feed.close()


async def test_a_late_word_of_an_attempt_that_was_given_up_is_ignored() -> None:
    clock = FakeClock()
    gate = asyncio.Event()
    attempts = 0

    async def source(last: Any) -> AsyncGenerator[Seen[Any], None]:
        nonlocal attempts
        attempts += 1
        mine = attempts
        if mine == 1:
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    continue
        yield Seen({"attempt": mine})
        await asyncio.Event().wait()

    watched = Watched(source, clock)
    await clock.advance(12)
    assert watched.feed.reading.value == {"attempt": 2}
    gate.set()
    await settle()
    assert watched.feed.reading.value == {"attempt": 2}
    await watched.feed.close()


async def test_a_source_that_never_waits_leaves_the_loop_its_turns() -> None:
    async def flood(last: Any) -> AsyncGenerator[Seen[Any], None]:
        for number in range(200_000):
            yield Seen(number)
        await asyncio.Event().wait()

    feed: Feed[int, int] = Feed("x", flood, pace=PACE)
    feed.watch(lambda new, before: None)
    # The processor's time: what others do on this machine is no turn of ours.
    longest, turn = 0.0, time.thread_time()
    while feed.reading.value != 199_999:
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, turn = max(longest, now - turn), now
    assert longest < 0.1
    await feed.close()


async def test_no_attempt_begins_before_its_turn() -> None:
    clock, script, turn = FakeClock(), Script(), asyncio.Event()
    feed: Feed[Any, Any] = Feed("lab/x things", script, pace=PACE, clock=clock, turn=turn)
    feed.watch(lambda new, before: None)
    script.say({"a": 1})
    await settle()
    assert not script.starts
    turn.set()
    await settle()
    assert script.starts == [None]
    assert feed.reading.state is State.LIVE
    await feed.close()


async def test_put_and_delete_between_two_looks_are_two_events_in_order() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({}, None, event("joined"), event("left"))
    await settle()
    assert [item.text for item in watched.news] == ["joined", "left"]
    await watched.feed.close()


async def test_a_feed_that_nobody_watches_rests_after_a_while_and_is_never_shown_as_live() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({"a": 1})
    await settle()
    watched.leave()
    await clock.advance(4)
    assert watched.state() is State.LIVE
    script.say({"a": 1}, frozenset())
    await clock.advance(4)
    script.say({"a": 1}, frozenset())
    await clock.advance(2)
    assert watched.state() is State.IDLE
    assert watched.feed.reading.value == {"a": 1}
    leave = watched.feed.watch(lambda new, before: None)
    await settle()
    assert watched.state() is State.LOADING
    assert watched.feed.reading.value == {"a": 1}
    assert script.starts == [None, {"a": 1}]
    leave()
    await watched.feed.close()


async def test_a_viewer_who_comes_back_in_time_finds_the_feed_running() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({"a": 1})
    await settle()
    watched.leave()
    await clock.advance(3)
    watched.feed.watch(lambda new, before: None)
    script.say({"a": 1}, frozenset())
    await clock.advance(4.9)
    script.say({"a": 1}, frozenset())
    await clock.advance(4.9)
    assert watched.state() is State.LIVE
    assert script.starts == [None]
    await watched.feed.close()


async def test_a_listener_that_raises_costs_only_itself() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)

    def bad(*args: object) -> None:
        raise RuntimeError("listener")

    watched.feed.watch(bad)
    watched.feed.on_news(bad)
    heard: list[Any] = []
    news: list[Any] = []
    watched.feed.watch(lambda new, before: heard.append(new.value))
    watched.feed.on_news(news.extend)
    await settle()
    happened = event("x")
    script.say({"a": 1}, None, happened)
    await settle()
    assert heard[-1] == {"a": 1}
    assert news == watched.news == [happened]
    assert watched.state() is State.LIVE
    await watched.feed.close()


async def test_retry_now_ends_the_pause() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    for _ in range(5):
        script.fail(Unreachable("refused"))
        await clock.advance(10)
    starts = len(script.starts)
    script.fail(Unreachable("refused"))
    await settle()
    assert watched.feed.reading.next_try is not None
    watched.feed.retry_now()
    await settle()
    assert len(script.starts) == starts + 1
    await watched.feed.close()


def test_pauses_grow_to_five_seconds_and_start_over() -> None:
    backoff = Backoff(jitter=lambda: 0.0)
    assert [backoff.pause() for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.pause() == 0.5
    assert Backoff(jitter=lambda: 1.0).pause() == 0.375


async def test_it_never_gives_up() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    for _ in range(200):
        script.fail(Unreachable("refused"))
    await clock.advance(900)
    assert len(script.starts) > 150
    script.say({"a": 1})
    await clock.advance(200)
    assert watched.feed.reading.value == {"a": 1}
    await watched.feed.close()


async def test_a_thousand_feeds_cost_the_loop_little() -> None:
    clock = FakeClock()
    scripts = [Script() for _ in range(1000)]
    feeds = [Watched(script, clock) for script in scripts]
    await settle()
    for script in scripts:
        script.say({"a": 1})
    await settle()
    assert all(watched.state() is State.LIVE for watched in feeds)
    await clock.advance(5)
    assert all(watched.state() is State.STALE for watched in feeds)
    began = time.thread_time()
    await asyncio.gather(*(watched.feed.close() for watched in feeds))
    assert time.thread_time() - began < 1


async def test_close_ends_what_runs_within_a_second() -> None:
    script = Script()
    feed: Feed[Any, Any] = Feed("x", script, pace=PACE)
    feed.watch(lambda new, before: None)
    await settle()
    began = time.perf_counter()
    await feed.close()
    assert time.perf_counter() - began < 1
    assert feed.reading.state is State.IDLE
    assert not [task for task in asyncio.all_tasks() if "x" in task.get_name().split()]


@pytest.mark.parametrize("factory", [None, getattr(asyncio, "eager_task_factory", None)])
async def test_a_source_that_speaks_before_it_waits_is_heard_whatever_makes_tasks(factory: Any) -> None:
    async def source(last: Any) -> AsyncGenerator[Seen[Any], None]:
        yield Seen({"at once": 1})
        await asyncio.Event().wait()

    clock = FakeClock()
    asyncio.get_running_loop().set_task_factory(factory)
    try:
        watched = Watched(source, clock)
        await settle()
        assert watched.state() is State.LIVE
        await clock.advance(5.1)
        assert watched.state() is State.STALE
        await watched.feed.close()
    finally:
        asyncio.get_running_loop().set_task_factory(None)
