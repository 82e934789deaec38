"""The demo production: real servers, up and down, and nothing left behind by any way out."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.demo_run import (
    DEMO,
    MEMBERS,
    SERVERS,
    WORKERS,
    demo,
    drained,
    is_gone,
    loaded,
    on_terminal,
    place,
    registered,
    spawned,
    up,
)
from tests.waiting import wait_until
from tui.demo.getting import find
from tui.demo.process import members

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]

SMALL = ("--quiet", "--only", "supervisord")


@pytest.fixture
def base() -> Iterator[Path]:
    with place() as folder:
        yield folder


def test_two_side_by_side(base: Path) -> None:
    one, two = (up(base / name, "--quiet", "--only", "etcd,supervisord") for name in "ab")
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


def test_only_some_of_the_servers(base: Path) -> None:
    """Each is content without the others, and nobody calls what was not asked for left out."""
    running = up(base / "a", "--only", "journald, prometheus")
    assert {part.name for part in running.parts} == {"journald", "prometheus"}
    assert running.left_out == ()
    context = tomllib.loads(running.config.read_text())["context"]["demo"]
    assert {"colour", "arm", "journald", "prometheus", "page"} == context.keys()
    assert demo("down", "--dir", str(base / "a")).returncode == 0
    for words, answer in (("etcd,oracle", "no such server: oracle"), (",", "no server is named")):
        refused = demo("up", "--dir", str(base / "b"), "--only", words)
        assert refused.returncode == 2
        assert answer in refused.stderr
        assert "there are zookeeper, etcd," in refused.stderr
    assert not (base / "b").exists()


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
    running = up(folder, "--only", "node-exporter")
    assert demo("up", "--dir", str(folder)).returncode == 2
    assert running.keeper.is_alive()
    assert demo("down", "--dir", str(folder)).returncode == 0
    assert list(folder.iterdir()) == []


def test_frozen_servers_end_too(base: Path) -> None:
    running = up(base / "a", "--quiet", "--only", "etcd,supervisord")
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
    running = up(base / "a", "--quiet", "--only", "etcd,supervisord")
    dict(members(running.folder))["supervisord"].send(signal.SIGKILL)
    wait_until(lambda: {name for name, _ in members(running.folder)} == MEMBERS)
    assert demo("down", "--dir", str(running.folder)).returncode == 0
    assert is_gone(running.folder, running.keeper)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_dashboard_or_its_owner_ends(base: Path, number: signal.Signals) -> None:
    """Each way out of `demo run`, sent to the process that the person started."""
    folder = base / "a"
    with on_terminal("run", *SMALL, "--dir", str(folder)) as run:
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
    with on_terminal("run", *SMALL, "--dir", str(folder)) as run:
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
        command = shlex.join([*DEMO, "run", *SMALL, "--dir", str(folder)])
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
    with on_terminal("run", *SMALL, "--dir", str(folder)) as run:
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
    done = demo("up", *SMALL, "--dir", str(base / "a"), cwd=base / "here")
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
    # ZooKeeper lacks its jar, and first of all Java where this machine has none.
    for names in (("etcd",), ("zookeeper.jar", "java")):
        assert any(name in reason for name in names for reason in running.left_out)
    assert not {"etcd", "zookeeper"} & tomllib.loads(running.config.read_text())["context"]["demo"].keys()
    wait_until(lambda: (running.folder / "log" / "access" / "web-1.log").stat().st_size > 0)
    assert demo("down", "--dir", str(base / "a")).returncode == 0
