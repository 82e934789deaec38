"""Whoever looks at feeds without a screen: what is waited for, and for how long."""

from __future__ import annotations

import asyncio

from backends.api.errors import Unreachable
from backends.api.feed import Feed
from backends.api.readings import State
from backends.viewer import Viewer
from tests.clock import FakeClock, settle
from tests.unit.feeds import PACE, Script


def feeds(clock: FakeClock, *scripts: Script) -> list[Feed[dict[str, int], dict[str, int]]]:
    return [Feed(f"lab/{number} things", script, pace=PACE, clock=clock) for number, script in enumerate(scripts)]


async def test_an_answer_and_a_failure_are_first_words_and_no_one_of_them_alone_is_enough() -> None:
    clock, one, two = FakeClock(), Script(), Script()
    looked_at = feeds(clock, one, two)
    viewer = Viewer()
    waiting = asyncio.ensure_future(viewer.first_words(looked_at, 60))
    one.say({"a": 1})
    await settle()
    assert not waiting.done()
    two.fail(Unreachable("connection refused"))
    await settle()
    assert waiting.done()
    assert [feed.reading.state for feed in looked_at] == [State.LIVE, State.UNREACHABLE]
    await asyncio.gather(*(feed.close() for feed in looked_at))


async def test_what_keeps_silent_is_waited_for_no_longer_than_was_said() -> None:
    (silent,) = feeds(FakeClock(), Script())
    viewer = Viewer()
    async with asyncio.timeout(5):
        await viewer.first_words([silent], 0.01)
    assert silent.reading.state is State.LOADING
    await silent.close()


async def test_feeds_run_until_it_looks_away() -> None:
    clock, script = FakeClock(), Script()
    (feed,) = feeds(clock, script)
    viewer = Viewer()
    script.say({"a": 1})
    await viewer.first_words([feed], 5)
    await clock.advance(PACE.quiet - 1)
    script.say({"a": 2})
    await viewer.change()
    assert feed.reading.value == {"a": 2}
    viewer.close()
    script.say({"a": 3})
    await clock.advance(PACE.quiet - 1)
    script.say({"a": 4})
    await clock.advance(PACE.linger)
    assert feed.reading.state is State.IDLE
    await feed.close()
