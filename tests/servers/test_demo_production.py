"""The whole demo production: every server in its place, and what each says of the others."""

from __future__ import annotations

import http.client
import json
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from tests.servers.demo_run import MEMBERS, METRICS, SERVERS, WORKERS, demo, is_gone, place, registered, up
from tests.waiting import wait_until
from tui.demo.process import members
from tui.demo.state import Demo

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def production() -> Iterator[Demo]:
    """All of it, for every test that leaves it as it was; then down, with nothing left."""
    with place() as base, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        running = up(base / "a")
        yield running
        down = demo("down", "--dir", str(running.folder))
        assert (down.returncode, down.stderr) == (0, "")
        assert is_gone(running.folder, running.keeper)
        assert demo("down", "--dir", str(running.folder)).returncode == 2


def registered_in_zookeeper(running: Demo) -> dict[str, Any]:
    """The same of its ZooKeeper, as soon as every worker has got there."""
    hosts = ",".join(part.address for part in running.parts if part.name in SERVERS)
    client: Any = KazooClient(hosts)  # type: ignore[no-untyped-call]
    client.start()
    found: dict[str, Any] = {}

    def all_there() -> bool:
        for service in ("web", "checkout", "search"):
            path = f"/services/{service}"
            for name in client.get_children(path) if client.exists(path) else ():
                data, stat = client.get(f"{path}/{name}")
                assert stat.ephemeralOwner
                found[name] = json.loads(data)
        return found.keys() >= WORKERS

    wait_until(all_there)
    client.stop()
    client.close()
    return found


def get(address: str, path: str) -> str:
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_up_and_status(production: Demo) -> None:
    running, folder = production, production.folder
    rest = {"supervisord", "journald"} | METRICS
    assert {part.name for part in running.parts} == SERVERS | MEMBERS | WORKERS | rest
    assert running.left_out == ()
    wait_until(lambda: set(registered(running)) == WORKERS)
    value = registered(running)["web-2"]
    address = next(part.address for part in running.parts if part.name == "web-2")
    assert value["address"] == address

    assert set(registered_in_zookeeper(running)) == WORKERS

    metrics = get(address, "/metrics")
    assert "process_start_time_seconds" in metrics
    assert 'http_request_duration_seconds_bucket{le="+Inf"}' in metrics
    assert json.loads(get(address, "/debug/vars"))["cmdline"] == ["web-2"]
    # Traffic: both logs of a worker grow.
    for kind in ("app", "access"):
        log = folder / "log" / kind / "web-2.log"
        before = log.stat().st_size
        wait_until(lambda log=log, before=before: log.stat().st_size > before)  # type: ignore[misc]

    status = demo("status", "--dir", str(folder))
    assert status.returncode == 0
    pids = dict(members(folder))
    for part in running.parts:
        line = next(line for line in status.stdout.splitlines() if line.strip().startswith(f"{part.name} "))
        assert line.split()[-3:] == [str(pids[part.name].pid), part.address, "up"]
    assert len({line.rindex(" up") for line in status.stdout.splitlines() if line.endswith(" up")}) == 1


def test_configuration_is_accepted(production: Demo) -> None:
    running = production
    config = tomllib.loads(running.config.read_text())
    context = config["context"]["demo"]
    assert (config["default"], context["colour"], context["arm"]) == ("demo", "green", "always")
    endpoints = [part.address for part in running.parts if part.name in MEMBERS]
    assert context["etcd"]["main"]["endpoints"] == endpoints
    assert context["etcd"]["main"]["groups"]["web"] == "/services/web/"
    hosts = [part.address for part in running.parts if part.name in SERVERS]
    assert context["zookeeper"]["main"]["hosts"].split(",") == hosts
    assert set(context["zookeeper"]["main"]["groups"]) == {"search", "web"}
    assert set(context["files"]) == {"app", "access"}
    guarded = config["context"]["guarded"]
    assert "arm" not in guarded
    assert {**guarded, "arm": "always", "colour": "green"} == context


def test_secrets_are_in_files_only_we_can_read(production: Demo) -> None:
    running = production
    password = (running.folder / "supervisord.password").read_text()
    for name in ("supervisord.password", "supervisord.conf"):
        assert (running.folder / name).stat().st_mode & 0o777 == 0o600
    for _, identity in members(running.folder):
        assert password.encode() not in Path(f"/proc/{identity.pid}/cmdline").read_bytes()
        assert password.encode() not in Path(f"/proc/{identity.pid}/environ").read_bytes()


def test_a_worker_that_loses_its_lease_registers_again(production: Demo) -> None:
    running = production
    wait_until(lambda: set(registered(running)) == WORKERS)
    pids = dict(members(running.folder))
    # Frozen for longer than its lease: etcd forgets it, and it must notice.
    pids["web-1"].send(signal.SIGSTOP)
    wait_until(lambda: "web-1" not in registered(running), 30.0)
    prometheus = next(part.address for part in running.parts if part.name == "prometheus")
    wait_until(lambda: "web-1 does not answer" in get(prometheus, "/api/v1/alerts"), 30.0)
    assert "node_load1" in get(prometheus, "/api/v1/query?query=node_load1")
    pids["web-1"].send(signal.SIGCONT)
    wait_until(lambda: "web-1" in registered(running), 30.0)
    assert dict(members(running.folder))["web-1"] == pids["web-1"]
