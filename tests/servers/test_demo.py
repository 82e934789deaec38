"""The demo production: real servers, up and down, and nothing left behind by any way out."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from tests.servers.demo_run import DEMO, demo, drained, is_gone, loaded, on_terminal, spawned, wait_until
from tests.servers.getting import program
from tui.demo.getting import ETCD, JAVA, NODE_EXPORTER, PROMETHEUS, ZOOKEEPER, find
from tui.demo.process import end, end_members, members
from tui.demo.state import Demo

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]

WORKERS = {"web-1", "web-2", "web-3", "checkout-1", "checkout-2", "search-1"}
MEMBERS = {"etcd m0", "etcd m1", "etcd m2"}
SERVERS = {"zookeeper s1", "zookeeper s2", "zookeeper s3"}
METRICS = {"node-exporter", "prometheus"}


@pytest.fixture
def base() -> Iterator[Path]:
    """Short, as unix sockets want it."""
    for wanted in (ETCD, JAVA, ZOOKEEPER, PROMETHEUS, NODE_EXPORTER):
        program(wanted)
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="mw-")))
    yield folder
    for found in folder.iterdir():
        left = Demo.load(found)
        if left is not None:
            end([left.keeper], 20.0)
        end_members(found)
    shutil.rmtree(folder, ignore_errors=True)


def up(folder: Path, *words: str) -> Demo:
    done = demo("up", "--dir", str(folder), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return loaded(folder)


def registered(demo: Demo) -> dict[str, Any]:
    """What lies under /services/ in the demo's etcd, as etcdctl would list it."""
    address = next(part.address for part in demo.parts if part.name == "etcd m0")
    connection = http.client.HTTPConnection(address, timeout=5)
    first, last = (base64.b64encode(text).decode() for text in (b"/services/", b"/services0"))
    connection.request("POST", "/v3/kv/range", json.dumps({"key": first, "range_end": last}))
    rows = json.loads(connection.getresponse().read()).get("kvs", [])
    connection.close()
    decode = base64.b64decode
    return {decode(row["key"]).decode().rpartition("/")[2]: json.loads(decode(row["value"])) for row in rows}


def registered_in_zookeeper(demo: Demo) -> dict[str, Any]:
    """The same of its ZooKeeper, as soon as every worker has got there."""
    hosts = ",".join(part.address for part in demo.parts if part.name in SERVERS)
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


def test_up_status_down(base: Path) -> None:
    folder = base / "a"
    running = up(folder)
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

    keeper = running.keeper
    down = demo("down", "--dir", str(folder))
    assert (down.returncode, down.stderr) == (0, "")
    assert is_gone(folder, keeper)
    assert demo("down", "--dir", str(folder)).returncode == 2


def test_configuration_is_accepted(base: Path) -> None:
    running = up(base / "a", "--quiet")
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


def test_secrets_are_in_files_only_we_can_read(base: Path) -> None:
    running = up(base / "a", "--quiet")
    password = (running.folder / "supervisord.password").read_text()
    for name in ("supervisord.password", "supervisord.conf"):
        assert (running.folder / name).stat().st_mode & 0o777 == 0o600
    for _, identity in members(running.folder):
        assert password.encode() not in Path(f"/proc/{identity.pid}/cmdline").read_bytes()
        assert password.encode() not in Path(f"/proc/{identity.pid}/environ").read_bytes()


def test_two_side_by_side(base: Path) -> None:
    one, two = up(base / "a", "--quiet"), up(base / "b", "--quiet")
    addresses = [part.address for demo_ in (one, two) for part in demo_.parts]
    assert len(set(addresses)) == len(addresses)
    several = demo("down")
    assert several.returncode == 2
    assert str(one.folder) in several.stderr
    assert str(two.folder) in several.stderr
    assert demo("down", "--dir", str(one.folder)).returncode == 0
    assert is_gone(one.folder, one.keeper)
    wait_until(lambda: set(registered(two)) == WORKERS)
    assert demo("down").returncode == 0
    assert is_gone(two.folder, two.keeper)


def test_a_folder_that_is_in_use_is_refused_and_untouched(base: Path) -> None:
    folder = base / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    refused = demo("up", "--dir", str(folder))
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert demo("down", "--dir", str(folder)).returncode == 2
    assert (folder / "thesis.txt").exists()


def test_an_empty_folder_stays_and_is_empty_again(base: Path) -> None:
    folder = base / "mine"
    folder.mkdir()
    running = up(folder, "--quiet")
    assert demo("up", "--dir", str(folder)).returncode == 2
    assert running.keeper.is_alive()
    assert demo("down", "--dir", str(folder)).returncode == 0
    assert list(folder.iterdir()) == []


def test_frozen_servers_end_too(base: Path) -> None:
    running = up(base / "a", "--quiet")
    for name, identity in members(running.folder):
        if name in ("etcd m1", "supervisord", "web-1"):
            identity.send(signal.SIGSTOP)
    assert demo("down", "--dir", str(running.folder)).returncode == 0
    assert is_gone(running.folder, running.keeper)


def test_a_killed_keeper_takes_its_servers_along_and_the_next_command_its_folder(base: Path) -> None:
    running = up(base / "a", "--quiet")
    running.keeper.send(signal.SIGKILL)
    wait_until(lambda: not members(running.folder))
    assert running.folder.exists()
    status = demo("status")
    assert str(running.folder) in status.stdout
    assert not running.folder.exists()


def test_a_killed_supervisor_leaves_no_worker(base: Path) -> None:
    running = up(base / "a", "--quiet")
    dict(members(running.folder))["supervisord"].send(signal.SIGKILL)
    rest = MEMBERS | SERVERS | METRICS | {"journald"}
    wait_until(lambda: {name for name, _ in members(running.folder)} == rest)
    assert demo("down", "--dir", str(running.folder)).returncode == 0
    assert is_gone(running.folder, running.keeper)


def test_a_worker_that_loses_its_lease_registers_again(base: Path) -> None:
    running = up(base / "a", "--quiet")
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_dashboard_or_its_owner_ends(base: Path, number: signal.Signals) -> None:
    """Each way out of `demo run`, sent to the process that the person started."""
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: run.child() is not None and run.shows("\x1b[?1049h"), 40.0)
        running = loaded(folder)
        dashboard = run.child()
        assert dashboard is not None
        os.kill(run.pid, number)
        wait_until(run.ended, 30.0)
        assert run.status == (-9 if number == signal.SIGKILL else 128 + number)
        wait_until(lambda: is_gone(folder, running.keeper), 30.0)
        wait_until(lambda: not dashboard.is_alive())


def test_a_killed_dashboard_leaves_nothing_and_gives_the_terminal_back(base: Path) -> None:
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: run.child() is not None and run.shows("\x1b[?1049h"), 40.0)
        running = loaded(folder)
        dashboard = run.child()
        assert dashboard is not None
        dashboard.send(signal.SIGKILL)
        wait_until(run.ended, 30.0)
        assert run.status == 128 + signal.SIGKILL
        assert is_gone(folder, running.keeper)
        assert run.seen.rfind(b"\x1b[?1049l") > run.seen.rfind(b"\x1b[?1049h")


def test_the_owner_is_killed_while_servers_start(base: Path) -> None:
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: bool(members(folder)), 30.0)
        keeper = loaded(folder).keeper
        os.kill(run.pid, signal.SIGKILL)
        wait_until(run.ended)
        wait_until(lambda: is_gone(folder, keeper), 30.0)


def test_two_signals_at_once_while_servers_start(base: Path) -> None:
    """As a closing terminal sends them: the second may not interrupt the clearing away."""
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: bool(members(folder)), 30.0)
        keeper = loaded(folder).keeper
        for number in (signal.SIGSTOP, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
            os.kill(run.pid, number)
        wait_until(run.ended, 30.0)
        assert run.status in (128 + signal.SIGHUP, 128 + signal.SIGTERM)
        assert b"Traceback" not in run.seen
        assert is_gone(folder, keeper)


def test_ctrl_c_while_servers_start(base: Path) -> None:
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: bool(members(folder)), 30.0)
        keeper = loaded(folder).keeper
        os.write(run.terminal, b"\x03")
        wait_until(run.ended, 30.0)
        assert run.status == 130
        assert is_gone(folder, keeper)


def test_ctrl_z_stops_the_whole_job_and_fg_brings_it_back(base: Path) -> None:
    """Under a program that only waits for it, as make does: else the shell would wait for ever."""
    folder = base / "a"
    bash = shutil.which("bash")
    assert bash is not None
    with spawned([bash, "--norc", "-i"], {"PS1": "ready> "}) as shell:
        wait_until(lambda: shell.shows("ready> "))
        command = shlex.join([*DEMO, "run", "--quiet", "--dir", str(folder)])
        os.write(shell.terminal, f"sh -c {shlex.quote(command + '; true')}\n".encode())
        wait_until(lambda: shell.shows("\x1b[?1049h") and shell.shows("search-1"), 40.0)
        keeper = loaded(folder).keeper
        os.write(shell.terminal, b"\x1a")
        wait_until(lambda: shell.shows("Stopped"))
        assert keeper.is_alive()
        before = len(shell.seen)
        os.write(shell.terminal, b"fg\n")
        wait_until(lambda: shell.shows("\x1b[?1049h") and b"\x1b[?1049h" in shell.seen[before:])
        os.write(shell.terminal, b":q\r")
        wait_until(lambda: drained(shell) and is_gone(folder, keeper), 30.0)


def test_ctrl_z_under_a_program_that_only_waits(tmp_path: Path) -> None:
    """`make run`, say: all of the job stops, or the shell would wait for ever."""
    bash = shutil.which("bash")
    assert bash is not None
    config = tmp_path / "config.toml"
    config.write_text("[context.a]\n")
    command = shlex.join([sys.executable, "-P", "-m", "tui.cli", "--config", str(config), "-c", "processes"])
    with spawned([bash, "--norc", "-i"], {"PS1": "ready> "}) as shell:
        wait_until(lambda: shell.shows("ready> "))
        os.write(shell.terminal, f"sh -c {shlex.quote(command + '; true')}\n".encode())
        wait_until(lambda: shell.shows("LIVE"), 40.0)
        os.write(shell.terminal, b"\x1a")
        wait_until(lambda: shell.shows("Stopped"))
        before = len(shell.seen)
        os.write(shell.terminal, b"fg\n")
        wait_until(lambda: drained(shell) and b"\x1b[?1049h" in shell.seen[before:])
        os.write(shell.terminal, b":q\r")
        wait_until(lambda: drained(shell) and b"\x1b[?1049l" in shell.seen[shell.seen.rfind(b"\x1b[?1049h") :])


def test_quitting_the_dashboard(base: Path) -> None:
    folder = base / "a"
    with on_terminal("run", "--quiet", "--dir", str(folder)) as run:
        wait_until(lambda: run.shows("\x1b[?1049h"), 40.0)
        keeper = loaded(folder).keeper
        os.write(run.terminal, b":q\r")
        wait_until(run.ended, 30.0)
        assert run.status == 0
        assert is_gone(folder, keeper)


def test_no_terminal(base: Path) -> None:
    done = demo("run", "--dir", str(base / "a"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "terminal" in done.stderr
    assert not (base / "a").exists()


def test_a_package_of_the_current_folder_does_not_shadow_ours(base: Path) -> None:
    for name in ("tui", "backends", "supervisor"):
        (base / "here" / name).mkdir(parents=True)
        (base / "here" / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    done = demo("up", "--quiet", "--dir", str(base / "a"), cwd=base / "here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert demo("down", "--dir", str(base / "a"), cwd=base / "here").returncode == 0


def test_without_etcd_and_zookeeper_the_rest_runs(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that can't be written, and neither on PATH: left out by name, with the reason."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setenv("PATH", "/nowhere")
    if shutil.which("etcd", path="/usr/sbin:/sbin:/usr/local/sbin") or find("zookeeper.jar", ("usr/share/java",)):
        pytest.skip("one of them is installed on this machine")
    done = demo("up", "--dir", str(base / "a"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: etcd" in done.stdout
    assert "left out: zookeeper" in done.stdout
    running = loaded(base / "a")
    parts = {part.name for part in running.parts}
    # What this machine has installed for itself may run too.
    assert parts >= WORKERS | {"supervisord"}
    assert not parts & (MEMBERS | SERVERS)
    for name in ("etcd", "zookeeper.jar"):
        assert any(name in reason for reason in running.left_out)
    assert not {"etcd", "zookeeper"} & tomllib.loads(running.config.read_text())["context"]["demo"].keys()
    wait_until(lambda: (running.folder / "log" / "access" / "web-1.log").stat().st_size > 0)
    assert demo("down", "--dir", str(base / "a")).returncode == 0
