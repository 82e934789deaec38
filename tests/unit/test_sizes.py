"""Instances are counted as they come, however often that is."""

from __future__ import annotations

from backends.api.members import Member, Members, MemberState, Role
from backends.incident.sizes import PAUSE, Counting, GroupSizes
from tests.clock import FakeClock


def group_of(size: int) -> Members:
    names = [f"web-{number}" for number in range(size)]
    return {name: Member(name, name, "etcd/a", Role.MEMBER, MemberState.UP, group="web") for name in names}


class Counted(GroupSizes):
    times = 0

    def note(self, now: float, instances: Members) -> None:
        self.times += 1
        super().note(now, instances)


async def test_a_burst_is_counted_once_a_second_and_its_end_always() -> None:
    clock, sizes = FakeClock(), Counted({})
    counting = Counting(sizes, clock)
    for _ in range(200):
        counting.hear(group_of(3))
    counting.hear(group_of(4))
    assert sizes.expected(clock.monotonic())["web"].size == 3
    await clock.advance(PAUSE)
    assert sizes.expected(clock.monotonic())["web"].size == 4
    assert sizes.times == 2


async def test_one_that_leaves_in_a_burst_is_missed_within_a_second() -> None:
    clock, sizes = FakeClock(), GroupSizes({})
    counting = Counting(sizes, clock)
    counting.hear(group_of(3))
    counting.hear(group_of(2))
    await clock.advance(PAUSE)
    assert sizes.expected(clock.monotonic())["web"].below == clock.monotonic()


async def test_nothing_is_counted_after_the_end() -> None:
    clock, sizes = FakeClock(), Counted({})
    counting = Counting(sizes, clock)
    counting.hear(group_of(3))
    counting.hear(group_of(2))
    counting.close()
    await clock.advance(2 * PAUSE)
    assert sizes.times == 1
