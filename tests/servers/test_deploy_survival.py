"""What a run survives, what is told when its runner does not, and what starts nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from backends.api.actions import Refused
from backends.api.runs import RunState
from backends.deploys.identity import Identity
from tests.servers.demo_run import spawned
from tests.servers.getting import lacking
from tests.servers.runs import folders, kill, nothing_left, row, runner_of, shell, start, until_state, until_step
from tests.waiting import wait_until

pytestmark = pytest.mark.server

WAITS = 'echo "::step waiting"; until [ -e go ]; do sleep 0.05; done'
STARTS = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from tests.servers.runs import shell, start

    async def main():
        try:
            print("run", await start(shell(Path(sys.argv[1]), sys.argv[2])), flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
        if sys.argv[3:]:
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)
"""Starts a run, as any midwatch would, and then waits to be killed."""
ROOT = Path(__file__).parents[2]


async def test_it_survives_who_started_it_and_its_terminal(tmp_path: Path) -> None:
    async with nothing_left():
        with spawned(
            [sys.executable, "-c", STARTS, str(tmp_path), WAITS, "stay"], {"PYTHONPATH": str(ROOT)}
        ) as who:
            wait_until(lambda: who.shows("run web-"))
            (run,) = folders().names()
            begun = await until_step(run, "waiting")
            runner = runner_of(begun)
            # Of its own session, without a terminal, and nobody's child that we know.
            fields = Path(f"/proc/{runner.pid}/stat").read_bytes().rpartition(b")")[2].split()
            assert int(fields[3]) == runner.pid
            assert int(fields[4]) == 0
            assert int(fields[1]) != who.pid
            assert not [
                path for path in _open_files(runner.pid) if path.startswith(("/dev/pts", "pipe:", "socket:"))
            ]
            os.kill(who.pid, signal.SIGKILL)
            wait_until(who.ended)
        # The block has closed the terminal.
        kill(runner, signal.SIGHUP)
        assert row(run) == begun
        (tmp_path / "go").touch()
        ended = await until_state(run, RunState.DONE)
        assert ended.steps[:1] == begun.steps[:1]


def _open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    return [os.readlink(folder / name) for name in os.listdir(folder)]


async def test_a_killed_runner_is_told_truly(tmp_path: Path) -> None:
    async with nothing_left():
        backend = shell(tmp_path, "echo $$ > pid; " + WAITS + "; echo after")
        run = await start(backend)
        begun = await until_step(run, "waiting")
        kill(runner_of(begun))
        found = await until_state(run, RunState.INTERRUPTED)
        command = int((tmp_path / "pid").read_text())
        assert f"in waiting, whose command (pid {command}) still runs with nobody to watch it" in found.message
        assert (found.ended, found.steps[-1].state) == (None, RunState.INTERRUPTED)
        assert await backend.actions(found) == ()
        with pytest.raises(Refused, match=rf"its command \(pid {command}\) still runs") as caught:
            await start(backend)
        assert caught.value.hint.endswith(f"midwatch signal {command} TERM")
        # Its output went on, and once it has ended another one may start.
        (tmp_path / "go").touch()
        wait_until(lambda: Identity.of(command) is None)
        found = await until_state(run, RunState.INTERRUPTED)
        assert found.message.endswith("; it was in waiting")
        assert (folders()[run] / "output.log").read_text() == "::step waiting\nafter\n"
        (tmp_path / "go").touch()
        await until_state(await start(backend), RunState.DONE)


async def test_what_a_lost_command_has_started_is_seen_too(tmp_path: Path) -> None:
    """As an rsync of a script that is gone."""
    child = "(until [ -e go ]; do sleep 0.05; done) & echo $! > pid"
    async with nothing_left():
        backend = shell(tmp_path, f"echo $$ > leader; {child}; echo ::step waiting; wait")
        run = await start(backend)
        begun = await until_step(run, "waiting")
        kill(runner_of(begun))
        await until_state(run, RunState.INTERRUPTED)
        leader, left = (Identity.of(int((tmp_path / name).read_text())) for name in ("leader", "pid"))
        assert leader is not None
        assert left is not None
        kill(leader)
        wait_until(lambda: not leader.is_alive())
        found = await until_state(run, RunState.INTERRUPTED)
        assert f"in waiting, of whose command a child (pid {left.pid}) still runs" in found.message
        with pytest.raises(Refused, match=rf"its command \(pid {left.pid}\) still runs") as caught:
            await start(backend)
        assert str(folders()[run]) in caught.value.hint
        (tmp_path / "go").touch()
        wait_until(lambda: not left.is_alive())
        wait_until(lambda: folders().left_running(run) == ())
        await until_state(await start(backend), RunState.DONE)


async def test_a_runner_that_is_asked_to_end_ends_its_command(tmp_path: Path) -> None:
    async with nothing_left():
        run = await start(shell(tmp_path, "sleep 300 & echo $! > pid; echo ::step waiting; wait"))
        begun = await until_step(run, "waiting")
        kill(runner_of(begun), signal.SIGTERM)
        ended = await until_state(run, RunState.ABORTED)
        assert ended.message.startswith("the runner was asked to end (SIGTERM): ")
        assert Identity.of(int((tmp_path / "pid").read_text())) is None


def on_a_small_disk(state: Path, size: str, program: list[str]) -> str:
    """Run a program whose state folder is a file system of its own, that only it and its children see."""
    state.mkdir(parents=True)
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f'mount -t tmpfs -o mode=700,size={size} none "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", *own, "sh", "-c", script, "sh", str(state), *program],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state)},
        check=False,
    )
    if done.stderr.startswith("unshare: "):
        lacking(f"no file system of its own here: {done.stderr.strip()}")
    assert done.stderr == ""
    return done.stdout


def test_a_disk_without_room_for_the_journal_starts_nothing(tmp_path: Path) -> None:
    script = STARTS + "import os; print(os.listdir(os.environ['XDG_STATE_HOME'] + '/midwatch/runs/lab'))"
    program = [sys.executable, "-c", script, str(tmp_path), "touch ran"]
    for size in ("8k", "16k", "48k"):
        said = on_a_small_disk(tmp_path / size, size, program)
        assert said.startswith("Refused nothing was started: ")
        assert "No space left on device" in said
        assert "web-" not in said
    assert not (tmp_path / "ran").exists()
    assert on_a_small_disk(tmp_path / "1m", "1m", program).startswith("run web-")


def test_a_journal_that_may_not_grow_starts_nothing(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n" + STARTS
    done = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path), "touch ran"],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout == "Refused nothing was started: File too large\n"
    assert folders().names() == []
    assert not (tmp_path / "ran").exists()


ENDED = """
import time
from backends.api.runs import RunState
from tests.servers.runs import folders

until = time.monotonic() + 20
while next(iter(folders().look().values())).state is RunState.RUNNING and time.monotonic() < until:
    time.sleep(0.05)
(row,) = folders().look().values()
print(row.state.value, len(row.steps), row.message)
"""


def test_a_disk_that_fills_up_meanwhile_still_takes_the_end(tmp_path: Path) -> None:
    # More steps than the last block of its journal has room for; that of its output has some.
    fill = 'cat /dev/zero > "$XDG_STATE_HOME/fill" 2>/dev/null'
    fills = f"echo begin; {fill}; for i in $(seq 200); do echo ::step $i; done; exit 0"
    said = on_a_small_disk(
        tmp_path / "s", "256k", [sys.executable, "-c", STARTS + ENDED, str(tmp_path), fills]
    ).splitlines()
    state, steps, message = said[1].split(" ", 2)
    assert (state, message) == ("done", "not all of it is in its journal: No space left on device")
    assert 1 <= int(steps) < 201


async def test_another_account_can_read_nothing_of_it(tmp_path: Path) -> None:
    async with nothing_left():
        run = await start(shell(tmp_path, WAITS))
        await until_step(run, "waiting")
        folder = folders()[run]
        for place in (folder, folder.parent, folder.parent.parent):
            assert place.stat().st_mode & 0o777 == 0o700
        files = [path for path in folder.parent.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"plan.json", "permit.json", "journal.jsonl", "output.log"}
        for path in files:
            assert path.stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:
            _open_way_to(folder.parent.parent)
            for path in (*files, folder):
                tried = subprocess.run(["cat", path], user="nobody", capture_output=True, check=False)
                assert tried.returncode != 0
                assert b"Permission denied" in tried.stderr
        (tmp_path / "go").touch()
        await until_state(run, RunState.DONE)


def _open_way_to(path: Path) -> None:
    """Let everybody as far as the first folder of ours: it alone must keep them out."""
    for parent in path.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)


async def test_a_folder_that_others_can_look_into_starts_nothing(tmp_path: Path) -> None:
    folder = folders().path
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o755)
    with pytest.raises(Refused, match="others can look into it: chmod 700"):
        await start(shell(tmp_path, "touch ran"))
    assert not (tmp_path / "ran").exists()
    await asyncio.sleep(0)
