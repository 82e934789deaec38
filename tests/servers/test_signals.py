"""Signals to real processes: what becomes of each, as it is read back."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.api.actions import Action, End, Outcome, Permit, Refused
from backends.api.errors import NotFound
from backends.api.processes import Process
from backends.processes import afterwards
from backends.processes.local import Local, LocalSettings
from tests.servers.zoo import Zoo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def zoo() -> Iterator[Zoo]:
    with Zoo() as made:
        yield made


@pytest.fixture
def backend() -> Local:
    return Local("host", LocalSettings())


async def row_of(backend: Local, pid: int) -> Process:
    source = backend.processes(None)
    seen = await anext(source)
    await source.aclose()
    return next(row for row in seen.value.values() if row.pid == pid)


async def offer(backend: Local, pid: int, title: str) -> Action:
    return next(action for action in await backend.actions(await row_of(backend, pid)) if action.title == title)


async def send(backend: Local, action: Action) -> Outcome:
    await backend.perform(action, Permit(action), lambda text: None)
    return await backend.look(action, lambda text: None)


async def signalled(backend: Local, pid: int, title: str) -> Outcome:
    return await send(backend, await offer(backend, pid, title))


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


async def test_one_that_handles_nothing_is_gone(
    zoo: Zoo, backend: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "STARTED_AGAIN_WITHIN", 0.3)
    pid = zoo.mortal()
    outcome = await signalled(backend, pid, "SIGTERM")
    assert outcome.end is End.DONE
    assert re.fullmatch(r"gone after \d\.\d s", outcome.text)
    assert not os.path.exists(f"/proc/{pid}")
    with pytest.raises(NotFound, match="no such process"):
        await backend.actions(
            Process(f"h/{pid}/1/b", "local/host", "h", pid, 1, "x", None, None, None, None, None, "")
        )


async def test_one_that_takes_its_time_is_waited_for(zoo: Zoo, backend: Local) -> None:
    outcome = await signalled(backend, zoo.polite(), "SIGTERM")
    assert outcome.end is End.DONE
    assert 0.3 <= float(outcome.text.split()[2]) < 5


async def test_one_that_ignores_it_is_still_there_and_kill_ends_it(
    zoo: Zoo, backend: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "ENDED_WITHIN", 0.5)
    pid = zoo.deaf()
    term = await offer(backend, pid, "SIGTERM")
    assert "it ignores SIGTERM" in term.effect
    assert await send(backend, term) == Outcome(End.FAILED, "still there after 0.5 s: it ignores SIGTERM")
    killed = await signalled(backend, pid, term.escalation)
    assert killed.end is End.DONE
    assert killed.text.startswith("gone after ")


async def test_one_that_catches_it_lives_on(zoo: Zoo, backend: Local) -> None:
    pid = zoo.polite()
    hangup = await offer(backend, pid, "SIGHUP")
    assert "it catches SIGHUP" in hangup.effect
    assert await send(backend, hangup) == Outcome(End.DONE, "still there: SIGHUP was delivered")
    assert state(pid) == "S"


async def test_stop_and_continue_are_read_back(zoo: Zoo, backend: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "ENDED_WITHIN", 0.3)
    pid = zoo.deaf()
    assert await signalled(backend, pid, "SIGSTOP") == Outcome(End.DONE, "still there, stopped (state T)")
    assert state(pid) == "T"
    interrupt = await offer(backend, pid, "SIGINT")
    assert "only after SIGCONT" in interrupt.caution
    assert "it is stopped" in (await send(backend, interrupt)).text
    going = await signalled(backend, pid, "SIGCONT")
    # The interrupt that waited may have ended it by now.
    assert going.end is End.DONE
    assert going.text.startswith(("still there, not stopped", "gone after"))


async def test_one_that_blocks_it_says_so(zoo: Zoo, backend: Local) -> None:
    code = "import signal; signal.signal(signal.SIGUSR1, lambda *_: None);"
    block = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]);"
    pid = zoo.python("blocking", code + block + "print('up', flush=True); time.sleep(60)")
    action = await offer(backend, pid, "SIGUSR1")
    assert "it blocks SIGUSR1" in action.effect
    assert "waits, the process blocks it" in (await send(backend, action)).text


async def test_one_that_is_started_again_is_named_with_its_new_pid(zoo: Zoo, backend: Local) -> None:
    pid = zoo.restarted()
    outcome = await signalled(backend, pid, "SIGTERM")
    found = re.fullmatch(r"gone after \d\.\d s; (\S+) \((\d+)\) started it again as (\d+)", outcome.text)
    assert found, outcome.text
    assert int(found[2]) == zoo.pid("restarted")
    assert int(found[3]) != pid
    assert state(int(found[3])) == "S"


async def test_one_that_nobody_collects_is_a_zombie_of_somebody(zoo: Zoo, backend: Local) -> None:
    pid = zoo.run("mine", "sleep", "60")
    outcome = await signalled(backend, pid, "SIGTERM")
    assert outcome.end is End.DONE
    assert re.search(rf"; a zombie until \S.* \({os.getpid()}\) collects it$", outcome.text)
    again = await offer(backend, pid, "SIGKILL")
    assert f"a zombie until {name(os.getpid())} ({os.getpid()}) collects it" in again.blocked
    with pytest.raises(Refused, match="zombie"):
        await send(backend, again)


def name(pid: int) -> str:
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


async def test_what_must_never_be_signalled(backend: Local) -> None:
    """pid 1, ourselves, our ancestors, the leader of our session; also where a permit is at hand."""
    why = {1: "pid 1", os.getpid(): "midwatch itself"}
    if os.getppid() > 1:
        why[os.getppid()] = "midwatch runs below it"
    for pid, reason in why.items():
        row = await row_of(backend, pid)
        for action in await backend.actions(row):
            assert reason in action.blocked
        winch = next(action for action in await backend.actions(row) if action.title == "SIGCONT")
        with pytest.raises(Refused, match=reason):
            await send(backend, winch)


LEADER = """
import os, time
from backends.processes import proc
from backends.processes.untouchable import why_untouchable

reading, writing = os.pipe()
leader = os.fork()
if leader == 0:
    os.setsid()
    me = os.getpid()
    if os.fork() == 0:
        between = os.getpid()
        if os.fork() == 0:
            while os.getppid() == between:
                time.sleep(0.01)
            with open(f"/proc/{me}/stat", "rb") as file:
                os.write(writing, why_untouchable("/proc", proc.parse_stat(file.read())).encode())
        os._exit(0)
    time.sleep(30)
    os._exit(0)
print(os.read(reading, 1000).decode())
os.kill(leader, 9)
os.waitpid(leader, 0)
"""


def test_the_leader_of_our_own_session_is_never_signalled() -> None:
    """It need be no ancestor: whoever was in between may have ended."""
    done = python(LEADER)
    assert done.stdout.strip() == "it leads the session that midwatch runs in"


DENIED = """
import asyncio, hashlib, os, sys
from backends.api.actions import Permit
from backends.api.errors import Denied
from backends.processes.local import Local, LocalSettings

async def main():
    backend = Local("host", LocalSettings())
    source = backend.processes(None)
    row = next(row for row in (await anext(source)).value.values() if row.pid == int(sys.argv[1]))
    await source.aclose()
    os.setgroups([])
    os.setresuid(65534, 65534, 65534)
    action = (await backend.actions(row))[0]
    try:
        await backend.perform(action, Permit(action), print)
    except Denied as error:
        print(error)

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_users_process_is_denied_by_its_name(zoo: Zoo) -> None:
    pid = zoo.deaf()
    said = python(DENIED, str(pid)).stdout.strip()
    assert re.fullmatch(rf"pid {pid}: not permitted: it belongs to root, midwatch runs as \S+", said), said
    assert state(pid) == "S"


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", code, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30, cwd=ROOT)


async def test_waiting_for_its_end_leaves_the_loop_free(zoo: Zoo, backend: Local) -> None:
    """The pidfd wakes the loop: no turn in between is longer than a busy machine makes it."""
    action = await offer(backend, zoo.polite(), "SIGTERM")
    gaps: list[float] = []

    async def beat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)

    beating = asyncio.create_task(beat())
    await send(backend, action)
    beating.cancel()
    assert len(gaps) > 5
    assert sorted(gaps)[len(gaps) // 2] < 0.1
