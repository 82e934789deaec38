"""supervisord's programs as units, against the real one: every state, what goes wrong, and what comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backends.api.errors import BackendError, BadReply, Denied, Misconfigured, NotFound, Silent, Unreachable
from backends.api.events import Event, EventKind, Occurrence
from backends.api.feed import Feed
from backends.api.pace import Pace
from backends.api.readings import FeedKey, Seen, State
from backends.api.units import Unit, Units, UnitState
from backends.config.context import Context, SourceConfig
from backends.processes import supervisord
from backends.processes.supervisord import Supervisord, SupervisordSettings
from backends.watch import Watch
from tests.servers.fake_http import fake, raw
from tests.servers.supervisord_server import PASSWORD, USER, SupervisordServer
from tests.waiting import until

pytestmark = pytest.mark.server

SLEEP = "command=sleep 600\nstartsecs=0\n"
PROGRAMS = {
    "web": SLEEP,
    "a": SLEEP,
    "b": SLEEP,
    "idle": SLEEP + "autostart=false\n",
    "done": "command=true\nstartsecs=0\nautorestart=false\n",
    "bad": "command=sh -c 'exit 3'\nstartsecs=0\nautorestart=false\n",
    "shot": "command=sh -c 'kill -9 $$'\nstartsecs=0\nautorestart=false\n",
    "lost": "command=/nowhere/at-all\nstartretries=0\n",
    "quick": "command=sh -c 'exit 3'\nstartsecs=5\nstartretries=50\n",
    "slow": "command=sleep 600\nstartsecs=600\n",
    "stubborn": "command=sh -c 'trap : TERM; while :; do sleep 0.1; done'\nstartsecs=0\nstopwaitsecs=30\n",
}
"""One for each state; the group `pair` has two."""


@pytest.fixture(scope="module")
def shared() -> Iterator[SupervisordServer]:
    with SupervisordServer(PROGRAMS, {"pair": "a,b"}) as server:
        yield server


@pytest.fixture
def server() -> Iterator[SupervisordServer]:
    with SupervisordServer({"web": SLEEP, "job": SLEEP}) as made:
        yield made


async def look(backend: Supervisord) -> dict[str, Unit]:
    async with asyncio.timeout(10), aclosing(backend.units(None)) as seens:
        rows = {row.name: row for row in (await anext(seens)).value.values()}
    await backend.close()
    return rows


async def see(backend: Supervisord, name: str, native: str) -> Unit:
    """The unit, as soon as it is in a state."""
    async with asyncio.timeout(15), aclosing(backend.units(None)) as seens:
        async for seen in seens:
            row = next(row for row in seen.value.values() if row.name == name)
            if row.native == native:
                await backend.close()
                return row
    raise AssertionError


async def why(backend: Supervisord) -> BackendError:
    with pytest.raises(BackendError) as caught:
        async with asyncio.timeout(10), aclosing(backend.units(None)) as seens:
            await anext(seens)
    await backend.close()
    return caught.value


@pytest.mark.parametrize(
    ("name", "native", "state", "exit_status", "error"),
    [
        ("web", "RUNNING", UnitState.RUNNING, None, None),
        ("pair:a", "RUNNING", UnitState.RUNNING, None, None),
        ("idle", "STOPPED", UnitState.STOPPED, None, None),
        ("done", "EXITED", UnitState.STOPPED, 0, None),
        ("bad", "EXITED", UnitState.FAILED, 3, "Bad exit code 3"),
        ("shot", "EXITED", UnitState.FAILED, None, "Bad exit code -1: killed by a signal"),
        ("lost", "FATAL", UnitState.FAILED, None, "can't find command '/nowhere/at-all'"),
        ("quick", "BACKOFF", UnitState.STARTING, None, "Exited too quickly (process log may have details)"),
        ("slow", "STARTING", UnitState.STARTING, None, None),
    ],
)
async def test_each_state(
    shared: SupervisordServer,
    name: str,
    native: str,
    state: UnitState,
    exit_status: int | None,
    error: str | None,
) -> None:
    row = await see(shared.backend(), name, native)
    assert (row.state, row.exit) == (state, exit_status)
    assert row.spawn_error == error
    assert (row.pid is not None) == (native in ("RUNNING", "STARTING"))
    assert (row.since is None) == (name == "idle")
    if row.since is not None:
        assert abs((datetime.now(UTC) - row.since).total_seconds()) < 60
    assert row.enabled is (name != "idle")
    assert row.restarts is None
    assert row.host == socket.gethostname().split(".")[0]
    assert "lab 4." in str(next(d.value for d in row.details if d.label == "supervisor"))


async def test_what_is_being_stopped_says_so_and_since_when_is_not_known(shared: SupervisordServer) -> None:
    backend = shared.backend()
    assert "stubborn" in await asyncio.to_thread(shared.control, "status", "stubborn")
    await backend._rpc.call("supervisor.stopProcess", "stubborn", False)
    row = await see(shared.backend(), "stubborn", "STOPPING")
    assert (row.state, row.since) == (UnitState.STOPPING, None)
    os.kill(row.pid or 0, signal.SIGKILL)
    await backend.close()


async def test_a_program_that_is_configured_no_more_is_asked_for_once(
    server: SupervisordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a reread supervisord has no configuration to tell of one that still runs."""
    monkeypatch.setattr(supervisord, "INTERVAL", 0.01)
    conf = server.folder / "s.conf"
    whole = conf.read_text()
    conf.write_text(whole.replace(f"[program:job]\n{SLEEP}", ""))
    assert "job: disappeared" in await asyncio.to_thread(server.control, "reread")
    backend, asked = server.backend(), 0
    call = backend._rpc.call

    async def counted(name: str, *words: Any) -> Any:
        nonlocal asked
        asked += name == "supervisor.getAllConfigInfo"
        return await call(name, *words)

    monkeypatch.setattr(backend._rpc, "call", counted)
    async with asyncio.timeout(20), aclosing(backend.units(None)) as seens:
        for _ in range(8):
            rows = {row.name: row for row in (await anext(seens)).value.values()}
        assert (rows["web"].enabled, rows["job"].enabled) == (True, None)
        assert asked == 2
        # What comes anew is asked for.
        conf.write_text(whole + f"\n[program:late]\n{SLEEP}")
        await asyncio.to_thread(server.control, "update")
        async for seen in seens:
            rows = {row.name: row for row in seen.value.values()}
            if "late" in rows:
                break
        assert rows["late"].enabled is True
    await backend.close()


async def test_over_http_with_a_password(shared: SupervisordServer) -> None:
    backend = shared.over_http()
    assert (await look(backend))["web"].state is UnitState.RUNNING
    in_url = shared.backend(url=f"http://{USER}:{PASSWORD}@127.0.0.1:{shared.port}")
    assert PASSWORD not in f"{in_url.where} {in_url.settings!r} {in_url._address!r}"
    row = (await look(in_url))["pair:a"]
    argv = in_url.ask(row)
    assert argv == ("supervisorctl", "-s", shared.http, "-u", USER, "status", "pair:a")


async def test_the_command_to_ask_with_and_the_raw_record(shared: SupervisordServer) -> None:
    row = (await look(shared.backend()))["pair:a"]
    backend = shared.backend()
    argv = backend.ask(row)
    assert argv is not None
    said = await asyncio.to_thread(shared.control, *argv[3:])
    assert f"pid {row.pid}" in said
    raw = await backend.raw(row)
    assert f"pid                          {row.pid}".replace(" ", "") in raw.replace(" ", "")
    assert "sleep 600" in raw
    with pytest.raises(NotFound):
        await backend.raw(Unit("x", "no:such", backend.source, None, UnitState.UNKNOWN, ""))
    await backend.close()


async def test_a_wrong_password_and_none(shared: SupervisordServer) -> None:
    wrong = await why(shared.backend(url=shared.http, username=USER, password="hunter3-of-the-test"))
    assert isinstance(wrong, Denied)
    assert "wrong user or password" in wrong.reason
    assert "hunter3" not in f"{wrong}{wrong!r}{wrong.hint}"
    none = await why(shared.backend(url=shared.http))
    assert "wants a user and a password" in none.reason


async def test_doctor_says_what_is_there(shared: SupervisordServer) -> None:
    backend = shared.backend()
    (check,) = await backend.check()
    assert check.ok
    assert "programs run" in check.text
    await backend.close()
    lost = Supervisord("main", SupervisordSettings(url="unix:///nowhere/s.sock"))
    (check,) = await lost.check()
    assert not check.ok
    assert (check.text, check.where) == ("no such socket", "unix:///nowhere/s.sock")
    await lost.close()


async def test_the_ways_in_which_nobody_answers(tmp_path: Path) -> None:
    def at(url: str) -> Supervisord:
        return Supervisord("main", SupervisordSettings(url=url))

    gone = await why(at(f"unix://{tmp_path}/no.sock"))
    assert isinstance(gone, Unreachable)
    assert "no such socket" in gone.reason
    assert "unix_http_server" in gone.hint
    assert "connection refused" in (await why(at("http://127.0.0.1:1"))).reason
    assert "host name not found" in (await why(at("http://no-such-host.invalid:9001"))).reason
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/l.sock")
    refused = await why(at(f"unix://{tmp_path}/l.sock"))
    assert "connection refused" in refused.reason
    assert "left the socket behind" in refused.hint
    for url in ("127.0.0.1:9001", "unix://run/x.sock", "ftp://x"):
        with pytest.raises(Misconfigured):
            at(url)


async def test_others_who_speak_http_and_who_do_not() -> None:
    async def answer(text: bytes) -> BackendError:
        async with fake(raw(text)) as address:
            return await why(Supervisord("main", SupervisordSettings(url=f"http://{address}")))

    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
    assert "no supervisord" in (await answer(html)).reason
    assert "HTTP 404" in (await answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")).reason
    closed = await answer(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert "this is no supervisord" in closed.hint
    assert "does not speak HTTP" in (await answer(b"SSH-2.0-OpenSSH_9.2\r\n" * 9000)).reason
    xml = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 8\r\n\r\n<a><\x00/b>"
    assert isinstance(await answer(xml), BadReply)
    fault = (
        b"<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name><value>"
        b"<int>6</int></value></member><member><name>faultString</name><value><string>SHUTDOWN_STATE</string>"
        b"</value></member></struct></value></fault></methodResponse>"
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(fault)
    assert "shutting down" in (await answer(head + fault)).reason


async def test_a_socket_that_we_may_not_use(server: SupervisordServer) -> None:
    if os.geteuid() != 0:
        os.chmod(f"{server.folder}/s.sock", 0)
        assert isinstance(await why(server.backend()), Denied)
        return
    # Root may use any: ask as nobody, in a process that has imported what it needs, as others may not read us.
    os.chmod(server.folder, 0o755)
    code = (
        "import asyncio, os\n"
        "from backends.processes.supervisord import Supervisord, SupervisordSettings\n"
        "async def check():\n"
        f"    backend = Supervisord('main', SupervisordSettings(url={server.url!r}))\n"
        "    print((await backend.check())[0])\n"
        "    await backend.close()\n"
        "asyncio.run(check())\n"
        "os.setuid(65534)\n"
        "asyncio.run(check())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await child.communicate()
    assert error == b""
    before, after = out.decode().splitlines()
    assert "permission denied" not in before
    assert "permission denied" in after


def texts(news: list[Event], target: str) -> list[str]:
    return [event.text for event in news if event.target == target]


async def next_with_news(seens: AsyncGenerator[Seen[Units], None]) -> Seen[Units]:
    async with asyncio.timeout(15):
        async for seen in seens:
            if seen.news:
                return seen
    raise AssertionError


async def test_a_restart_between_two_looks_is_told_and_counted(server: SupervisordServer) -> None:
    backend = server.backend()
    async with aclosing(backend.units(None)) as seens:
        first = await anext(seens)
        key = "supervisord/main/web"
        before = first.value[key]
        await asyncio.to_thread(server.control, "restart", "web")
        seen = await next_with_news(seens)
        while seen.value[key].native != "RUNNING":
            seen = await next_with_news(seens)
        after = seen.value[key]
        assert after.pid != before.pid
        assert after.restarts == 1
        # The other one is the same object, and nothing is said of it.
        assert seen.value["supervisord/main/job"] is first.value["supervisord/main/job"]
        told = [event for event in seen.news if isinstance(event, Event)]
        assert texts(told, "web")
        assert not texts(told, "job")
        assert not any(event.after_gap for event in told)
    await backend.close()


async def test_only_what_nobody_asked_for_is_told_as_a_restart(server: SupervisordServer) -> None:
    """A stop that no look saw, and an end that no look saw."""
    backend = server.backend()

    async def told(seens: AsyncGenerator[Seen[Units], None], pid: int | None) -> list[bool]:
        """Whether each start was a restart, until it runs as another pid."""
        starts: list[bool] = []
        while True:
            seen = await next_with_news(seens)
            row = seen.value["supervisord/main/web"]
            news = [event for event in seen.news if isinstance(event, Event) and event.target == "web"]
            starts += [event.restart for event in news if "pid" in event.text]
            if row.native == "RUNNING" and row.pid != pid:
                return starts

    async with aclosing(backend.units(None)) as seens:
        before = (await anext(seens)).value["supervisord/main/web"].pid
        await asyncio.to_thread(server.control, "restart", "web")
        assert await told(seens, before) == [False]
        now = (await anext(seens)).value["supervisord/main/web"].pid
        assert now is not None
        os.kill(now, signal.SIGKILL)
        await until(lambda: server.pids()["web"] not in (None, now))
        assert await told(seens, now) == [True]
    await backend.close()


@asynccontextmanager
async def followed(server: SupervisordServer, news: list[Any]) -> AsyncIterator[Feed[Units, Units]]:
    backend = server.backend()
    feed: Feed[Units, Units] = Feed("units", backend.units, pace=Pace(first=3, quiet=2.5))
    feed.on_news(news.extend)
    feed.watch(lambda new, before: None)
    await until(lambda: feed.reading.state is State.LIVE)
    yield feed
    await feed.close()
    await backend.close()


async def test_killed_and_started_again(server: SupervisordServer) -> None:
    """Rows stay, with the reason; what came meanwhile is marked as seen after a gap."""
    news: list[Any] = []
    async with followed(server, news) as feed:
        server.kill()
        await until(lambda: feed.reading.state is State.UNREACHABLE)
        assert "connection refused" in str(feed.reading.error)
        assert len(feed.reading.value or {}) == 2
        news.clear()
        server.start()
        await until(lambda: feed.reading.state is State.LIVE, 15)
        assert any("restarted: pid" in text or "→ running" in text for text in texts(news, "web"))
        assert any("supervisord was restarted" in text for text in texts(news, "supervisord/main"))
        assert all(event.after_gap for event in news)


async def test_frozen_is_stale_at_once_and_thaws(server: SupervisordServer) -> None:
    news: list[Any] = []
    async with followed(server, news) as feed:
        server.send(signal.SIGSTOP)
        await until(lambda: feed.reading.state is State.STALE)
        assert len(feed.reading.value or {}) == 2
        server.send(signal.SIGCONT)
        await until(lambda: feed.reading.state is State.LIVE, 15)
        assert not news


async def test_frozen_from_the_start_says_that_it_is_silent(server: SupervisordServer) -> None:
    server.send(signal.SIGSTOP)
    backend = Supervisord("main", SupervisordSettings(url=server.url), timeout=1.0)
    error = await why(backend)
    server.send(signal.SIGCONT)
    assert isinstance(error, Silent)
    assert "no answer" in error.reason


async def test_a_program_that_is_stopped_by_a_signal_is_frozen_until_it_goes_on(
    server: SupervisordServer,
) -> None:
    backend = Supervisord("main", SupervisordSettings(url=server.url))

    async with asyncio.timeout(20), aclosing(backend.units(None)) as seens:

        async def until_frozen(frozen: bool) -> None:
            async for seen in seens:
                rows = {row.name: row for row in seen.value.values()}
                assert not rows["job"].frozen
                if rows["web"].frozen is frozen:
                    return

        rows = {row.name: row for row in (await anext(seens)).value.values()}
        pid = rows["web"].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await until_frozen(True)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until_frozen(False)
    await backend.close()


async def test_one_that_comes_up_after_midwatch_is_told_to_be_reached() -> None:
    server = SupervisordServer(PROGRAMS)
    config = SourceConfig("supervisord", "main", SupervisordSettings(url=server.url))
    watch = Watch(Context("lab", (config,)))
    told: list[Occurrence] = []
    watch.timeline.on_settled(told.append)
    try:
        watch.open()
        units = watch.feeds("units")[FeedKey("supervisord/main", "units")]
        await until(lambda: units.reading.state is State.UNREACHABLE)
        assert told == []
        await asyncio.to_thread(server.start)
        await until(lambda: bool(told), 15)
        assert (told[0].kind, told[0].text) == (EventKind.SOURCE, "back: not reached until now")
        assert told[0].target == "supervisord/main"
    finally:
        await watch.close()
        await asyncio.to_thread(server.__exit__, None, None, None)
