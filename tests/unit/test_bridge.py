"""What the bridge promises a widget: state at once, values in measure, and the present when it looks anew."""

from __future__ import annotations

from typing import Any

import pytest

from backends.api.errors import Unreachable
from backends.api.readings import FeedKey, Reading, Seen, State
from backends.config.context import Context, SourceConfig
from backends.watch import Watch
from tests.clock import FakeClock, settle
from tests.flows.fake import SCRIPTS, FakeSettings, Script, member
from tui.bridge import CALM, CONFIRM, PAINT, Bridge

pytestmark = pytest.mark.usefixtures("scripted")

MEMBERS = FeedKey("fake/main", "members")


class Widget:
    """Keeps all that it was given."""

    def __init__(self) -> None:
        self.told: list[dict[FeedKey, Reading[Any]]] = []

    @property
    def readings(self) -> Any:
        return self.told[-1]

    @readings.setter
    def readings(self, readings: dict[FeedKey, Reading[Any]]) -> None:
        self.told.append(readings)


class Bridged:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.script = SCRIPTS["main"] = Script()
        self.watch = Watch(Context("lab", (SourceConfig("fake", "main", FakeSettings()),)), clock=self.clock)
        self.bridge = Bridge(self.watch)
        self.widget = Widget()
        self.bridge.attach(self.widget, ("members",))

    async def say(self, term: int) -> None:
        self.script.say_members(member("m0", raft_term=term))
        await settle()

    @property
    def terms(self) -> list[int | None]:
        values = [told[MEMBERS].value for told in self.widget.told]
        return [None if value is None else value["fake/main/m0"].raft_term for value in values]


async def test_values_reach_a_widget_ten_times_a_second_and_no_more() -> None:
    it = Bridged()
    await it.say(0)
    before = len(it.widget.told)
    for number in range(1, 101):
        await it.say(number)
        await it.clock.advance(0.01)
    assert len(it.widget.told) - before <= 1 / PAINT
    await it.clock.advance(PAINT)
    assert it.terms[-1] == 100
    await it.watch.close()


async def test_the_same_value_again_is_told_once_a_second() -> None:
    it = Bridged()
    await it.say(1)
    await it.clock.advance(1)
    before = len(it.widget.told)
    for _ in range(30):
        it.script.members.put_nowait(Seen(it.widget.readings[MEMBERS].value, frozenset()))
        await it.clock.advance(0.1)
    assert 2 <= len(it.widget.told) - before <= 3 / CONFIRM + 1
    await it.watch.close()


async def test_what_a_widget_need_not_hear_at_once_is_told_a_little_later() -> None:
    it = Bridged()
    await it.say(1)
    it.bridge.attach(it.widget, ("members",), at_once=("events",))
    await it.say(2)
    await it.clock.advance(CONFIRM)
    assert it.terms[-1] == 1
    await it.clock.advance(CALM - CONFIRM)
    assert it.terms[-1] == 2
    await it.watch.close()


async def test_a_change_of_state_is_told_at_once() -> None:
    it = Bridged()
    await it.say(1)
    it.script.members.put_nowait(Unreachable("connection refused", where="h"))
    await settle()
    assert it.widget.readings[MEMBERS].state is State.UNREACHABLE
    assert it.terms[-1] == 1
    await it.watch.close()


async def test_frozen_nothing_moves_and_what_is_missed_is_counted() -> None:
    it = Bridged()
    await it.say(1)
    it.bridge.freeze(True)
    for number in (2, 3):
        await it.say(number)
    await it.clock.advance(1)
    assert (it.terms[-1], it.bridge.missed) == (1, 2)
    it.bridge.freeze(False)
    assert (it.terms[-1], it.bridge.missed) == (3, 0)
    await it.say(4)
    it.bridge.freeze(True)
    assert it.bridge.missed == 0
    await it.watch.close()


async def test_a_widget_that_comes_while_frozen_is_told_the_present_once() -> None:
    it = Bridged()
    await it.say(1)
    it.bridge.freeze(True)
    late = Widget()
    it.bridge.attach(late, ("members",))
    assert late.readings[MEMBERS].value["fake/main/m0"].raft_term == 1
    await it.say(2)
    await it.clock.advance(1)
    assert late.readings[MEMBERS].value["fake/main/m0"].raft_term == 1
    await it.watch.close()


async def test_who_has_left_is_told_no_more_and_costs_its_source_nothing() -> None:
    it = Bridged()
    it.bridge.attach(it.widget, ("processes",))
    processes = it.watch.feeds("processes")[FeedKey("fake/main", "processes")]
    states = [processes.reading.state]
    it.bridge.detach(it.widget)
    told = len(it.widget.told)
    await it.clock.advance(processes.pace.linger)
    states.append(processes.reading.state)
    assert states == [State.LOADING, State.IDLE]
    assert len(it.widget.told) == told
    await it.watch.close()


async def test_try_now_does_not_wait_for_the_next_try() -> None:
    it = Bridged()
    feed = it.watch.feeds("members")[MEMBERS]
    for _ in range(6):
        it.script.members.put_nowait(Unreachable("connection refused", where="h"))
        await it.clock.advance(5)
    it.script.members.put_nowait(Unreachable("connection refused", where="h"))
    await settle()
    assert feed.reading.next_try is not None
    await it.say(7)
    assert feed.reading.state is State.UNREACHABLE
    it.watch.retry_now()
    await settle()
    assert it.widget.readings[MEMBERS].state is State.LIVE
    await it.watch.close()
