"""What makes a unit flap: starts, counted from supervisord's own answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from backends.api.events import Event, EventKind
from backends.api.readings import FeedKey, Reading, State
from backends.incident.flapping import ASKED_WITHIN, FLAPPING_WITHIN
from backends.incident.problems import Now, problems
from backends.incident.timeline import Timeline
from backends.processes.supervisord_programs import About, Info, Named, Programs, Roll, told_to_stop
from tests.clock import FakeClock

ABOUT = About("4.2.5", 7, "supervisor", "h", True)
RUNNING, STOPPING, STOPPED, STARTING, BACKOFF, EXITED = (
    *("RUNNING", "STOPPING", "STOPPED"),
    *("STARTING", "BACKOFF", "EXITED"),
)
ONE_RESTART = (STOPPING, STOPPED, STARTING, RUNNING)


class Supervised:
    """One program, answer after answer, and what the timeline makes of its news."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.roll = Roll("supervisord/a")
        self.timeline = Timeline(self.clock, lambda cluster: frozenset())
        self.at = int(datetime.now(UTC).timestamp())
        self.info = Info("web", "web", self.at, 0, self.at, RUNNING, "", 0, 100)
        self.rows: Programs | None = None
        self._look()

    def goes(self, *states: str) -> None:
        for state in states:
            again = state == STARTING or (state == RUNNING and self.info.statename in (RUNNING, EXITED, STOPPED))
            self.at += 1
            start, pid = (self.at, self.info.pid + 1) if again else (self.info.start, self.info.pid)
            self.info = replace(self.info, statename=state, start=start, pid=pid)
            self._look()

    def _look(self) -> None:
        seen = self.roll.look(self.rows, [self.info], ABOUT, {})
        self.rows = seen.value
        # Their time is the program's, not the test's clock.
        news = [replace(item, time=self.clock.now()) for item in seen.news if isinstance(item, Event)]
        self.timeline.hear("supervisord/a", tuple(news))

    def asked(
        self,
        noun: str = "units",
        key: str = "supervisord/a/web",
        verb: str = "restart",
        *,
        to_end: bool = True,
    ) -> None:
        """The door tells how an action ended."""
        event = Event(
            self.clock.now(),
            EventKind.ACTION,
            "midwatch/door",
            "web",
            f"{verb}: done",
            asked_to_end=to_end,
            about=(noun, key),
        )
        self.timeline.hear("midwatch/door", (event,))

    async def said(self, later: float = 0.0) -> list[tuple[str, str]]:
        source = self.timeline.events(None)
        events = (await anext(source)).value
        await source.aclose()
        readings = {FeedKey("supervisord/a", "units"): Reading(State.LIVE, self.rows, 1.0, self.clock.now())}
        now = Now(self.clock.monotonic() + later, self.clock.now())
        found = problems(readings, (), {}, events.values(), now, (), {"h/100": "supervisord/a/web"}.get)
        return [(problem.word, problem.why) for problem in found]


@pytest.mark.parametrize(
    "states",
    [ONE_RESTART * 6, (STOPPING, STARTING, RUNNING) * 6, (*ONE_RESTART, RUNNING, RUNNING, RUNNING)],
    ids=["six stops and starts", "whose stop was short", "three starts"],
)
async def test_a_stop_and_start_on_request_is_no_flapping(states: tuple[str, ...]) -> None:
    web = Supervised()
    web.goes(*states)
    assert await web.said() == []


@pytest.mark.parametrize(
    "states",
    [(RUNNING,) * 4, (EXITED, RUNNING) * 4, (STARTING, BACKOFF) * 4],
    ids=["restarts between two looks", "exits", "tries that fail"],
)
async def test_four_starts_in_ten_minutes_are(states: tuple[str, ...]) -> None:
    web = Supervised()
    web.goes(*states)
    ((word, why),) = await web.said()
    assert (word, why.partition(",")[0]) == ("flapping", "4 restarts in 10 min")
    assert await web.said(FLAPPING_WITHIN + 1) == []


@pytest.mark.parametrize(("noun", "key"), [("units", "supervisord/a/web"), ("processes", "h/100")])
async def test_what_the_door_was_asked_for_is_none_however_short_its_stop_was(noun: str, key: str) -> None:
    web = Supervised()
    for _ in range(6):
        web.goes(RUNNING)
        await web.clock.advance(2)
        web.asked(noun, key)
    assert await web.said() == []


async def test_an_action_that_asked_nobody_to_end_accounts_for_nothing() -> None:
    web = Supervised()
    for _ in range(4):
        web.goes(RUNNING)
        web.asked(verb="SIGHUP", to_end=False)
    ((word, _),) = await web.said()
    assert word == "flapping"


@pytest.mark.parametrize("of", [("units", "supervisord/a/other"), ("processes", "h/7"), ("runs", "r")])
async def test_what_it_did_to_others_is_no_reason(of: tuple[str, str]) -> None:
    web = Supervised()
    for _ in range(4):
        web.goes(RUNNING)
        web.asked(*of)
    ((word, _),) = await web.said()
    assert word == "flapping"


async def test_each_action_accounts_for_one_restart_about_its_time() -> None:
    web = Supervised()
    web.goes(*(RUNNING,) * 4)
    web.asked()
    web.asked()
    assert await web.said() == []
    web.goes(*(RUNNING,) * 2)
    ((_, why),) = await web.said()
    assert why == "4 restarts in 10 min"
    await web.clock.advance(ASKED_WITHIN + 1)
    web.asked()
    assert len(await web.said()) == 1


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ((STOPPING, STOPPED), ["running → stopping", "stopping → stopped"]),
        ((STOPPED, STARTING, BACKOFF), ["stopped → starting", "starting (STARTING → BACKOFF)"]),
        ((STOPPED, STARTING, BACKOFF, "FATAL"), ["starting → failed (FATAL)"]),
    ],
)
def test_our_words_come_first_and_the_supervisors_own_where_it_adds_something(
    states: tuple[str, ...], told: list[str]
) -> None:
    one = Supervised()
    one.goes(*states)
    texts = [row.text.partition(": ")[0] for row in one.timeline._rows.values()]
    assert texts[-len(told) :] == told


LOG = """\
\x00 cut line INFO exited: web (
2026-11-24 02:13:20,501 INFO stopped: web (terminated by SIGTERM)
2026-11-24 02:13:20,502 INFO spawned: 'web' with pid 12
2026-11-24 02:13:21,000 INFO stopped: job (exit status 0)
2026-11-24 02:13:22,000 WARN exited: job (exit status 3; not expected)
2026-11-24 02:13:23,000 WARN stopped: a b (terminated by SIGKILL)
2026-11-24 02:13:24,000 INFO stopped: twin (terminated by SIGTERM)
"""


def test_its_own_log_tells_which_programs_were_told_to_stop() -> None:
    names = [("web", "web"), ("job", "g"), ("a b", "g"), ("twin", "g"), ("twin", "h"), ("never", "g")]
    assert told_to_stop(LOG, [Named(*pair) for pair in names]) == {"web", "g:a b"}
    # It prints all that programs write, where it is set to.
    assert (
        told_to_stop(f"2026-11-26 12:00:00,000 DEBG 'web' stdout output:\n{LOG}", [Named("web", "web")]) == set()
    )
