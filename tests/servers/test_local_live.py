"""This host as it moves: cpu, titles, details, processes that go."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from backends.api.errors import NotFound
from backends.api.processes import Process, Processes
from backends.api.readings import Seen
from backends.processes.local import Local, LocalSettings, own_addresses
from tests.servers.zoo import Zoo

BUSY = "print('up', flush=True)\nwhile True: pass"


@pytest.fixture
def zoo() -> Iterator[Zoo]:
    with Zoo() as made:
        yield made


@pytest.fixture
def backend() -> Local:
    return Local("host", LocalSettings())


def by_pid(seen: Seen[Processes]) -> dict[int, Process]:
    return {row.pid: row for row in seen.value.values()}


async def test_cpu_is_since_the_last_look_and_unknown_at_the_first(zoo: Zoo, backend: Local) -> None:
    busy, idle = zoo.python("busy", BUSY), zoo.stopped()
    source = backend.processes(None)
    first = by_pid(await anext(source))
    assert first[busy].cpu is None
    second = by_pid(await anext(source))
    assert 10 < (second[busy].cpu or 0) <= 110
    assert second[idle].cpu == 0.0
    seen = await anext(source)
    assert seen.changed is not None
    assert second[busy].key in seen.changed
    assert by_pid(seen)[idle] is second[idle]
    assert second[idle].key not in seen.changed
    await source.aclose()


async def test_a_process_that_goes_is_told(zoo: Zoo, backend: Local) -> None:
    pid = zoo.stopped()
    source = backend.processes(None)
    key = by_pid(await anext(source))[pid].key
    zoo.end("stopped")
    seen = await anext(source)
    assert key not in seen.value
    assert seen.changed is not None
    assert key in seen.changed
    await source.aclose()


async def test_an_exec_is_seen_at_the_next_look(backend: Local) -> None:
    child = subprocess.Popen(["sh", "-c", "read x; exec sleep 61"], stdin=subprocess.PIPE)
    try:
        source = backend.processes(None)
        before = by_pid(await anext(source))[child.pid]
        assert "read x" in before.command
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.close()
        after = by_pid(await anext(source))[child.pid]
        assert (after.key, after.name, after.command) == (before.key, "sleep", "sleep 61")
        await source.aclose()
    finally:
        child.kill()
        child.wait()


async def test_raw_is_what_proc_says_without_the_environment(
    zoo: Zoo, backend: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2-of-the-test")
    pid = zoo.odd()
    source = backend.processes(None)
    row = by_pid(await anext(source))[pid]
    await source.aclose()
    raw = await backend.raw(row)
    for word in ("/status", "VmRSS", "Max open files", "/cgroup", "open files: ", "working directory: "):
        assert word in raw
    assert "hunter2" not in raw
    zoo.end("odd")
    with pytest.raises(NotFound, match="gone"):
        await backend.raw(row)


async def test_raw_is_never_about_another_process_with_that_pid(zoo: Zoo, backend: Local) -> None:
    pid = zoo.stopped()
    source = backend.processes(None)
    row = by_pid(await anext(source))[pid]
    await source.aclose()
    host, number, start, boot = row.key.split("/")
    from msgspec.structs import replace

    for key in (f"{host}/{number}/{int(start) - 1}/{boot}", f"{host}/{number}/{start}/00000000"):
        with pytest.raises(NotFound, match="another one"):
            await backend.raw(replace(row, key=key))
    # A backend that has not looked yet knows who is meant, too.
    assert "== /proc" in await Local("host", LocalSettings()).raw(row)


async def test_the_command_to_ask_with_works(zoo: Zoo, backend: Local) -> None:
    pid = zoo.stopped()
    source = backend.processes(None)
    row = by_pid(await anext(source))[pid]
    await source.aclose()
    argv = backend.ask(row)
    assert argv is not None
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert str(pid) in said
    assert "sleep 60" in said


async def test_the_host_itself(backend: Local) -> None:
    source = backend.hosts(None)
    host = next(iter((await anext(source)).value.values()))
    assert host.cpu is None
    assert host.cores == os.cpu_count()
    assert host.memory_total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < (host.memory_available or 0) < (host.memory_total or 0)
    assert host.load is not None
    assert all(abs(mine - its) < 2 for mine, its in zip(host.load, os.getloadavg(), strict=True))
    host = next(iter((await anext(source)).value.values()))
    assert 0 <= (host.cpu if host.cpu is not None else -1) <= 100
    assert "MemTotal" in await backend.raw(host)
    assert backend.ask(host) == ("uptime",)
    await source.aclose()


async def test_a_look_leaves_the_loop_free(backend: Local) -> None:
    """While it looks, the loop has its turns: the work is a thread's."""
    turns = 0

    async def beat() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beating = asyncio.create_task(beat())
    source = backend.processes(None)
    await anext(source)
    beating.cancel()
    assert turns > 3
    await source.aclose()


def test_its_own_addresses_are_those_that_psutil_finds() -> None:
    found = {
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    }
    assert set(own_addresses()) == {socket.gethostname()} | found - {"127.0.0.1", "::1"}
