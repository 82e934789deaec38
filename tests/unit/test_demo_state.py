"""Where demos are, whose they are, and what may be removed; ports; processes that can't be mistaken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tui.demo.ports import free_ports
from tui.demo.process import FOLDER, PART, Identity, end, end_members, members, start_tied
from tui.demo.state import (
    FOLDER_MOST,
    Demo,
    Part,
    Place,
    Refused,
    clean_dead,
    known,
    make_folder,
    remember,
)

GONE = Identity(pid=2**22 + 1, start=1)
"""Above pid_max: no such process."""


def sleeper(folder: Path, name: str = "x", code: str = "import time; time.sleep(60)") -> subprocess.Popen[bytes]:
    environment = {FOLDER: str(folder), PART: name}
    return start_tied([sys.executable, "-c", code], output=subprocess.DEVNULL, environment=environment)


def me() -> Identity:
    found = Identity.of(os.getpid())
    assert found is not None
    return found


def test_saved_and_loaded(tmp_path: Path) -> None:
    part = Part("web-1", "127.0.0.1:1", "http://127.0.0.1:1/metrics")
    demo = Demo(tmp_path, me(), parts=(part,), servers=(GONE,), left_out=("etcd: why",))
    demo.save()
    assert Demo.load(tmp_path) == demo
    assert demo.is_kept()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": "/"}', "null", '{"folder": 1}'])
def test_what_is_no_record_is_no_demo(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert Demo.load(tmp_path) is None


def test_a_copied_record_does_not_speak_for_another_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    Demo(one, GONE).save()
    one.rename(two)
    assert Demo.load(two) is None
    with pytest.raises(Refused, match="not empty"):
        make_folder(str(two))


def test_dead_ones_are_cleared_and_living_ones_are_not(tmp_path: Path) -> None:
    for name, keeper in (("dead", GONE), ("alive", me())):
        (tmp_path / name).mkdir()
        Demo(tmp_path / name, keeper).save()
        remember(tmp_path / name)
    assert clean_dead() == [tmp_path / "dead"]
    assert [demo.folder for demo in known()] == [tmp_path / "alive"]
    assert not (tmp_path / "dead").exists()


def test_a_reused_pid_is_not_the_keeper(tmp_path: Path) -> None:
    assert not Demo(tmp_path, replace(me(), start=me().start - 1)).is_kept()


def test_another_machines_demo_is_left_alone(tmp_path: Path) -> None:
    """A home on the network, or shared with a container: its pids say nothing here."""
    here = Place.here()
    places = {
        "host": replace(here, host=here.host + "x", boot="b"),
        "container": replace(here, space="pid:[1]"),
        "reboot": replace(here, boot="before"),
    }
    for name, place in places.items():
        (tmp_path / name).mkdir()
        Demo(tmp_path / name, GONE, place=place).save()
        remember(tmp_path / name)
    assert clean_dead() == [tmp_path / "reboot"]
    with pytest.raises(Refused, match="in use"):
        make_folder(str(tmp_path / "host"))


def test_an_index_entry_without_a_demo_is_forgotten(tmp_path: Path) -> None:
    remember(tmp_path / "never")
    assert known() == []
    assert list((Path(os.environ["XDG_STATE_HOME"]) / "midwatch" / "demos").iterdir()) == []


def test_a_folder_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too long"):
        make_folder(str(tmp_path / ("x" * FOLDER_MOST)))


def test_ports_are_free_different_and_below_the_kernels_own() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if low >= 17000:
        assert max(ports) < low


def test_members_are_found_by_their_environment(tmp_path: Path) -> None:
    ours, other = sleeper(tmp_path, "etcd m0"), sleeper(tmp_path / "longer")
    try:
        # The launcher carries the environment already, before it becomes the program.
        assert dict(members(tmp_path)) == {"etcd m0": Identity.of(ours.pid)}
        assert end_members(tmp_path)
        assert ours.wait() == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_one_that_ignores_sigterm_and_one_that_is_stopped_end(tmp_path: Path) -> None:
    deaf = (
        "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"deaf\n"
    stopped = sleeper(tmp_path)
    identities = [identity for pid in (process.pid, stopped.pid) if (identity := Identity.of(pid))]
    identities[1].send(signal.SIGSTOP)
    assert end(identities, 0.2)
    assert process.wait() == -signal.SIGKILL
    assert stopped.wait() == -signal.SIGTERM
    process.stdout.close()


def test_a_reused_pid_gets_no_signal(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    identity = Identity.of(process.pid)
    assert identity is not None
    try:
        assert not replace(identity, start=identity.start - 1).send(signal.SIGKILL)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
