"""Events: from what happened to the thing itself, and to its logs of that time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backends.api.alerts import Alert, AlertState
from backends.api.events import Event, EventKind, Occurrence
from backends.api.members import MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import FeedKey, Reading, Seen, State
from backends.api.units import Unit, UnitState
from backends.relations import Relations
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import member, process
from tui.kinds.leads import no_subject, subject_of, thing_of
from widgets.tables.columns import LogsOf


def happened(screen: Screen, *events: Event) -> None:
    rows = (member("m0", role=Role.LEADER), member("m1", MemberState.DOWN), member("m2"))
    screen.script.members.put_nowait(Seen({row.key: row for row in rows}, None, events))


async def test_enter_goes_to_the_thing_and_d_describes(opened: Opened) -> None:
    async with opened(command="events") as screen:
        now = datetime.now(UTC)
        happened(
            screen,
            Event(now, EventKind.STATE, "fake/main", "m2", "up → down"),
            Event(now, EventKind.LEADER, "fake/main", "fake/main", "m1 → m0"),
            Event(now, EventKind.LEFT, "fake/main", "web/gone-1", "gone-1"),
        )
        await screen.until("gone-1")
        await screen.press("enter")
        await screen.until("it is not there any more")
        await screen.press("d")
        await screen.until("seen by")
        await screen.press("q", "j", "enter")
        await screen.until("sort group")
        assert screen.app.view.table.current.name == "m0"
        await screen.press("q", "j", "enter")
        await screen.until(lambda: screen.app.view.table.current.name == "m2")
        # Nothing is scrolled away where everything has room.
        await screen.until("m0")


async def test_opened_anew_it_begins_at_the_newest_and_says_what_is_above(opened: Opened) -> None:
    async with opened(command="events", size=(120, 24)) as screen:

        def tell(first: int, last: int) -> None:
            now = datetime.now(UTC)
            told = (Event(now, EventKind.JOINED, "fake/main", f"web/{n}", f"n{n}") for n in range(first, last))
            happened(screen, *told)

        tell(0, 40)
        await screen.until("n39")
        assert "newer above" not in screen.text
        await screen.press("G")
        await screen.until("20 newer above")
        tell(40, 43)
        await screen.until("23 newer above")
        await screen.type(":overview\r:events\r")
        await screen.until("n42")
        assert "newer above" not in screen.text
        # And it stays there.
        tell(43, 44)
        await screen.until(lambda: screen.app.view.table.current.text == "n43")


async def test_the_filter_looks_at_kind_source_target_and_text(opened: Opened) -> None:
    async with opened(command="events") as screen:
        now = datetime.now(UTC)
        happened(
            screen,
            Event(now, EventKind.STATE, "fake/main", "m1", "up → down"),
            Event(now, EventKind.JOINED, "fake/main", "web/web-7", "web-7  10.0.3.17:8080", after_gap=True),
        )
        await screen.until("seen after a gap")
        for wanted in ("joined", "web.7", "8080", "gap"):
            await screen.type(f"/{wanted}\r")
            await screen.until(lambda: "web-7" in screen.text and "up → down" not in screen.text)
            await screen.press("escape")
            await screen.until("up → down")
        await screen.type("/fake\r")
        await screen.until(lambda: "web-7" in screen.text and "up → down" in screen.text)
        await screen.type(":events state\r")
        await screen.until(lambda: "web-7" not in screen.text and "up → down" in screen.text)


async def test_errors_in_a_log_lead_to_its_lines_of_that_time(opened: Opened) -> None:
    async with opened(command="events") as screen:
        screen.script.say_lines(b"2026-11-24T02:00:00Z ERROR refused", origin="/var/log/web-3.log")
        screen.script.say_lines(b"2026-11-24T02:00:01Z fine", origin="/var/log/other.log")
        when = datetime(2026, 11, 24, 2, tzinfo=UTC)
        happened(screen, Event(when, EventKind.ERRORS, "fake/main", "web-3.log", "2/min → 340/min", bad=True))
        await screen.until("340/min")
        await screen.press("enter")
        await screen.until("logs  of")
        await screen.until("ERROR refused")
        assert "fine" not in screen.text


async def test_a_process_that_was_acted_on_is_found_although_nobody_looked_at_processes(opened: Opened) -> None:
    async with opened(command="events") as screen:
        here, gone = process(4121, "python"), process(4122, "python")
        now = datetime.now(UTC)
        for row in (gone, here):
            about = ("processes", row.key)
            happened(
                screen,
                Event(now, EventKind.ACTION, "fake/main", f"python {row.pid}", "SIGHUP: sent", about=about),
            )
        await screen.until("python 4121")
        await screen.press("enter")
        await screen.until("waiting for its first answer")
        assert "not there" not in screen.text
        screen.script.say_processes(process(1, "init"), here)
        await screen.until(lambda: getattr(screen.app.view.table.current, "pid", 0) == 4121)
        await screen.press("q", "j", "enter")
        await screen.until("it is not there any more")


NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


def event(kind: EventKind, source: str, target: str, about: tuple[str, str] | None = None) -> Occurrence:
    return Occurrence("1", source, NOW, kind, target, "t", (source,), about=about)


def alert(name: str, **labels: str) -> Alert:
    return Alert(f"a/{name}", "p/main", name, AlertState.FIRING, labels=labels)


def feeds() -> dict[Any, Reading[Any]]:
    rows: dict[tuple[str, str], tuple[Any, ...]] = {
        ("s/main", "units"): (Unit("u/web", "web:web-1", "s/main", "h", UnitState.RUNNING, "RUNNING", 4121),),
        ("p/main", "targets"): (ScrapeTarget("t/1", "p/main", "web", "127.0.0.1:80", TargetState.UP),),
        ("p/main", "alerts"): (alert("Down", instance="127.0.0.1:80"),),
        ("local/host", "hosts"): (),
        ("local/host", "processes"): (process(4121, "python", listening=("127.0.0.1:8001",)),),
        ("e/main", "instances"): (member("w1", group="web"),),
        ("files/app", "logs"): (),
        ("deploy/web", "deploys"): (),
        ("deploy/web", "runs"): (),
    }
    return {FeedKey(*key): Reading(State.LIVE, {row.key: row for row in found}) for key, found in rows.items()}


def test_every_event_leads_to_its_thing() -> None:
    readings = feeds()
    run, gone = ("runs", "web-1"), ("units", "u/gone")
    readings["deploy/web", "runs"] = Reading(State.LIVE, {"web-1": object()})
    expected = {
        event(EventKind.DEPLOY, "deploy/web", "web 1.8.2", run): run,
        event(EventKind.ACTION, "midwatch/door", "web:web-1", ("units", "u/web")): ("units", "u/web"),
        event(EventKind.ACTION, "midwatch/door", "gone", gone): None,
        event(EventKind.ALERT, "p/main", "Down 127.0.0.1:80"): ("alerts", "a/Down"),
        event(EventKind.STATE, "p/main", "web 127.0.0.1:80"): ("targets", "t/1"),
        event(EventKind.SOURCE, "local/host", "local/host"): ("processes", ""),
        event(EventKind.SOURCE, "files/app", "files/app"): LogsOf((), NOW, "files/app"),
        event(EventKind.SOURCE, "s/main", "s/main"): ("units", ""),
        event(EventKind.SOURCE, "deploy/web", "deploy/web"): ("deploys", ""),
        event(EventKind.ERRORS, "files/app", "web-3.log"): LogsOf(("web-3.log",), NOW, "files/app"),
        event(EventKind.LEFT, "e/main", "web/gone"): None,
    }
    assert {found: thing_of(found, readings) for found in expected} == expected


def test_an_alert_leads_to_what_its_labels_name() -> None:
    readings = feeds()
    relations = Relations(lambda: readings)
    expected = [
        (alert("target", instance="127.0.0.1:80", job="web"), ("targets", "t/1")),
        (alert("unit", unit="web-1"), ("units", "u/web")),
        (alert("address", instance="127.0.0.1:8001"), ("units", "u/web")),
        (alert("member", instance="10.0.0.2:2379"), ("members", "fake/main/w1")),
        (alert("job", instance="127.0.0.1:80", job="other"), None),
        (alert("nothing", severity="page"), None),
    ]
    found = {row.name: subject_of(row, readings, relations) for row, _ in expected}
    assert found == {row.name: lead for row, lead in expected}
    assert "none of its labels" in no_subject(alert("nothing", severity="page"), readings)
    assert "watched here is instance=127.0.0.1:80 job=other" in no_subject(
        alert("job", instance="127.0.0.1:80", job="other"), readings
    )


def test_an_alert_about_a_job_leads_to_its_only_one_and_says_which_there_are() -> None:
    readings, relations = feeds(), Relations(dict)
    assert subject_of(alert("job", job="web"), readings, relations) == ("targets", "t/1")
    assert subject_of(alert("group", service="web"), readings, relations) == ("units", "u/web")
    there = [ScrapeTarget(f"t/{n}", "p/main", "web", f"web-{n}", TargetState.UP) for n in range(5)]
    for count, told in ((2, "web-0 and web-1"), (5, "web-0, web-1 and 3 more")):
        rows = {row.key: row for row in there[:count]}
        readings[FeedKey("p/main", "targets")] = Reading(State.LIVE, rows)
        assert subject_of(alert("job", job="web"), readings, relations) is None
        why = no_subject(alert("job", job="web"), readings)
        assert why == f"job: several are job=web: {told}; :targets web"
    # Which one it is was said, and that one is not there.
    assert "no target" in no_subject(alert("job", instance="web-9", job="web"), readings)


async def test_on_a_small_terminal_when_whom_and_what_changed_are_left(opened: Opened) -> None:
    async with opened(command="events", size=(40, 12)) as screen:
        happened(screen, Event(datetime.now(UTC), EventKind.JOINED, "fake/main", "web/web-7", "10.0.3.17:8080"))
        await screen.until("web/web-7")
        assert screen.lines[2].split() == ["TIME↓", "TARGET", "CHANGE"]
        _, target, change = screen.lines[3].split()
        assert (target, change) == ("web/web-7", "10.0.3.17:8080")
