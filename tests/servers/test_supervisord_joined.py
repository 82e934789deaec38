"""A real program under a real supervisord, which listens: process, unit and registration find each other."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.api.members import Member, MemberState, Role
from backends.api.readings import FeedKey, Reading, State
from backends.config.context import Context, SourceConfig
from backends.processes.local import LocalSettings
from backends.processes.supervisord import SupervisordSettings
from backends.relations import related
from backends.watch import Watch
from tests.outside.program import run
from tests.servers.etcd_cluster import free_port
from tests.servers.supervisord_server import SupervisordServer
from tests.waiting import until

pytestmark = pytest.mark.server

LISTEN = (
    "import os, socket, time; s = socket.create_server(('127.0.0.1', {port}));"
    "os.fork() or time.sleep(600); time.sleep(600)"
)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[SupervisordServer]:
    listen = f'command={sys.executable} -c "{LISTEN.format(port=port)}"\nstartsecs=0\nkillasgroup=true\n'
    listen += "stopasgroup=true\n"
    programs = {"web-1": listen, "bad": "command=sh -c 'exit 3'\nstartsecs=0\nautorestart=false\n"}
    with SupervisordServer(programs, {"web": "web-1"}) as made:
        while not _listens(port):
            time.sleep(0.02)
        yield made
        made.control("stop", "all")


async def test_process_unit_and_registration_find_each_other(server: SupervisordServer, port: int) -> None:
    sources = (
        SourceConfig("supervisord", "main", SupervisordSettings(url=server.url)),
        SourceConfig("local", "host", LocalSettings()),
    )
    watch = Watch(Context("lab", sources))
    watch.open()
    feeds = watch.feeds("units", "processes", "hosts")
    units, processes = feeds[FeedKey("supervisord/main", "units")], feeds[FeedKey("local/host", "processes")]
    await until(lambda: units.reading.value)
    processes.watch(lambda new, before: None)
    await until(lambda: all(feed.reading.value for feed in feeds.values()))
    (unit,) = [row for row in (units.reading.value or {}).values() if row.name == "web:web-1"]
    under = [row for row in (processes.reading.value or {}).values() if row.unit == "supervisord/main web:web-1"]
    (main,) = [row for row in under if row.pid == unit.pid]
    (child,) = [row for row in under if row.ppid == unit.pid]
    assert main.listening == child.listening == (f"127.0.0.1:{port}",)
    instance = Member("e", "web-1", "etcd/main", Role.MEMBER, MemberState.UP, "web", address=f"localhost:{port}")
    readings: dict[FeedKey, Reading[Any]] = {key: feed.reading for key, feed in feeds.items()}
    readings[FeedKey("etcd/main", "instances")] = Reading(State.LIVE, {"e": instance})
    assert [found.row for found in related(main, readings)] == [unit, instance]
    assert [found.row for found in related(unit, readings)] == [main, instance]
    assert [found.row for found in related(instance, readings)] == [main, unit]
    await watch.close()


@pytest.fixture
def config(server: SupervisordServer, tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(f"[context.lab.supervisord.main]\nurl = {json.dumps(server.url)}\n")
    return str(path)


def test_units_as_the_contract_says(server: SupervisordServer, config: str) -> None:
    ran = run("units", "-o", "json", "--config", config)
    assert ran.status == 0, ran.err
    document = ran.document
    assert document["kind"] == "units"
    assert [reading["source"] for reading in document["readings"]] == ["supervisord/main"]
    items = {item["name"]: item for item in document["items"]}
    assert set(items) == {"web:web-1", "bad"}
    assert set(items["bad"]) == {
        *("name", "source", "host", "state", "native", "pid", "since", "restarts", "exit", "enabled"),
    }
    bad = items["bad"]
    assert (bad["state"], bad["native"], bad["exit"], bad["pid"]) == ("failed", "EXITED", 3, None)
    assert items["web:web-1"]["state"] == "running"
    assert "spawn error" not in ran.out
    text = run("units", "--config", config)
    assert "Bad exit code 3" in text.out or "failed" in text.out


def test_processes_name_unit_and_where_they_listen(server: SupervisordServer, config: str, port: int) -> None:
    ran = run("processes", "-o", "jsonl", "--config", config)
    assert ran.status == 0, ran.err
    under = [item for item in ran.items if item["unit"] == "supervisord/main web:web-1"]
    assert len(under) == 2
    assert all(item["listening"] == [f"127.0.0.1:{port}"] for item in under)


def test_a_supervisord_that_is_not_there_is_exit_3_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[context.lab.supervisord.main]\nurl = "unix://{tmp_path}/no.sock"\n')
    ran = run("units", "--config", str(path))
    assert ran.status == 3
    assert ran.err.startswith(f"supervisord/main: unix://{tmp_path}/no.sock: no such socket")
    # What a process belongs to is then not known; the processes themselves are.
    assert run("processes", "--config", str(path)).status == 0


async def test_a_context_that_is_closed_lets_go_of_it(server: SupervisordServer) -> None:
    watch = Watch(Context("lab", (SourceConfig("supervisord", "main", SupervisordSettings(url=server.url)),)))
    watch.open()
    for feed in watch.feeds("units", "logs").values():
        feed.watch(lambda new, before: None)
    await until(lambda: all(feed.reading.state is State.LIVE for feed in watch.feeds("units", "logs").values()))
    async with asyncio.timeout(1.5):
        await watch.close()
