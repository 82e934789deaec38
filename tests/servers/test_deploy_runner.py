"""A runner in our own process, so that what it stands on can be taken away."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from backends.api.runs import Plan, PlannedStep, RunState
from backends.deploys.command import Command, NotNoted
from backends.deploys.folder import ABORT, Written, new_id, write_plan
from backends.deploys.identity import Identity
from backends.deploys.journal import Entry, Journal, What
from backends.deploys.runner import Runner
from backends.deploys.step_marks import Marks
from tests.servers.runs import folders, row
from tests.waiting import wait_until

pytestmark = pytest.mark.server

SECRET = "canary-5c2e71"


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A runner's handlers are those of its process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def runner(folder: Path, *scripts: str, environment: Mapping[str, str] = os.environ) -> Runner:
    runs = folders()
    runs.make()
    run = new_id("web")
    steps = tuple(PlannedStep("deploy.sh", ("sh", "-c", script)) for script in scripts)
    written = Written(run, "lab", "ops", "here", Plan("web", "command", (), steps, (), str(folder), 30.0))
    write_plan(runs[run], written, time.time() + 30)
    return Runner(runs[run], written, environment)


def test_a_command_that_could_not_be_noted_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody could find it, should the runner die."""
    write = Journal.write

    def full(self: Journal, entry: Entry) -> None:
        if entry.what is What.COMMAND:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, entry)

    monkeypatch.setattr(Journal, "write", full)
    made = runner(tmp_path, "touch ran")
    assert made.run() is RunState.FAILED
    (ended,) = folders().look().values()
    assert ended.message == "deploy.sh was not started: its journal can't be written"
    assert not (tmp_path / "ran").exists()


def test_who_is_told_of_a_command_is_told_before_it_runs(tmp_path: Path) -> None:
    def refuse(identity: Identity) -> None:
        raise OSError(errno.EIO, "no")

    def note(identity: Identity) -> None:
        assert not (tmp_path / "ran").exists()
        (tmp_path / "noted").write_text(str(identity))

    with open(os.devnull, "wb") as output:
        with pytest.raises(NotNoted):
            Command(("touch", "ran"), str(tmp_path), os.environ, output.fileno(), refuse)
        assert not (tmp_path / "ran").exists()
        script = 'echo "$$" > ran'
        command = Command(("sh", "-c", script), str(tmp_path), os.environ, output.fileno(), note)
        assert command.watch(lambda: "", lambda reason, left: None).status == 0
    assert (tmp_path / "noted").read_text().split("/")[0] == (tmp_path / "ran").read_text().strip()


@pytest.mark.parametrize("environment", [{"T": f"{SECRET}\0"}, {f"{SECRET}=x": "y"}, {"T": f"{SECRET}\udfff"}])
def test_an_environment_that_no_program_can_be_given(tmp_path: Path, environment: dict[str, str]) -> None:
    made = runner(tmp_path, "touch ran", environment={**os.environ, **environment})
    assert made.run() is RunState.FAILED
    (ended,) = folders().look().values()
    assert ended.message == "deploy.sh was not started: no program can be given its arguments, or its environment"
    assert SECRET not in repr(ended)


def test_a_step_that_fails_is_the_last(tmp_path: Path) -> None:
    made = runner(tmp_path, "touch first", "exit 3", "touch ran")
    assert made.run() is RunState.FAILED
    (ended,) = folders().look().values()
    assert ended.message == "exit 3"
    assert (tmp_path / "first").exists()
    assert not (tmp_path / "ran").exists()


def test_a_step_that_a_command_tells_of_with_its_last_breath_is_told(tmp_path: Path) -> None:
    assert runner(tmp_path, "printf '::step one\\n::step two'").run() is RunState.DONE
    (ended,) = folders().look().values()
    assert [step.name for step in ended.steps] == ["deploy.sh", "one", "two"]


def test_a_hangup_ends_nothing(tmp_path: Path) -> None:
    def hung_up(number: int, frame: object) -> None:
        raise AssertionError("the runner takes a hangup for its end")

    signal.signal(signal.SIGHUP, hung_up)
    assert runner(tmp_path, "kill -HUP $PPID; touch ran").run() is RunState.DONE
    assert (tmp_path / "ran").exists()


def test_a_wish_to_abort_that_may_not_be_read_is_one_all_the_same(tmp_path: Path) -> None:
    made = runner(tmp_path, "until [ -e go ]; do sleep 0.02; done")
    (run,) = folders().look()
    (folders()[run] / ABORT).mkdir()
    assert made.run() is RunState.ABORTED
    (ended,) = folders().look().values()
    assert ended.message.startswith("aborted: ")


def test_a_command_that_cannot_be_watched_does_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a kernel, or in a container, that has no pidfd."""

    def none(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("backends.deploys.command.os.pidfd_open", none)
    made = runner(tmp_path, "until [ -e go ]; do sleep 0.02; done")
    assert made.run() is RunState.FAILED
    (ended,) = folders().look().values()
    assert ended.message == "sh: Function not implemented"
    wait_until(lambda: folders().left_running(ended.key) == ())  # What was killed is gone a moment later.


def test_an_output_that_cannot_be_read_leaves_no_command_unwatched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Marks, *, final: bool = False) -> list[str]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Marks, "read", broken)
    made = runner(tmp_path, "touch ran; exit 3")
    assert made.run() is RunState.FAILED
    (ended,) = folders().look().values()
    assert row(ended.key) == ended
    assert ended.message == "exit 3; its steps could not all be read: Input/output error"
    assert (tmp_path / "ran").exists()


def test_its_session_is_all_that_it_has_started_and_no_other(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    script = "sleep 0.3 & setsid sleep 0.3 & sleep 0.3 & touch up; wait"
    with open(os.devnull, "wb") as output:
        command = Command(
            ("sh", "-c", script),
            str(tmp_path),
            os.environ,
            output.fileno(),
            lambda identity: _write(noted, identity),
        )
        pid, start, boot = noted.read_text().split("/")
        leader = Identity(int(pid), int(start), boot)
        deadline = time.monotonic() + 10
        while len(leader.session()) != 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert leader.session()[0] == leader
        assert len(leader.session()) == 3
        assert Identity(leader.pid, leader.start + 1, boot).session() == ()
        assert Identity(leader.pid, leader.start, "another").session() == ()
        command.watch(lambda: "", lambda reason, left: None)
    assert leader.session() == ()


def _write(path: Path, identity: Identity) -> None:
    path.write_text(str(identity))
