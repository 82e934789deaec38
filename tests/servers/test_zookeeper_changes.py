"""`midwatch watch` on ZooKeeper: the end state is equal, nothing is doubled, and each gap is marked."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from tests.outside.program import run
from tests.servers.etcd_cluster import Server
from tests.servers.watching import Watching
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]
CHANGES = 2_000
KEYS = 20
FROZEN = 10.0
"""Seconds: longer than a server is waited for, an election, and a session of ours (6)."""


def config(ensemble: ZookeeperEnsemble) -> str:
    return f'[context.lab.zookeeper.main]\nhosts = "{ensemble.hosts}"\n'


def test_two_thousand_changes_while_each_server_freezes_and_dies(tmp_path: Path) -> None:
    with ZookeeperEnsemble() as ensemble:
        client = ensemble.client()
        for key in range(KEYS):
            client.create(f"/n/{key}", b"", makepath=True)
        written: list[float] = []
        with Watching(tmp_path, config(ensemble), "zookeeper/main", "/n/") as watching:
            over = threading.Event()
            writer = threading.Thread(target=_write, args=(client, written, over))
            writer.start()
            for server in ensemble.servers:
                _in_trouble(server)
            over.set()
            writer.join()
            watching.await_value(str(len(written) - 1), 15)
        assert len(written) >= CHANGES
        stands = {f"/n/{key}": client.get(f"/n/{key}") for key in range(KEYS)}
        client.stop()
        client.close()
    items = [item for _, item in watching.items]
    last = {item["key"]: item for item in items if item["kind"] == "put"}
    assert {key: (item["value"].encode(), item["version"]) for key, item in last.items()} == {
        key: (value, stat.version) for key, (value, stat) in stands.items()
    }
    told = [(item["key"], item["modified"]) for item in items if item["kind"] == "put"]
    assert len(told) == len(set(told))
    assert [zxid for _, zxid in told] == sorted(zxid for _, zxid in told)
    _each_gap_is_marked(items)
    assert {item["kind"] for item in items} == {"put", "gap"}


def _each_gap_is_marked(items: list[dict[str, Any]]) -> None:
    """Where a version was not seen, a gap of that key, or of all, stands before the next one."""
    seen = {f"/n/{key}": 0 for key in range(KEYS)}
    marked: set[str] = set()
    for item in items:
        if item["kind"] == "gap":
            marked |= set(seen) if item["key"] == "/n/" else {item["key"]}
            continue
        if item["version"] != seen[item["key"]] + 1:
            assert item["key"] in marked, item
        seen[item["key"]] = item["version"]
        marked.discard(item["key"])


def _write(client: Any, written: list[float], over: threading.Event) -> None:
    """Numbers in turn over the keys. One that may or may not have been written is written again."""
    while not over.is_set() or len(written) < CHANGES:
        number = len(written)
        try:
            client.set_async(f"/n/{number % KEYS}", b"%d" % number).get(timeout=1)
        except (KazooException, KazooTimeoutError):
            time.sleep(0.1)
            continue
        written.append(time.monotonic())
        time.sleep(0.005)


def _in_trouble(server: Server) -> None:
    """What the watch must live through is time itself."""
    server.freeze()
    time.sleep(FROZEN)
    server.thaw()
    time.sleep(1)
    server.kill()
    time.sleep(2)
    server.start()
    time.sleep(2)


def test_what_comes_goes_and_is_too_much(tmp_path: Path) -> None:
    with ZookeeperEnsemble(size=1) as ensemble:
        client = ensemble.client()
        client.create("/services/web/old", b"", makepath=True)
        with Watching(tmp_path, config(ensemble), "zookeeper/main", "/services/w") as watching:
            client.create("/services/web/a", b"one")
            client.create("/services/other", b"not ours")
            client.create("/services/web/a/deep/er", b"two", makepath=True)
            watching.await_value("two", 10)
            client.delete("/services/web/a", recursive=True)
            client.create("/services/web/a", b"\xff")
            watching.await_value("/w==", 10)
        told = [(item["kind"], item["key"], item["value"], item["version"]) for _, item in watching.items]
        assert told[:3] == [
            ("put", "/services/web/a", "one", 0),
            ("put", "/services/web/a/deep", "", 0),
            ("put", "/services/web/a/deep/er", "two", 0),
        ]
        assert {item[1] for item in told if item[0] == "delete"} == {item[1] for item in told[:3]}
        for number in range(2_000):
            client.create_async(f"/services/web/many-{number}", b"")
        client.create("/services/web/last", b"")
        client.stop()
        client.close()
        config_file = str(tmp_path / "watching.toml")
        ran = run("watch", "zookeeper/main", "/services/", "--timeout", "3", "--config", config_file)
        assert ran.status == 3
        assert "more than 2000 znodes below" in ran.err
        ran = run("watch", "zookeeper/main", "services", "--timeout", "2", "--config", config_file)
        assert ran.status == 3
        assert "begins with /" in ran.err
