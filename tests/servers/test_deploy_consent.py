"""A deploy of which it was told that it did not start never starts; where it may yet start, nobody is told so."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from backends.api.actions import Action, End, Outcome, Permit, Refused
from backends.api.errors import TimedOut
from backends.api.runs import RunState, run_of
from backends.api.settings import SecretRef
from backends.deploys import launch
from backends.deploys.deploy import Deployer
from backends.deploys.folder import PERMIT, RunFolders, RunPermit
from backends.deploys.journal import JOURNAL
from backends.deploys.leave_to_start import Leave
from backends.deploys.run_actions import RunActions
from backends.secrets import reveal
from tests.servers.runs import folders, nothing_left, shell, start, until_state, until_step

pytestmark = pytest.mark.server

WAITS = 'echo "::step waiting"; until [ -e go ]; do sleep 0.05; done'


def nothing(text: str) -> None:
    pass


def hold_runner(folder: Path, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    """Any runner waits for the file `let-go`: before it does anything, or before its journal."""
    let_go = str(folder / "let-go")
    # Not for ever: should the test fail, nobody lets it go.
    wait = (
        "import os, time\nuntil = time.monotonic() + 30\n"
        f"while not os.path.exists({let_go!r}) and time.monotonic() < until:\n    time.sleep(0.02)\n"
    )
    if before == "journal":
        indented = "".join(f"    {line}\n" for line in wait.splitlines())
        wait = (
            f"import fcntl\nflock = fcntl.flock\ndef held(file, how):\n{indented}    return flock(file, how)\n"
            "fcntl.flock = held\n"
        )
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(wait)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setattr(launch, "ANSWER", 3.0)


async def made(backend: Deployer) -> Action:
    return backend.action(await backend.plan({}))


async def eventually(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(seen):
            await asyncio.sleep(0.02)


def lock_is_free() -> bool:
    handle = folders().lock()
    if handle is not None:
        os.close(handle)
    return handle is not None


async def test_a_runner_that_is_slow_to_answer_never_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_runner(tmp_path, monkeypatch, "everything")
    backend = shell(tmp_path, "touch ran")
    action = await made(backend)
    async with nothing_left():
        with pytest.raises(Refused, match=r"nothing was started: its runner said nothing within 3 s"):
            await backend.perform(action, Permit(action), nothing)
        (tmp_path / "let-go").touch()
        await eventually(lock_is_free)
        assert not folders().look()
        assert not (tmp_path / "ran").exists()
        assert await backend.look(action, nothing) == Outcome(End.FAILED, "it did not start")


async def test_while_a_runner_may_begin_nobody_says_that_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_runner(tmp_path, monkeypatch, "journal")
    backend = shell(tmp_path, "true")
    action = await made(backend)
    looks = 0
    look = RunFolders.look_at_all

    def counted(self: RunFolders) -> object:
        nonlocal looks
        looks += 1
        return look(self)

    async with nothing_left():
        with pytest.raises(TimedOut, match="said nothing"):
            await backend.perform(action, Permit(action), nothing)
        monkeypatch.setattr(RunFolders, "look_at_all", counted)
        looking = asyncio.ensure_future(backend.look(action, nothing))
        await eventually(lambda: looks > 4)
        assert not looking.done()
        (tmp_path / "let-go").touch()
        async with asyncio.timeout(20):
            assert await looking == Outcome(End.DONE, f"{run_of(action)} has started")
        await until_state(run_of(action), RunState.DONE)


async def test_a_runner_that_dies_before_it_has_begun_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_runner(tmp_path, monkeypatch, "journal")
    backend = shell(tmp_path, "touch ran")
    action = await made(backend)
    with pytest.raises(TimedOut):
        await backend.perform(action, Permit(action), nothing)
    # The only thing that its journal still lacks is in its way.
    folder = folders()[run_of(action)]
    await eventually(lambda: (folder / JOURNAL).exists())
    (folder / "reserve").touch()
    (tmp_path / "let-go").touch()
    async with asyncio.timeout(20):
        assert await backend.look(action, nothing) == Outcome(End.FAILED, "it did not start")
    assert not (tmp_path / "ran").exists()


class Mount:
    """A secret's file that hangs until it is let go, as on a dead mount."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.back, self.left = threading.Event(), threading.Event(), threading.Event()
        launched = RunActions._launch

        def hanging(value: str | SecretRef) -> object:
            self.reached.set()
            assert self.back.wait(20)
            return reveal(value)

        def followed(*words: object) -> None:
            try:
                launched(*words)  # type: ignore[arg-type]
            finally:
                self.left.set()

        monkeypatch.setattr("backends.deploys.run_actions.reveal", hanging)
        monkeypatch.setattr(RunActions, "_launch", followed)


@pytest.mark.parametrize("how", ["by the door", "by itself"])
async def test_a_start_that_hangs_and_is_given_up_never_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    mount = Mount(monkeypatch)
    backend = shell(tmp_path, "touch ran", environment={"TOKEN": "x"})
    action = await made(backend)
    if how == "by itself":
        monkeypatch.setattr(launch, "ANSWER", -1.5)
    performing = asyncio.ensure_future(backend.perform(action, Permit(action), nothing))
    await eventually(mount.reached.is_set)
    if how == "by the door":
        performing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await performing
    else:
        with pytest.raises(Refused, match="nothing was started: no word for"):
            await performing
    assert await backend.look(action, nothing) == Outcome(End.FAILED, "it did not start")
    mount.back.set()
    await eventually(mount.left.is_set)
    assert folders().names() == []
    assert not (tmp_path / "ran").exists()


async def test_a_permit_is_as_old_as_the_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = Mount(monkeypatch)
    now = [1000.0]
    monkeypatch.setattr("backends.deploys.leave_to_start.time.time", lambda: now[0])
    monkeypatch.setattr("backends.deploys.folder.time.time", lambda: now[0])
    backend = shell(tmp_path, "touch ran", environment={"TOKEN": "x"})
    action = await made(backend)
    performing = asyncio.ensure_future(backend.perform(action, Permit(action), nothing))
    await eventually(mount.reached.is_set)
    now[0] = 1031.0
    mount.back.set()
    with pytest.raises(Refused, match="older than 30 s"):
        await performing
    assert folders().names() == []
    assert not (tmp_path / "ran").exists()


async def test_a_written_permit_says_until_when_the_consent_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves: list[Leave] = []

    def made_leave() -> Leave:
        leaves.append(Leave())
        return leaves[-1]

    monkeypatch.setattr("backends.deploys.run_actions.Leave", made_leave)
    run = await start(shell(tmp_path, "true"))
    permit = msgspec.json.decode((folders()[run] / PERMIT).read_bytes(), type=RunPermit)
    assert permit.until == leaves[0].until
    await until_state(run, RunState.DONE)


async def test_an_abort_that_was_given_up_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, back, left = threading.Event(), threading.Event(), threading.Event()
    asked = launch.abort

    def hanging(*words: object) -> None:
        reached.set()
        assert back.wait(20)
        try:
            asked(*words)  # type: ignore[arg-type]
        finally:
            left.set()

    async with nothing_left():
        backend = shell(tmp_path, WAITS)
        run = await start(backend)
        begun = await until_step(run, "waiting")
        monkeypatch.setattr(launch, "abort", hanging)
        (action,) = await backend.actions(begun)
        performing = asyncio.ensure_future(backend.perform(action, Permit(action), nothing))
        await eventually(reached.is_set)
        performing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await performing
        back.set()
        await eventually(left.is_set)
        assert not (folders()[run] / "abort").exists()
        (tmp_path / "go").touch()
        await until_state(run, RunState.DONE)


def test_a_leave_is_used_or_given_up_and_never_both() -> None:
    given_up, used = Leave(), Leave()
    assert not given_up.give_up()
    with pytest.raises(Refused, match="nobody waits"):
        given_up.use()
    used.use()
    assert used.give_up()
