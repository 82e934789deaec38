"""Lines per second: of what comes while one looks, not of what was there."""

from __future__ import annotations

from datetime import timedelta

from tests.clock import START
from tests.unit.test_log_merging import Bench, Reader, at
from widgets.logs.feeder import Feeder
from widgets.logs.view import LogView


class Looking(Bench):
    """A view over sources, in which time passes second by second; `now` dates a line that happens now."""

    def __init__(self, sources: int = 1) -> None:
        super().__init__(sources)
        self.view = LogView(clock=self.clock)
        self.view.show([Feeder(f"s/{i}", tail, Reader()) for i, tail in enumerate(self.tails)])

    @property
    def now(self) -> float:
        return (self.clock.now() - START).total_seconds()

    def rate(self) -> float | None:
        return self.view.rate

    def second(self, old: int = 0, new: int = 0) -> None:
        self.clock.seconds += 1
        for source in range(len(self.tails)):
            if old:
                self.say(source, *[at(0, "before")] * old)
            if new:
                self.say(source, *[at(self.now, "now")] * new)
        self.view.watch_readings({})
        while self.view.work():
            pass


def test_what_was_there_before_does_not_count_however_late_it_comes_in() -> None:
    for sources in (1, 2):
        looking = Looking(sources)
        for second in range(10):
            looking.second(old=5000 if second < 8 else 0, new=35)
        assert looking.rate() == 35 * sources


def test_nothing_is_said_before_it_can_be() -> None:
    looking = Looking()
    for _ in range(4):
        looking.second(new=10)
        assert looking.rate() is None
    looking.second(new=10)
    looking.second(new=10)
    assert looking.rate() == 10


def test_silence_is_none_a_second_and_catching_up_is_unknown() -> None:
    looking = Looking()
    for _ in range(10):
        looking.second()
    assert looking.rate() == 0
    looking.second(old=500)
    assert looking.rate() is None


def test_looking_again_and_other_lines_begin_anew() -> None:
    looking = Looking()
    for _ in range(10):
        looking.second(new=10)
    looking.view.set_filter("now", None)
    assert looking.rate() is None
    for _ in range(10):
        looking.second(new=10)
    assert looking.rate() == 10
    looking.view.count_anew()
    assert looking.rate() is None


def test_while_followed_a_window_lets_go_of_what_is_older() -> None:
    for sources in (1, 2):
        looking = Looking(sources)
        for _ in range(10):
            looking.second(new=2)
        view = looking.view
        view.set_filter("", START + timedelta(seconds=looking.now - 5))
        assert view.lines.shown == 6 * 2 * sources
        looking.second(new=1)
        view.move_window(START + timedelta(seconds=looking.now - 5))
        assert view.lines.shown == (5 * 2 + 1) * sources
        assert view.cursor == view.lines.shown - 1
        view.move_window(START + timedelta(seconds=looking.now + 60))
        assert (view.lines.shown, view.cursor) == (0, -1)
