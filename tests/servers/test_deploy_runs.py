"""Runs by real runners: from start to end, through the door, and by whoever looks."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from backends.api.actions import End, Outcome, Permit, Refused
from backends.api.errors import Misconfigured
from backends.api.events import EventKind, Occurrence
from backends.api.logs import Beside
from backends.api.runs import RunRows, RunState, params_of, run_of
from backends.changes.door import Consent, Door
from backends.changes.who import Who
from backends.config.context import Context, SourceConfig
from backends.deploys import launch
from backends.deploys.deploy import Deployer
from backends.deploys.folder import PERMIT, PLAN, RUNS_KEPT, RunPermit, Written, new_id, write_plan
from backends.deploys.identity import Identity
from backends.deploys.runner import STARTED, Handed
from backends.deploys.settings import ParamSettings
from backends.logs import followed_files
from backends.logs.followed_files import FollowedFiles
from backends.watch import Watch
from tests.servers.runs import deployer, folders, nothing_left, row, shell, start, until_state, until_step
from tests.unit.acting import Notebook

pytestmark = pytest.mark.server

WHO = Who("ops2", "ssh from 10.0.0.5", "web-1")
STEPS = "echo begin; for i in 1 2; do echo ::step web-$i; sleep 0.3; done; printf end"
WAITS = 'echo "::step waiting"; until [ -e go ]; do sleep 0.05; done'


async def test_through_the_door_to_its_end(tmp_path: Path) -> None:
    """Start, steps and end are events of whoever looks, and the output is a log."""
    backend = shell(tmp_path, STEPS)
    context = Context("lab", (SourceConfig("deploy", "web", backend.settings),), arm="always")
    mine, other = Watch(context), Watch(context)
    notebook = Notebook([])
    door = Door(mine, notebook, WHO)  # type: ignore[arg-type]
    told: list[Occurrence] = []
    other.timeline.on_settled(told.append)
    mine.open()
    other.open()
    leave = other.feeds("logs").popitem()[1].watch(lambda new, before: None)
    try:
        await _live(mine)
        await _live(other)
        made = mine.backend("deploy/web")
        assert isinstance(made, Deployer)
        action = made.action(await made.plan({}))
        outcome = await door.carry_out((await door.propose([action]))[0], Consent())
        run = run_of(action)
        assert outcome == Outcome(End.DONE, f"{run} has started")
        assert notebook.outcomes[0][0] == "asked"
        ended = await until_state(run, RunState.DONE)
        assert [step.name for step in ended.steps] == ["sh", "web-1", "web-2"]
        assert {step.state for step in ended.steps} == {RunState.DONE}
        assert ended.by == Who.here(os.environ).user
        async with asyncio.timeout(10):
            while not told or not told[-1].text.startswith("done"):
                await asyncio.sleep(0.05)
        texts = [event.text for event in told if event.kind is EventKind.DEPLOY]
        assert texts[:-1] == [
            f"started by {ended.by} ({run})",
            *("step 1: sh", "step 2: web-1", "step 3: web-2"),
        ]
        tail = other.tail("deploy/web")
        assert tail is not None
        async with asyncio.timeout(10):
            while tail.span.end < 4:
                await asyncio.sleep(0.05)
        lines = tail.lines(0, 10)
        assert [line.raw for line in lines] == [b"begin", b"::step web-1", b"::step web-2", b"end"]
        assert {line.origin for line in lines} == {run}
        # The same action once more: what it started was that one run.
        with pytest.raises(Refused, match="started before"):
            await made.perform(action, Permit(action), lambda text: None)
    finally:
        leave()
        await mine.close()
        await other.close()


async def _live(watch: Watch) -> None:
    async with asyncio.timeout(10):
        while any(feed.reading.value is None for feed in watch.feeds("deploys", "runs").values()):
            await asyncio.sleep(0.02)


async def test_attached_from_elsewhere_with_the_whole_history(tmp_path: Path) -> None:
    async with nothing_left():
        run = await start(shell(tmp_path, "seq 1 20000; " + WAITS + "; echo last"))
        await until_step(run, "waiting")
        other = shell(tmp_path, "anything else")
        lines: list[bytes] = []
        async with asyncio.timeout(20):
            async for batch in other.output(run):
                lines += [line for block in batch.blocks for line in block.lines()]
                if lines[-1] == b"::step waiting":
                    (tmp_path / "go").touch()
        assert lines == [*(str(i).encode() for i in range(1, 20001)), b"::step waiting", b"last"]
        history = [block.data async for batch in other.history() for block in batch.blocks]
        assert b"\n".join(history).split(b"\n") == lines
        place = Beside(run, None, back=True)
        back = [block async for batch in other.history(beside=place) for block in batch.blocks]
        assert {block.origin for block in back} == {run}
        assert b"\n".join(block.data for block in reversed(back)).split(b"\n") == lines


async def test_a_run_is_looked_back_through_in_one_thread_and_to_its_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[FollowedFiles] = []

    class Counted(FollowedFiles):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(followed_files, "FollowedFiles", Counted)
    async with nothing_left():
        backend = shell(tmp_path, "echo one; printf two")
        run = await start(backend)
        await until_state(run, RunState.DONE)
        for back in (False, True, False):
            place = Beside(run, None, back)
            told = [block.data async for batch in backend.history(beside=place) for block in batch.blocks]
            assert b"\n".join(told) == b"one\ntwo"
    assert len(made) == 1


async def test_a_second_run_is_told_who_since_when_and_which_step(tmp_path: Path) -> None:
    async with nothing_left():
        backend = shell(tmp_path, WAITS)
        run = await start(backend)
        begun = await until_step(run, "waiting")
        with pytest.raises(Refused) as caught:
            await start(shell(tmp_path, WAITS))
        since = f"{begun.started.astimezone():%H:%M:%S}"
        assert caught.value.reason == f"{run} is running: started by {begun.by} at {since}, in step waiting"
        # Another deploy may run beside it.
        await until_state(await start(shell(tmp_path, "true", "db")), RunState.DONE, name="db")
        (tmp_path / "go").touch()
        await until_state(run, RunState.DONE)
        await until_state(await start(backend), RunState.DONE)


async def test_an_abort_ends_all_that_it_started(tmp_path: Path) -> None:
    """What a command started has time for its goodbye, though the command itself ends at once."""
    child_of = "(trap 'sleep 0.5; touch goodbye; exit' TERM; while :; do sleep 0.1; done) &"
    async with nothing_left():
        backend = shell(tmp_path, f"{child_of} echo $! > pid; echo ::step waiting; sleep 300")
        run = await start(backend)
        begun = await until_step(run, "waiting")
        child = Identity.of(int((tmp_path / "pid").read_text()))
        assert child is not None
        (action,) = await backend.actions(begun)
        await backend.perform(action, Permit(action), lambda text: None)
        async with asyncio.timeout(20):
            outcome = await backend.look(action, lambda text: None)
        who = Who.here(os.environ).user
        assert outcome == Outcome(End.DONE, f"{run} aborted by {who}: killed by SIGTERM")
        assert not child.is_alive()
        assert (tmp_path / "goodbye").exists()
        ended = row(run)
        assert ended is not None
        assert ended.steps[-1].state is RunState.ABORTED
        with pytest.raises(Refused, match="does not run: aborted"):
            await backend.perform(action, Permit(action), lambda text: None)


async def test_a_timeout_ends_what_ignores_it_and_is_said(tmp_path: Path) -> None:
    run = await start(shell(tmp_path, "trap '' TERM; while :; do sleep 0.1; done", timeout=0.5))
    ended = await until_state(run, RunState.FAILED)
    assert ended.message == "timed out after 0.5 s: killed by SIGKILL"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("sh", "-c", "exit 3"), "exit 3"),
        (("sh", "-c", "kill -9 $$"), "killed by SIGKILL"),
        (("./nowhere",), "./nowhere: No such file or directory"),
    ],
)
async def test_how_it_failed(tmp_path: Path, argv: tuple[str, ...], message: str) -> None:
    ended = await until_state(await start(deployer(tmp_path, argv)), RunState.FAILED)
    assert ended.message == message
    assert ended.steps[-1].message == message


async def test_it_runs_in_its_folder_with_its_parameters_and_environment(tmp_path: Path) -> None:
    backend = deployer(
        tmp_path,
        (
            sys.executable,
            "-c",
            "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['REGION'])",
            "{v}",
            "{w}",
        ),
        params={
            "v": ParamSettings(pattern=".*"),
            "w": ParamSettings(listed=("printf", "one\\ntwo\\n"), default="two"),
        },
        environment={"REGION": "eu"},
    )
    assert await backend.choices("w") == ("one", "two")
    run = await start(backend, v="$(touch x); a b")
    ended = await until_state(run, RunState.DONE)
    assert ended.params == (("v", "$(touch x); a b"), ("w", "two"))
    output = (folders()[run] / "output.log").read_text()
    assert output == f"['$(touch x); a b', 'two'] {tmp_path} eu\n"


async def test_a_parameter_may_be_called_anything(tmp_path: Path) -> None:
    names = ("run", "plan", "signal")
    params = {name: ParamSettings(pattern=".*") for name in names}
    backend = deployer(tmp_path, ("echo", *(f"{{{name}}}" for name in names)), params=params)
    given = {name: f"not-{name}" for name in names}
    action = backend.action(await backend.plan(given))
    assert run_of(action).startswith("web-")
    assert params_of(action) == given
    ended = await until_state(await start(backend, **given), RunState.DONE)
    assert dict(ended.params) == given


async def test_a_start_that_starts_nothing_removes_no_old_runs(tmp_path: Path) -> None:
    old = [f"web-20260101-0000{number:02}-00ff" for number in range(RUNS_KEPT + 1)]
    folders().make()
    for run in old:
        (folders().path / run).mkdir(mode=0o700)
    backend = shell(tmp_path, "true")
    action = backend.action(await backend.plan({}))
    folders()[run_of(action)].mkdir(mode=0o700)
    with pytest.raises(Refused, match="was started before"):
        await backend.perform(action, Permit(action), lambda text: None)
    folders()[run_of(action)].rmdir()
    assert folders().names() == old
    run = await start(shell(tmp_path, "true"))
    assert folders().names() == [*old[2:], run]
    await until_state(run, RunState.DONE)


async def test_what_a_list_no_longer_holds_is_refused_at_the_last_moment(tmp_path: Path) -> None:
    (tmp_path / "tags").write_text("v1\nv2\n")
    params = {"v": ParamSettings(listed=("cat", "tags"))}
    backend = deployer(tmp_path, ("echo", "{v}"), params=params)
    action = backend.action(await backend.plan({"v": "v2"}))
    (tmp_path / "tags").write_text("v1\n")
    with pytest.raises(Misconfigured, match="not allowed, expected one of v1"):
        await backend.perform(action, Permit(action), lambda text: None)
    assert folders().look() == {}


async def test_another_configuration_than_was_shown_is_refused(tmp_path: Path) -> None:
    shown = shell(tmp_path, "true")
    action = shown.action(await shown.plan({}))
    with pytest.raises(Refused, match="no longer run what was shown"):
        await shell(tmp_path, "touch ran").perform(action, Permit(action), lambda text: None)
    assert folders().names() == []


async def test_its_log_begins_with_the_newest_run_and_goes_on_with_later_ones(tmp_path: Path) -> None:
    script = "cat word"
    for word in ("old", "newest"):
        (tmp_path / "word").write_text(word + "\n")
        await until_state(await start(shell(tmp_path, script)), RunState.DONE)
    backend = shell(tmp_path, script)
    source = backend.logs(None)
    first = await anext(source)
    assert [block.data for block in first.value.blocks] == [b"newest"]
    await source.aclose()
    (tmp_path / "word").write_text("later\n")
    await until_state(await start(backend), RunState.DONE)
    again = await anext(backend.logs(first.value))
    assert [block.data for block in again.value.blocks] == [b"later"]


async def test_a_runner_carries_out_nothing_that_its_permit_is_not_for(tmp_path: Path) -> None:
    backend = shell(tmp_path, "touch ran")
    plan = await backend.plan({})
    here = folders()
    here.make()
    lock = here.lock()
    assert lock is not None

    def attempt(spoil: str) -> str:
        run = new_id("web")
        folder = here[run]
        write_plan(folder, Written(run, "lab", "me", "here", plan), time.time() + 30)
        permit, data = folder / PERMIT, (folder / PLAN).read_bytes()
        was = msgspec.json.decode(permit.read_bytes(), type=RunPermit)
        if spoil == "plan":
            (folder / PLAN).write_bytes(data.replace(b"touch ran", b"touch bad"))
        elif spoil == "uid":
            permit.write_bytes(msgspec.json.encode(replace(was, uid=was.uid + 1)))
        elif spoil == "until":
            permit.write_bytes(msgspec.json.encode(replace(was, until=time.time() - 1)))
        elif spoil == "garbage":
            permit.write_bytes(b"{")
        elif spoil == "open":
            folder.chmod(0o755)
        elif spoil == "twice":
            (folder / "output.log").touch()
        elif spoil == "moved":
            folder.rename(here[run := new_id("web")])
        return launch._run(here[run], msgspec.json.encode(Handed({}, lock)), lock)

    try:
        for spoil, says in (
            ("plan", "for another plan"),
            ("uid", "for another user"),
            ("until", "older than 30 s"),
            ("garbage", "can't be read"),
            ("open", "others can look into it"),
            ("twice", "File exists"),
            ("moved", "for another plan"),
        ):
            assert says in await asyncio.to_thread(attempt, spoil)
        assert not (tmp_path / "ran").exists()
        assert await asyncio.to_thread(attempt, "") == STARTED
        async with asyncio.timeout(10):
            while not (tmp_path / "ran").exists():
                await asyncio.sleep(0.02)
    finally:
        os.close(lock)


async def shown(backend: Deployer) -> RunRows:
    async with aclosing(backend.runs(None)) as looks:
        return (await anext(looks)).value


async def test_of_another_configurations_runs_those_are_shown_that_go_on(tmp_path: Path) -> None:
    here, there, alias = tmp_path / "here", tmp_path / "there", tmp_path / "alias"
    for folder in (here, there):
        await asyncio.to_thread(folder.mkdir)
    alias.symlink_to(there)
    async with nothing_left():
        ended = await start(shell(there, "true"))
        await until_state(ended, RunState.DONE)
        other = await start(shell(there, "sleep 30"))
        backend = shell(here, "true")
        assert list(await shown(backend)) == [other], "it may be ended by whoever sees it"
        assert list(await shown(shell(alias, "true"))) == [ended, other]
        with pytest.raises(Refused, match=f"{other} is running"):
            await start(backend)
