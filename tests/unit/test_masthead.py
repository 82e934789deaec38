"""The first line: the age that it tells is that of the oldest fact on the screen."""

from __future__ import annotations

from backends.api.errors import TimedOut, Unreachable, WrongQuery
from backends.api.readings import FeedKey, Reading, State
from backends.config.context import Context, SourceConfig
from tests.flows.fake import FakeSettings
from tui.masthead import state_words
from widgets.look import Look

LAB = Context("lab", tuple(SourceConfig("fake", name, FakeSettings()) for name in ("a", "b", "c")))


def lost(at: float) -> Reading[object]:
    return Reading(State.UNREACHABLE, {}, at, error=Unreachable("connection refused"))


def words(*, brief: bool = False, **readings: Reading[object]) -> str:
    told = {FeedKey(f"fake/{name}", "members"): reading for name, reading in readings.items()}
    return state_words(LAB, told, (), ready=True, now=1000, brief=brief)[0]


def test_the_age_of_what_was_lost_is_the_oldest() -> None:
    live: Reading[object] = Reading(State.LIVE, {}, 1000)
    assert words(a=live, b=live) == "all live"
    assert state_words(LAB, {FeedKey("fake/a", "members"): live}, (), ready=True, now=1000)[1] is Look.GOOD
    assert state_words(LAB, {FeedKey("fake/a", "members"): lost(960)}, (), ready=True, now=1000)[1] is Look.BAD
    assert words(a=lost(960), b=live) == "✖ fake/a unreachable 40s"
    assert words(a=lost(960), b=lost(700), c=lost(990)) == "✖ 3 of 3 sources not well 5m"


def test_a_chart_that_is_looked_at_and_not_live_is_told() -> None:
    live: Reading[object] = Reading(State.LIVE, {}, 1000)
    slow: Reading[object] = Reading(State.UNREACHABLE, None, 940, error=TimedOut("no answer"))
    wrong: Reading[object] = Reading(State.UNREACHABLE, error=WrongQuery("parse error"))
    idle: Reading[object] = Reading(State.IDLE, None, 100, error=TimedOut("no answer"))

    def told(*charts: Reading[object], source: Reading[object] = live) -> str:
        return state_words(LAB, {FeedKey("fake/a", "alerts"): source}, (), charts, ready=True, now=1000)[0]

    assert told(live, idle) == "all live"
    assert told(live, wrong) == "▲ 1 chart wrong query"
    assert told(slow, wrong, live) == "▲ 2 charts not well 1m"
    # Its source's own word is the worse one.
    assert told(slow, source=lost(960)) == "✖ fake/a unreachable 40s"


def test_briefly_it_still_says_where_and_since_when() -> None:
    assert words(brief=True, a=lost(960)) == "✖ fake/a 40s"
    assert words(brief=True, a=lost(960), b=lost(700)) == "✖ 2 of 3 5m"
