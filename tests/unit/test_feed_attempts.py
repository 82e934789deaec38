"""From one attempt of a feed to the next: nothing of the one before sticks to it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from backends.api.errors import Unreachable
from backends.api.readings import Seen, State
from tests.clock import FakeClock, settle
from tests.unit.feeds import PACE, Script, Watched


async def gone_quiet() -> tuple[FakeClock, Script, Watched]:
    """A feed whose first attempt spoke and fell silent, and whose second one has begun."""
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.say({"a": 1})
    await settle()
    await clock.advance(PACE.quiet)
    assert watched.state() is State.STALE
    await clock.advance(1)
    assert len(script.starts) == 2
    return clock, script, watched


async def test_a_failure_after_a_silence_is_told_as_that_failure() -> None:
    _, script, watched = await gone_quiet()
    refused = Unreachable("connection refused")
    script.fail(refused)
    await settle()
    assert (watched.state(), watched.feed.reading.error) == (State.UNREACHABLE, refused)
    await watched.feed.close()


async def test_after_a_silence_the_next_attempt_has_as_long_for_its_first_word_as_the_first() -> None:
    clock, script, watched = await gone_quiet()
    await clock.advance(PACE.first - 2)
    script.say({"a": 2})
    await settle()
    assert watched.state() is State.LIVE
    await watched.feed.close()


async def test_a_second_silence_is_told_as_soon_as_the_first() -> None:
    clock, script, watched = await gone_quiet()
    script.say({"a": 2})
    await settle()
    await clock.advance(PACE.quiet - 0.01)
    assert watched.state() is State.LIVE
    await clock.advance(0.02)
    assert watched.state() is State.STALE
    await watched.feed.close()


async def test_while_an_attempt_is_under_way_no_next_one_is_told() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.fail(Unreachable("refused"))
    await settle()
    told = [watched.feed.reading.next_try]
    await clock.advance(0.5)
    told.append(watched.feed.reading.next_try)
    assert len(script.starts) == 2
    assert told == [clock.monotonic(), None]
    await watched.feed.close()


async def test_after_retry_now_the_pauses_begin_with_the_shortest() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    for _ in range(5):
        script.fail(Unreachable("refused"))
        await clock.advance(10)
    script.fail(Unreachable("refused"))
    await settle()
    watched.feed.retry_now()
    script.fail(Unreachable("refused"))
    await settle()
    assert watched.feed.reading.next_try == clock.monotonic() + 0.5
    await watched.feed.close()


async def test_what_is_said_after_the_last_viewer_has_left_is_not_shown_as_live() -> None:
    clock, said, over = FakeClock(), asyncio.Event(), asyncio.Event()

    async def stubborn(last: Any) -> AsyncGenerator[Seen[Any], None]:
        yield Seen({"a": 1})
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            said.set()
        yield Seen({"late": 1})
        await over.wait()

    watched = Watched(stubborn, clock)
    await settle()
    watched.leave()
    await watched.feed.close()
    assert said.is_set()
    assert (watched.state(), watched.feed.reading.value) == (State.IDLE, {"a": 1})


async def test_a_word_that_comes_as_an_attempt_is_given_up_is_not_shown_as_live() -> None:
    """Before the next attempt has begun, too."""
    clock = FakeClock()

    async def stubborn(last: Any) -> AsyncGenerator[Seen[Any], None]:
        yield Seen({"a": 1})
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        yield Seen({"late": 1})
        await asyncio.Event().wait()

    watched = Watched(stubborn, clock)
    await settle()
    await clock.advance(PACE.quiet)
    assert (watched.state(), watched.feed.reading.value) == (State.STALE, {"a": 1})
    await watched.feed.close()


async def test_who_leaves_twice_takes_no_other_viewer_along() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    stay = watched.feed.watch(lambda new, before: None)
    await settle()
    script.say({"a": 1})
    watched.leave()
    watched.leave()
    for _ in range(6):
        await clock.advance(PACE.linger / 3)
        script.say({"a": 1}, frozenset())
        await settle()
    assert watched.state() is State.LIVE
    stay()
    await watched.feed.close()


async def test_one_that_is_always_looked_at_goes_on_when_nobody_looks() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock, replace(PACE, always=True))
    await settle()
    watched.leave()
    for number in range(6):
        await clock.advance(PACE.linger / 3)
        script.say({"a": number})
        await settle()
    assert (watched.state(), watched.feed.reading.value) == (State.LIVE, {"a": 5})
    await watched.feed.close()


async def test_an_attempt_that_would_not_end_is_told_of_beside_the_next_ones_values() -> None:
    clock, over = FakeClock(), asyncio.Event()
    attempts = 0

    async def source(last: Any) -> AsyncGenerator[Seen[Any], None]:
        nonlocal attempts
        attempts += 1
        while attempts == 1 and not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue
        yield Seen({"a": attempts})
        await asyncio.Event().wait()

    watched = Watched(source, clock)
    await clock.advance(PACE.first + 2)
    assert watched.state() is State.LIVE
    assert watched.feed.reading.abandoned == 1
    over.set()
    await settle()
    assert watched.feed.reading.abandoned == 0
    await watched.feed.close()


async def test_a_feed_that_is_looked_at_again_tells_no_old_error() -> None:
    clock, script = FakeClock(), Script()
    watched = Watched(script, clock)
    await settle()
    script.fail(Unreachable("refused"))
    await settle()
    watched.leave()
    await clock.advance(PACE.linger)
    assert watched.state() is State.IDLE
    watched.feed.watch(lambda new, before: None)
    assert (watched.state(), watched.feed.reading.error) == (State.LOADING, None)
    await watched.feed.close()


async def test_a_failure_that_is_shown_keeps_nothing_of_what_was_in_hand() -> None:
    class Answer:
        pass

    answers: list[weakref.ref[Answer]] = []

    async def source(last: Any) -> AsyncGenerator[Seen[Any], None]:
        answer = Answer()
        answers.append(weakref.ref(answer))
        yield Seen({"a": 1})
        try:
            raise ValueError
        except ValueError as error:
            raise Unreachable("broke off") from error

    watched = Watched(source, FakeClock())
    await settle()
    assert watched.feed.reading.error == Unreachable("broke off")
    gc.collect()
    assert answers[0]() is None
    await watched.feed.close()
