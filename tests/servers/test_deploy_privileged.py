"""What a run's own account may not end: a command that has become root's, as with sudo. Really tried, by a runner
that is nobody, where root is at hand."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backends.api.actions import End, Outcome, Refused
from backends.api.runs import RunState
from backends.deploys import launch
from backends.deploys.command import Command
from backends.deploys.folder import ABORT
from backends.deploys.identity import Identity
from tests.servers.getting import lacking
from tests.servers.runs import deployer, folders, row, until_state, until_step

pytestmark = pytest.mark.server

NOBODY = 65534
ROOT = Path(__file__).parents[2]
RUNS = textwrap.dedent(
    """
    # hashlib: what is imported later only, nobody may not be able to read.
    import hashlib, os, sys, time
    from pathlib import Path
    from backends.api.runs import Plan, PlannedStep
    from backends.deploys import command
    from backends.deploys.folder import RunFolders, Written, new_id, write_plan
    from backends.deploys.runner import Runner
    from backends.state import state_folder

    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    command.GRACE = command.KILLED = 0.3
    runs = RunFolders(state_folder(os.environ), "lab", "web", "deploy/web")
    runs.make()
    run = new_id("web")
    step = PlannedStep("deploy.sh", tuple(sys.argv[3:]))
    plan = Plan("web", "command", (), (step,), (), sys.argv[1], float(sys.argv[2]))
    written = Written(run, "lab", "ops", "here", plan)
    write_plan(runs[run], written, time.time() + 30)
    runner = Runner(runs[run], written, dict(os.environ))
    print(run, flush=True)
    runner.run()
    """
)
"""A runner that is nobody, as midwatch would be that is started by nobody: it may end nothing of root's."""
WAITS = 'echo "::step privileged"; until [ -e go ]; do sleep 0.05; done; echo "::step last"; exit $1'


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that nobody can get to. (The way to its own is closed by pytest whenever another one begins.)"""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
        yield folder


@pytest.fixture
def become_root(yard: Path) -> tuple[str, ...]:
    """The words before a command that make it root's, whoever says them: as sudo would."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        pytest.skip("only root can make a program that becomes root's")
    if setpriv is None:
        lacking("no setpriv (util-linux) here")
    rootly = yard / "rootly"
    shutil.copy(setpriv, rootly)
    rootly.chmod(0o4755)
    words = (str(rootly), "--reuid=0", "--regid=0", "--clear-groups")
    tried = subprocess.run([*words, "id", "-ru"], user=NOBODY, capture_output=True, check=False)
    if tried.stdout != b"0\n":
        lacking("no program becomes root's here (nosuid, or no new privileges)")
    os.chown(yard / "state", NOBODY, NOBODY)
    return words


@contextmanager
def run_by_nobody(folder: Path, argv: tuple[str, ...], timeout: float = 60.0) -> Iterator[str]:
    """The id of a run that goes on; whatever is left of it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNS, str(folder), str(timeout), *argv],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process.stdout:
        run = process.stdout.readline().strip()
    try:
        yield run
    finally:
        process.kill()
        process.wait()
        for left in folders().left_running(run):
            with suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)


def abort(run: str) -> None:
    """As another midwatch of nobody's would."""
    wish = folders()[run] / "wish"
    wish.write_text("ops")
    os.chown(wish, NOBODY, NOBODY)
    wish.rename(wish.with_name(ABORT))


@pytest.mark.parametrize("status", [0, 3])
async def test_a_command_of_root_goes_on_and_so_does_the_truth(
    yard: Path, become_root: tuple[str, ...], status: int
) -> None:
    with run_by_nobody(yard, (*become_root, "sh", "-c", WAITS, "sh", str(status))) as run:
        begun = await until_step(run, "privileged")
        backend = deployer(yard, ("true",))
        (action,) = await backend.actions(begun)
        abort(run)
        outcome = await backend.look(action, lambda text: None)
        goes_on = row(run)
        assert goes_on is not None
        assert goes_on.state is RunState.RUNNING
        (command, *_) = folders().left_running(run)
        why = f"aborted by ops, in vain: sh (pid {command.pid}) can't be ended by nobody: it belongs to root"
        assert goes_on.message == goes_on.left == why
        assert outcome == Outcome(End.FAILED, f"{run} goes on: {why}")
        # Its output is still read, and its own end is its end.
        (yard / "go").touch()
        ended = await until_state(run, RunState.DONE, RunState.FAILED)
        assert [step.name for step in ended.steps] == ["deploy.sh", "privileged", "last"]
        how = (RunState.DONE, why) if status == 0 else (RunState.FAILED, f"exit 3; {why}")
        assert (ended.state, ended.message) == how
        outcome = await backend.look(action, lambda text: None)
        assert outcome == Outcome(End.FAILED, f"{run} {ended.state.value}: {ended.message}")


async def test_what_an_abort_leaves_behind_is_told_and_no_run_starts_beside_it(
    yard: Path, become_root: tuple[str, ...]
) -> None:
    script = f"{' '.join(become_root)} sh -c 'echo $$ > pid; sleep 300' & until [ -s pid ]; do :; done; "
    (yard / "pid").touch(0o666)
    with run_by_nobody(yard, ("sh", "-c", script + "echo ::step waiting; wait")) as run:
        begun = await until_step(run, "waiting")
        (action,) = await deployer(yard, ("true",)).actions(begun)
        abort(run)
        ended = await until_state(run, RunState.ABORTED)
        left = int((yard / "pid").read_text())
        why = f"sh (pid {left}) can't be ended by nobody: it belongs to root"
        assert ended.message == f"aborted by ops: killed by SIGTERM; {why}"
        outcome = await deployer(yard, ("true",)).look(action, lambda text: None)
        assert outcome == Outcome(End.FAILED, f"{run} {ended.message}")
        with pytest.raises(Refused, match=rf"was aborted, and its command \(pid {left}\) still runs"):
            launch._refuse_beside_orphans(folders())
        os.kill(left, signal.SIGKILL)
        for process in folders().left_running(run):
            os.kill(process.pid, signal.SIGKILL)


async def test_a_timeout_that_can_end_nothing(yard: Path, become_root: tuple[str, ...]) -> None:
    with run_by_nobody(yard, (*become_root, "sh", "-c", WAITS, "sh", "0"), timeout=0.2) as run:
        async with asyncio.timeout(20):
            while not (found := row(run)) or not found.left:
                await asyncio.sleep(0.05)
        assert found.left.startswith("timed out after 0.2 s, in vain: sh (pid ")
        (yard / "go").touch()
        assert (await until_state(run, RunState.DONE)).message == found.left


def test_a_kernel_that_says_no_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the owner can't be seen (hidepid), EPERM is all that is known."""
    monkeypatch.setattr("backends.deploys.command.GRACE", 0.2)
    monkeypatch.setattr("backends.deploys.command.KILLED", 0.2)

    def denied(group: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("backends.deploys.command.os.killpg", denied)
    noted: list[Identity] = []
    told: list[tuple[str, str]] = []

    def hear(reason: str, left: str) -> None:
        told.append((reason, left))
        (tmp_path / "go").touch()

    with open(os.devnull, "wb") as output:
        argv = ("sh", "-c", "until [ -e go ]; do sleep 0.02; done")
        command = Command(argv, str(tmp_path), dict(os.environ), output.fileno(), noted.append)
        ended = command.watch(lambda: "aborted", hear)
    assert (ended.status, ended.outlived) == (0, True)
    assert told == [("aborted", ended.left)]
    assert ended.left.endswith(": it belongs to another account")
