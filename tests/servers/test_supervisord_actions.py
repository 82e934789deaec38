"""What supervisord is told to do, through the door, and what became of it: against the real one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from backends.api.actions import Action, Danger, End, Outcome, Permit, Refused
from backends.api.errors import NotFound
from backends.api.events import Occurrence
from backends.api.readings import FeedKey, State
from backends.api.units import Unit
from backends.changes.audit import Audit
from backends.changes.door import Consent, Door
from backends.changes.who import Who
from backends.config.context import Context, SourceConfig
from backends.processes import supervisord_actions, supervisord_start_again
from backends.processes.supervisord import Supervisord, SupervisordSettings
from backends.processes.supervisord_actions import BEGUN_WITHIN, KILLED_WITHIN
from backends.processes.supervisord_programs import ProgramConfig
from backends.processes.supervisord_start_again import start_again
from backends.watch import Watch
from tests.servers.supervisord_server import PASSWORD, SupervisordServer

pytestmark = pytest.mark.server

SLEEP = "command=sleep 600\nstartsecs=0\n"
DEAF = "command=sh -c \"trap '' TERM HUP; touch {ready}; while :; do sleep 0.05; done\"\nstartsecs=0\n"
JVM = """command=bash -c "exec -a java bash -c 'trap : QUIT; touch {ready}; while :; do sleep 0.05; done'"
startsecs=0
"""
SLOW = "command=sh -c 'trap \"sleep {0}; exit 0\" TERM; while :; do sleep 0.05; done'\nstartsecs=0\n"
PROGRAMS = {
    "web": SLEEP,
    "mortal": SLEEP + "autorestart=false\n",
    "a": SLEEP,
    "b": SLEEP,
    "idle": SLEEP + "autostart=false\n",
    "lost": "command=/nowhere/at-all\nautostart=false\n",
    "quick": "command=sh -c 'exit 3'\nstartsecs=1\nstartretries=0\nautostart=false\n",
    "slow": SLOW.format(1),
    "slower": SLOW.format(5),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisordServer]:
    folder = tmp_path_factory.mktemp("ready")
    prepared = {name: lines.format(ready=folder / name) for name, lines in (("deaf", DEAF), ("jvm", JVM))}
    with SupervisordServer({**PROGRAMS, **prepared}, {"pair": "a,b"}) as server:
        while not all((folder / name).exists() for name in prepared):
            time.sleep(0.02)
        yield server


@pytest.fixture
def own() -> Iterator[SupervisordServer]:
    """One that is frozen or killed."""
    with SupervisordServer({"web": SLEEP}) as server:
        yield server


class House:
    """A door to one supervisord, and what it wrote."""

    def __init__(self, server: SupervisordServer, folder: Path, timeout: float) -> None:
        config = SourceConfig("supervisord", "main", SupervisordSettings(url=server.url))
        self.watch = Watch(Context("lab", (config,), arm="always"), timeout=timeout)
        self.audit = Audit(folder)
        self.door = Door(self.watch, self.audit, Who("ops1", "local", "h"))
        backend = self.watch.backend("supervisord/main")
        assert isinstance(backend, Supervisord)
        self.backend = backend
        self.feed = self.watch.feeds("units")[FeedKey("supervisord/main", "units")]
        self.events: list[Occurrence] = []
        self.told: list[str] = []

    async def until(self, holds: Callable[[dict[str, Unit]], object]) -> dict[str, Unit]:
        """The units by name, once they are as wanted."""
        async with asyncio.timeout(20):
            while True:
                rows = {row.name: row for row in (self.feed.reading.value or {}).values()}
                if self.feed.reading.state is State.LIVE and holds(rows):
                    return rows
                await asyncio.sleep(0.02)

    async def unit(self, name: str) -> Unit:
        return (await self.until(lambda rows: name in rows))[name]

    async def action(self, name: str, title: str) -> Action:
        offered = await self.backend.actions(await self.unit(name))
        return next(action for action in offered if action.title == title)

    async def do(self, name: str, title: str) -> Outcome:
        return await self.through(await self.action(name, title))

    async def through(self, action: Action) -> Outcome:
        (proposal,) = await self.door.propose([action])
        async with asyncio.timeout(30):
            return await self.door.carry_out(proposal, Consent(), self.told.append)

    @property
    def audited(self) -> list[str]:
        return [line["outcome"] for line in self.audit.entries()]


@asynccontextmanager
async def house(server: SupervisordServer, folder: Path, timeout: float = 5.0) -> AsyncIterator[House]:
    made = House(server, folder, timeout)
    made.watch.open()
    made.watch.timeline.on_settled(made.events.append)
    try:
        await made.until(bool)
        yield made
    finally:
        await made.door.close()
        await made.watch.close()


async def test_a_restart_gives_a_new_pid_and_is_told(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        old = (await here.unit("web")).pid
        outcome = await here.do("web", "restart")
        assert outcome.end is End.DONE
        new = (await here.until(lambda rows: rows["web"].pid not in (None, old)))["web"].pid
        assert outcome.text.startswith(f"running as pid {new} after ")
        assert here.told[0] == "web: told to stop"
        assert here.told[2] == "web: told to start"
        assert here.audited == ["asked", "done"]
        assert any(event.text == f"restart: {outcome.text}" for event in here.events)


async def test_stop_and_start(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        outcome = await here.do("mortal", "stop")
        assert (outcome.end, outcome.text[:7]) == (End.DONE, "STOPPED")
        row = (await here.until(lambda rows: rows["mortal"].native == "STOPPED"))["mortal"]
        for title in ("stop", "restart", "SIGHUP"):
            with pytest.raises(Refused, match="does not run"):
                await here.do("mortal", title)
        assert (await here.backend.actions(row))[0].title == "start"
        started = await here.do("mortal", "start")
        row = (await here.until(lambda rows: rows["mortal"].native == "RUNNING"))["mortal"]
        assert started.text.startswith(f"running as pid {row.pid}")
        with pytest.raises(Refused, match="it runs already"):
            await here.do("mortal", "start")


async def test_one_that_takes_its_time_to_stop_is_waited_for(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        outcome = await here.do("slow", "restart")
        assert outcome.end is End.DONE
        spent = float(here.told[1].removeprefix("slow: stopped after ").removesuffix(" s"))
        assert spent >= 0.7


async def test_what_can_not_be_started_says_why(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        lost = await here.do("lost", "start")
        assert lost.end is End.FAILED
        assert "its program's file is not there" in lost.text
        assert "/nowhere/at-all" in lost.text
        assert lost.text.endswith("nothing was changed")
        for _ in range(2):  # From STOPPED, and from FATAL.
            quick = await here.do("quick", "start")
            assert quick.end is End.FAILED
            assert quick.text.startswith("FATAL: Exited too quickly")
            await here.until(lambda rows: rows["quick"].native == "FATAL")


async def test_what_can_not_be_started_again_is_not_said_to_be_unchanged(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    with SupervisordServer({"web": f"command={program}\nstartsecs=0\n"}) as server:
        async with house(server, tmp_path / "audit") as here:
            action = await here.action("web", "restart")
            program.unlink()
            outcome = await here.through(action)
            assert outcome.end is End.FAILED
            assert outcome.text.startswith("STOPPED: its program's file is not there")
            assert "nothing was changed" not in outcome.text


async def test_one_that_was_restarted_meanwhile_is_refused(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        old = (await here.unit("web")).pid
        action = await here.action("web", "stop")
        (proposal,) = await here.door.propose([action])
        shared.control("restart", "web")
        # Whether the feed has seen it by now or not: nothing is stopped.
        said = await _said(here.door.carry_out(proposal, Consent()))
        assert f"not web, pid {old}" in said
        assert (await here.until(lambda rows: rows["web"].pid != old))["web"].native == "RUNNING"
        assert here.audited[-1] == "refused"


async def _said(outcome: Coroutine[Any, Any, Outcome]) -> str:
    try:
        return (await outcome).text
    except Refused as refusal:
        return refusal.reason


@pytest.mark.parametrize("title", ["SIGTERM", "SIGKILL", "SIGINT"])
async def test_a_signal_that_ends_it(shared: SupervisordServer, tmp_path: Path, title: str) -> None:
    async with house(shared, tmp_path) as here:
        old = (await here.unit("pair:a")).pid
        outcome = await here.do("pair:a", title)
        new = (await here.until(lambda rows: rows["pair:a"].pid not in (None, old)))["pair:a"].pid
        assert outcome.end is End.DONE
        assert outcome.text == f"gone; supervisord started it again as {new}"


async def test_a_signal_that_ends_what_is_not_kept_running(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        outcome = await here.do("mortal", "SIGTERM")
        assert (outcome.end, outcome.text) == (End.DONE, "gone; EXITED")
        await here.until(lambda rows: rows["mortal"].native == "EXITED")
        assert (await here.do("mortal", "start")).end is End.DONE


async def test_a_signal_that_it_ignores_and_one_that_is_no_end(
    shared: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisord_actions, "ENDED_WITHIN", 0.6)
    async with house(shared, tmp_path) as here:
        pid = (await here.unit("deaf")).pid
        outcome = await here.do("deaf", "SIGTERM")
        assert outcome.end is End.FAILED
        assert outcome.text.startswith("still there after ")
        assert outcome.text.endswith(f"pid {pid}")
        assert (await here.action("deaf", "SIGTERM")).escalation == "SIGKILL"
        hup = await here.do("deaf", "SIGHUP")
        assert (hup.end, hup.text) == (End.DONE, f"delivered; RUNNING as pid {pid}")
        # A reload, to somebody who knows none: it ends, and that is told.
        old = (await here.unit("pair:b")).pid
        hup = await here.do("pair:b", "SIGHUP")
        assert hup.text.startswith("gone; supervisord started it again as ")
        row = (await here.until(lambda rows: rows["pair:b"].pid not in (None, old)))["pair:b"]
        offered = {action.title: action for action in await here.backend.actions(row)}
        assert offered["SIGHUP"].effect == "it does not handle SIGHUP, which ends it"
        deaf = {action.title: action for action in await here.backend.actions(await here.unit("deaf"))}
        assert deaf["SIGTERM"].effect == "it ignores SIGTERM; asks deaf to clean up and end"
        signals = [title for title in deaf if title.startswith("SIG")]
        assert (signals[0], signals[-1]) == ("SIGTERM", "SIGKILL")


async def test_one_that_is_frozen_before_is_refused(own: SupervisordServer, tmp_path: Path) -> None:
    async with house(own, tmp_path, timeout=1.0) as here:
        pid = (await here.unit("web")).pid
        action = await here.action("web", "stop")
        (proposal,) = await here.door.propose([action])
        own.send(signal.SIGSTOP)
        try:
            outcome = await here.door.carry_out(proposal, Consent())
        finally:
            own.send(signal.SIGCONT)
        assert outcome.end is End.REFUSED
        assert "could not be looked at first" in outcome.text
        assert (await here.until(lambda rows: here.feed.reading.state is State.LIVE))["web"].pid == pid


def freeze_at(method: str, server: SupervisordServer, here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop supervisord just before this call reaches it."""
    rpc = here.backend._rpc
    call = rpc.call

    async def late(name: str, *params: object) -> Any:
        if name == method:
            server.send(signal.SIGSTOP)
        return await call(name, *params)

    monkeypatch.setattr(rpc, "call", late)


async def found_later(here: House, server: SupervisordServer, expected: str) -> str:
    server.send(signal.SIGCONT)
    async with asyncio.timeout(25):
        while len(here.audited) < 3:
            await asyncio.sleep(0.05)
    line = list(here.audit.entries())[-1]
    assert line["outcome"] == expected
    text: str = line["text"]
    assert text.startswith("found later: ")
    return text.removeprefix("found later: ")


async def test_one_that_is_frozen_while_it_stops_is_unknown_and_found_later(
    own: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(own, tmp_path, timeout=1.0) as here:
        action = await here.action("web", "restart")
        freeze_at("supervisor.stopProcess", own, here, monkeypatch)
        outcome = await here.through(action)
        assert outcome.end is End.UNKNOWN
        assert "no answer within" in outcome.text
        assert here.audited == ["asked", "unknown"]
        # The call waited in its socket: it is carried out now, and what it stops is started all the same.
        text = await found_later(here, own, "done")
        new = text.removeprefix("running as pid ").partition(" ")[0]
        assert f"pid {new}" not in action.target.identity
        await here.until(lambda rows: str(rows["web"].pid) == new)


async def test_one_that_dies_while_it_stops_is_unknown_and_found_later(
    own: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(own, tmp_path, timeout=1.0) as here:
        action = await here.action("web", "stop")
        freeze_at("supervisor.stopProcess", own, here, monkeypatch)
        asked = asyncio.ensure_future(here.through(action))
        async with asyncio.timeout(10):
            while "asked" not in here.audited:
                await asyncio.sleep(0.02)
        outcome = await asked
        assert outcome.end is End.UNKNOWN
        own.kill()
        own.start()
        text = await found_later(here, own, "failed")
        assert text.startswith("somebody has started it again as pid ")


async def test_a_restart_that_is_not_waited_for_is_no_stop(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        old = (await here.unit("slow")).pid
        for deadline in (0.6, 0.8, 1, 2, 4):  # On a busy machine the time may be over before anything was begun.
            action = replace(await here.action("slow", "restart"), deadline=deadline)
            outcome = await here.through(action)
            assert (outcome.end, outcome.text) == (End.UNKNOWN, f"no outcome within {deadline:g} s")
            if "slow: told to stop" in here.told:
                break
        await here.until(lambda rows: rows["slow"].native == "RUNNING" and rows["slow"].pid != old)


async def until_told(here: House, words: str) -> None:
    async with asyncio.timeout(10):
        while words not in here.told:
            await asyncio.sleep(0.01)


async def test_a_restart_that_is_cancelled_is_no_stop(shared: SupervisordServer, tmp_path: Path) -> None:
    """As when the dashboard is left: whoever waits is cancelled, and its connections are closed."""
    async with house(shared, tmp_path) as here:
        old = (await here.unit("slow")).pid
        asked = asyncio.ensure_future(here.do("slow", "restart"))
        await until_told(here, "slow: told to stop")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert here.audited == ["asked", "unknown"]
        assert here.told == ["slow: told to stop"]
        await here.backend.close()
        await here.until(lambda rows: rows["slow"].native == "RUNNING" and rows["slow"].pid != old)


async def test_who_sees_to_the_start_is_nobodys_child_and_shows_no_password(shared: SupervisordServer) -> None:
    backend = shared.over_http()
    told: list[str] = []
    source = backend.units(None)
    units = (await anext(source)).value
    row = next(row for row in units.values() if row.name == "slow")
    action = next(action for action in await backend.actions(row) if action.title == "restart")
    doing = asyncio.ensure_future(backend.perform(action, Permit(action), told.append))
    async with asyncio.timeout(10):
        while not told:
            await asyncio.sleep(0.01)
    found = [
        other
        for other in psutil.process_iter()
        if "supervisord_start_again" in " ".join(_asked(other.cmdline, []))
    ]
    assert found
    for other in found:
        assert os.getpid() not in (other.ppid(), os.getsid(other.pid))
        assert PASSWORD not in " ".join([*other.cmdline(), *other.environ().values()])
    await doing
    assert told[-1] == "slow: told to start"
    await source.aclose()
    await backend.close()


def _asked(what: Callable[[], list[str]], otherwise: list[str]) -> list[str]:
    try:
        return what()
    except psutil.Error:
        return otherwise


async def test_what_was_never_told_to_stop_is_left_alone(
    shared: SupervisordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisord_start_again, "SETTLING", 0.3)
    backend, before, said = shared.backend(), shared.pids(), list[str]()
    await start_again(backend._rpc, "web", before["web"] or 0, 10, said.append)
    assert said == ["failed it did not begin to stop"]
    # Somebody else has restarted it.
    await start_again(backend._rpc, "web", 1, 10, said.append)
    assert said[1:] == ["started"]
    assert shared.pids() == before
    await backend.close()


async def test_a_start_that_did_not_go_well_at_once_is_followed(
    shared: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ended before its call was answered: supervisord may be trying again already."""
    async with house(shared, tmp_path) as here:
        rpc = here.backend._rpc
        call = rpc.call

        async def quick(name: str, *params: object) -> Any:
            answer = await call(name, *params)
            if name == "supervisor.startProcess":
                raise rpc._fault(50, "SPAWN_ERROR: idle")
            return answer

        monkeypatch.setattr(rpc, "call", quick)
        outcome = await here.do("idle", "start")
        assert outcome.end is End.DONE
        assert outcome.text.startswith("running as pid ")
        await here.until(lambda rows: rows["idle"].native == "RUNNING")
        assert (await here.do("idle", "stop")).end is End.DONE


async def test_a_deadline_is_made_of_how_long_its_program_may_take(tmp_path: Path) -> None:
    patient = SLEEP.replace("startsecs=0", "startsecs=7") + "stopwaitsecs=120\n"
    with SupervisordServer({"patient": patient, "web": "command=sleep 600\n"}) as server:
        async with house(server, tmp_path) as here:
            deadlines = {
                (name, title): (await here.action(name, title)).deadline
                for name in ("patient", "web")
                for title in ("restart", "stop", "start")
            }
    more = KILLED_WITHIN + BEGUN_WITHIN
    assert deadlines == {
        ("patient", "restart"): 127 + more,
        ("patient", "stop"): 120 + more,
        ("patient", "start"): 7 + more,
        ("web", "restart"): 11 + more,
        ("web", "stop"): 10 + more,
        ("web", "start"): 1 + more,
    }


async def test_one_that_does_not_stop_in_time_is_said_to_be_down_for_now(
    shared: SupervisordServer, tmp_path: Path
) -> None:
    async with house(shared, tmp_path) as here:
        action = await here.action("slower", "restart")
        arguments = tuple((key, "0.2" if key == "stop" else value) for key, value in action.arguments)
        outcome = await here.through(replace(action, arguments=arguments))
        assert outcome.end is End.FAILED
        assert outcome.text.startswith("STOPPING: not stopped within 0.2 s; told to stop, not started")
        assert here.audited == ["asked", "failed"]
        await here.until(lambda rows: rows["slower"].native == "STOPPED")
        assert (await here.do("slower", "start")).end is End.DONE


async def test_after_the_stop_no_error_says_that_nothing_was_changed(
    shared: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program is taken out of supervisord's configuration between the stop and the start."""
    async with house(shared, tmp_path) as here:
        action = await here.action("web", "restart")
        rpc, stopped = here.backend._rpc, asyncio.Event()
        call = rpc.call

        async def gone(name: str, *params: object) -> Any:
            if name == "supervisor.getProcessInfo" and stopped.is_set():
                raise NotFound("no such program (web)", where="s")
            if name == "supervisor.stopProcess":
                stopped.set()
            return await call(name, *params)

        monkeypatch.setattr(rpc, "call", gone)
        outcome = await here.through(action)
        assert outcome == Outcome(
            End.FAILED, "told to stop, and not started again as far as supervisord says: no such program (web)"
        )


async def test_a_restart_that_was_not_is_not_taken_for_one_later(
    shared: SupervisordServer, tmp_path: Path
) -> None:
    """What the program was stands in the action: nothing that is done in between can take its place."""
    async with house(shared, tmp_path) as here:
        restart, stop = await here.action("web", "restart"), await here.action("web", "stop")
        assert (await here.do("pair:a", "restart")).end is End.DONE
        pid = (await here.unit("web")).pid
        for action, word in ((restart, "restarted"), (stop, "stopped")):
            outcome = await here.backend.look(action, here.told.append)
            text = f"RUNNING as pid {pid}, as before: it was not {word}"
            assert outcome == Outcome(End.FAILED, text)


async def test_a_thread_dump_of_a_unit_is_no_failed_end(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        dump = await here.action("jvm", "SIGQUIT")
        assert dump.danger is Danger.MILD
        assert dump.effect.startswith("it catches SIGQUIT; ")
        assert dump.caution == "java: prints the stacks of all threads to its stdout and goes on"
        pid = (await here.unit("jvm")).pid
        outcome = await here.through(dump)
        assert outcome == Outcome(End.DONE, f"delivered; RUNNING as pid {pid}")


async def test_of_a_unit_on_another_host_its_command_tells(shared: SupervisordServer, tmp_path: Path) -> None:
    async with house(shared, tmp_path) as here:
        here.backend._here = False
        row = replace(await here.unit("web"), name="far")
        config = ProgramConfig("far", "far", autostart=True, command="/usr/sbin/nginx -g 'daemon off;'")
        offered = here.backend._actions.actions(row, config)
        quits = next(action for action in offered if action.title == "SIGQUIT")
        assert quits.danger is Danger.NORMAL
        assert quits.caution == "nginx: finishes the requests that run, then ends"
        assert quits.effect == "quits far, as ctrl-\\ does: mostly without cleaning up"


async def test_over_http_with_a_wrong_password_nothing_is_changed(
    shared: SupervisordServer, tmp_path: Path
) -> None:
    """The rows come by the socket, and the act by another way in: what it says is said."""
    async with house(shared, tmp_path) as here:
        pid = (await here.unit("web")).pid
        action = await here.action("web", "restart")
        other = shared.backend(url=shared.http, username="watch", password="wrong")
        here.backend._actions._rpc = other._rpc
        outcome = await here.through(action)
        assert outcome.end is End.REFUSED
        assert "wrong user or password" in outcome.text
        await other.close()
        assert (await here.unit("web")).pid == pid
        os.kill(pid or 0, 0)
