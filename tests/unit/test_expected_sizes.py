"""Instances are counted as they come, however often that is."""

from __future__ import annotations

from backends.api.members import Member, Members, MemberState, Role
from backends.incident.expected_sizes import PAUSE, Counting, GroupSizes
from tests.clock import FakeClock


def group_of(size: int) -> Members:
    names = [f"web-{number}" for number in range(size)]
    return {name: Member(name, name, "etcd/a", Role.MEMBER, MemberState.UP, group="web") for name in names}


class Counted(GroupSizes):
    times = 0

    def note(self, now: float, instances: Members, *, after_gap: bool = False) -> None:
        self.times += 1
        super().note(now, instances, after_gap=after_gap)


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


async def test_a_group_that_was_too_small_when_looked_at_is_told_from_one_that_became_so() -> None:
    clock, sizes = FakeClock(), GroupSizes({"web": 3})
    first = Counting(sizes, clock)

    def found() -> bool:
        return sizes.expected(clock.monotonic())["web"].found

    first.hear(group_of(2), after_gap=True)
    assert found()
    first.hear(group_of(1))
    await clock.advance(PAUSE)
    assert found()
    first.hear(group_of(3))
    await clock.advance(PAUSE)
    first.hear(group_of(2))
    await clock.advance(PAUSE)
    assert not found()
    # Another watch goes on with the sizes: what was seen to begin stays so.
    again = Counting(sizes, clock)
    again.hear(group_of(2), after_gap=True)
    assert not found()
    again.hear(group_of(3))
    await clock.advance(PAUSE)
    again.hear(group_of(2), after_gap=True)
    await clock.advance(PAUSE)
    assert found()


async def test_a_gap_is_not_forgotten_by_what_is_heard_before_it_is_counted() -> None:
    clock, sizes = FakeClock(), GroupSizes({"web": 3})
    counting = Counting(sizes, clock)
    counting.hear(group_of(3))
    counting.hear(group_of(2), after_gap=True)
    counting.hear(group_of(2))
    await clock.advance(PAUSE)
    assert sizes.expected(clock.monotonic())["web"].found
