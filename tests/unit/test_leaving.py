"""What goes on is left by a second wish, made after the first was answered; ctrl+c is counted by itself."""

from __future__ import annotations

import pytest

from tests.clock import FakeClock
from tui.leaving import AGAIN, Holds, Leaving
from widgets.dialog import READING

ARMED = "armed; q again"


class Desk:
    """What was said, and with which code it was left."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.said: list[str] = []
        self.left: list[int] = []
        self.leaving = Leaving(self.left.append, self._say, self.clock.monotonic)
        self.goes_on = ""
        self.holds: Holds = lambda: False

    def _say(self, text: str, holds: Holds) -> None:
        self.said.append(text)
        self.holds = holds

    def wish(self, goes_on: str) -> None:
        self.goes_on = goes_on
        self.leaving.wish(lambda: self.goes_on)

    def interrupt(self) -> None:
        self.leaving.interrupt(lambda: False)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_where_nothing_goes_on_one_wish_leaves(desk: Desk) -> None:
    desk.wish("")
    assert desk.left == [0]


def test_a_second_wish_leaves_once_the_first_can_have_been_read(desk: Desk) -> None:
    desk.wish(ARMED)
    desk.clock.seconds += 2 * READING
    desk.wish(ARMED)
    assert (desk.said, desk.left) == ([ARMED], [0])


def test_a_key_that_is_held_down_never_leaves(desk: Desk) -> None:
    for _ in range(100):
        desk.wish(ARMED)
        desk.clock.seconds += 0.03
    assert not desk.left
    desk.clock.seconds += 2 * READING
    desk.wish(ARMED)
    assert desk.left == [0]


def test_a_wish_that_comes_late_is_the_first_again(desk: Desk) -> None:
    for _ in range(3):
        desk.wish(ARMED)
        desk.clock.seconds += AGAIN + 0.1
    assert (len(desk.said), desk.left) == (3, [])


def test_what_is_said_holds_as_long_as_a_second_wish_would_leave(desk: Desk) -> None:
    desk.wish(ARMED)
    desk.clock.seconds += AGAIN - 0.1
    assert desk.holds()
    desk.clock.seconds += 0.2
    assert not desk.holds()
    desk.interrupt()
    desk.clock.seconds += AGAIN - 0.1
    assert desk.holds()
    desk.clock.seconds += 0.2
    assert not desk.holds()


def test_what_is_said_holds_no_longer_than_its_reason(desk: Desk) -> None:
    desk.wish(ARMED)
    assert desk.holds()
    desk.goes_on = ""
    assert not desk.holds()


def test_a_wish_for_one_reason_is_none_for_another(desk: Desk) -> None:
    desk.wish(ARMED)
    desk.clock.seconds += 1
    desk.wish("SIGTERM has not ended yet")
    assert (desk.said[-1], desk.left) == ("SIGTERM has not ended yet", [])
    desk.clock.seconds += 1
    desk.wish("SIGTERM has not ended yet")
    assert desk.left == [0]


def test_an_interruption_is_no_wish_and_a_wish_no_interruption(desk: Desk) -> None:
    desk.interrupt()
    desk.clock.seconds += 2 * READING
    desk.wish(ARMED)
    assert (desk.said[-1], desk.left) == (ARMED, [])
    desk.clock.seconds += AGAIN
    desk.interrupt()
    assert (desk.said[-1], desk.left) == ("nothing is running; ctrl+c again quits", [])


def test_two_interruptions_leave_however_quickly_they_come(desk: Desk) -> None:
    desk.interrupt()
    desk.interrupt()
    assert desk.left == [130]


def test_an_interruption_ends_what_runs_and_says_nothing(desk: Desk) -> None:
    desk.leaving.interrupt(lambda: True)
    assert not desk.said
    assert not desk.left
