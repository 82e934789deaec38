"""This host's processes against `ps`, odd ones too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from backends.api.errors import NotFound
from backends.api.models import Process, ProcessState
from backends.processes import proc
from backends.processes.local import Local, LocalSettings
from tests.servers.etcd_cluster import until

NAME = "(od) d\n\x1b["
SLEEPER = (
    "import ctypes, sys, time;"
    "ctypes.CDLL(None).prctl(15, sys.argv[1].encode('utf-8', 'surrogateescape'), 0, 0, 0);"
    "print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def odd() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose name holds parentheses, a space, a newline and an escape, with odd arguments too."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, NAME, "", b"\xff\x1b[2J arg"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.stdout.close()
    process.kill()
    process.wait()


async def look(backend: Local) -> dict[int, Process]:
    source = backend.processes(None)
    seen = await anext(source)
    await source.aclose()
    return {row.pid: row for row in seen.value.values()}


async def test_the_same_facts_as_ps_and_none_left_out() -> None:
    backend = Local("host", LocalSettings())
    rows = await look(backend)
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,user:32=,stat=,lstart=,args="],
        capture_output=True,
        check=True,
        env={**os.environ},
    ).stdout.decode("utf-8", "replace")
    compared = 0
    for line in listed.splitlines():
        parts = line.split(None, 9)
        pid, ppid, user, state = int(parts[0]), int(parts[1]), parts[2], parts[3]
        if pid not in rows:
            assert "ps" in line or time.time() - _started(parts) < 5, line
            continue
        row = rows[pid]
        assert (row.ppid, row.user) == (ppid, user)
        if row.state is not ProcessState.RUNNING and state[0] != "R":
            assert row.state is proc.STATES.get(state[0])
        assert row.started is not None
        assert abs(row.started.timestamp() - _started(parts)) <= 2
        if len(parts) > 9 and row.command.isascii() and row.command.isprintable():
            assert parts[9].split() == row.command.split()
        compared += 1
    assert compared >= 3
    await backend.close()


def _started(parts: list[str]) -> float:
    moment = datetime.strptime(" ".join(parts[4:9]), "%a %b %d %H:%M:%S %Y")
    return moment.astimezone().timestamp()


async def test_an_odd_name_costs_nobody_anything(odd: subprocess.Popen[bytes]) -> None:
    backend = Local("host", LocalSettings())
    row = (await look(backend))[odd.pid]
    assert row.name == NAME
    assert row.ppid == os.getpid()
    assert "\N{REPLACEMENT CHARACTER}\x1b[2J arg" in row.command
    raw = await backend.raw(row)
    assert "== /proc" in raw
    odd.kill()
    odd.wait()
    with pytest.raises(NotFound):
        await backend.raw(row)
    await backend.close()


async def test_states_stopped_and_zombie() -> None:
    backend = Local("host", LocalSettings())
    stopped = subprocess.Popen(["sleep", "60"])
    stopped.send_signal(signal.SIGSTOP)
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    try:
        rows = await look(backend)
        assert rows[stopped.pid].state is ProcessState.STOPPED
        assert rows[zombie.pid].state is ProcessState.ZOMBIE
        assert rows[zombie.pid].command == "[true]"
    finally:
        stopped.kill()
        stopped.wait()
        zombie.wait()
        await backend.close()


async def test_cpu_is_since_the_last_look_and_unknown_at_the_first() -> None:
    backend = Local("host", LocalSettings())
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    idle = subprocess.Popen(["sleep", "60"])
    try:
        source = backend.processes(None)
        first = {row.pid: row for row in (await anext(source)).value.values()}
        assert first[busy.pid].cpu is None
        seen = await anext(source)
        second = {row.pid: row for row in seen.value.values()}
        assert (second[busy.pid].cpu or 0) > 20
        assert seen.changed is not None
        assert second[busy.pid].key in seen.changed
        assert second[idle.pid].cpu == 0.0
        await source.aclose()
    finally:
        for process in (busy, idle):
            process.kill()
            process.wait()
        await backend.close()


async def test_a_title_that_changes_is_seen_again() -> None:
    backend = Local("host", LocalSettings())
    child = subprocess.Popen(["sh", "-c", "read x; exec sleep 61"], stdin=subprocess.PIPE)
    try:
        rows = await look(backend)
        key = rows[child.pid].key
        assert "read x" in rows[child.pid].command
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.close()
        before = {row.key: row for row in rows.values()}
        table = backend._table
        await until(lambda: table.look(before)[key].command == "sleep 61")
    finally:
        child.kill()
        child.wait()
        await backend.close()


async def test_the_host_itself() -> None:
    backend = Local("host", LocalSettings())
    source = backend.hosts(None)
    host = next(iter((await anext(source)).value.values()))
    await source.aclose()
    assert host.cores == os.cpu_count()
    assert host.memory_total
    assert host.memory_available
    assert host.load is not None
    assert host.uptime
    await backend.close()


def test_parsing_survives_every_cut_of_a_line() -> None:
    line = Path("/proc/self/stat").read_bytes()
    for end in range(len(line) - 60):
        try:
            proc.parse_stat(line[:end])
        except (ValueError, IndexError):
            continue
    assert proc.parse_stat(line).pid == os.getpid()
