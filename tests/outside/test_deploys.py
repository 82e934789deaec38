"""`midwatch deploy`, `runs` and `run`, from outside: words, exit codes, JSON, and what really ran."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.program import PROGRAM, Ran, run
from tests.outside.pty_program import Dashboard
from tests.servers.runs import kill, row, runner_of, until_gone

pytestmark = pytest.mark.server

SCRIPT = 'echo "::step $1"; touch ran; until [ -e go ]; do sleep 0.05; done; exit $2'
DEPLOYS = """
{context}
local = false
[context.{name}.deploy.web]
kind = "command"
argv = ["sh", "script", "{{version}}", "{{code}}"]
[context.{name}.deploy.web.params.version]
choices = ["1.8.1", "1.8.2"]
[context.{name}.deploy.web.params.code]
pattern = "[0-9]+"
default = "0"
[context.{name}.deploy.web.environment]
TOKEN = "canary-5c2e71"
"""
CONTEXTS = {
    "lab": '[context.lab]\narm = "always"',
    "prod": "[context.prod]",
    "quiet": '[context.quiet]\nread_only = true\narm = "always"',
    "empty": "",
}


class Yard:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        (folder / "script").write_text(SCRIPT)
        tables = [DEPLOYS.format(context=head, name=name) for name, head in CONTEXTS.items() if head]
        self.config.write_text('default = "lab"\n' + "".join(tables) + "[context.empty]\nlocal = false\n")

    def midwatch(self, *words: str) -> Ran:
        return run(*words, "--config", str(self.config))

    def go(self) -> None:
        (self.folder / "go").touch()

    @property
    def ran(self) -> bool:
        return (self.folder / "ran").exists()

    def started(self, *words: str) -> str:
        ran = self.midwatch("deploy", "web", "version=1.8.2", *words, "--yes")
        assert (ran.status, ran.err) == (0, "")
        return ran.out.strip()

    def state(self, name: str) -> str:
        items = self.midwatch("runs", "-o", "json").document["items"]
        return str(next(item["state"] for item in items if item["id"] == name))


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.go()
    until_gone()


def test_what_can_be_deployed(yard: Yard) -> None:
    ran = yard.midwatch("deploys", "-o", "json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.document["readings"][0]["source"] == "deploy/web"
    (item,) = ran.document["items"]
    assert list(item) == ["name", "kind", "argv", "params", "last"]
    assert (item["name"], item["kind"], item["last"]) == ("web", "command", None)
    assert item["params"][0]["choices"] == ["1.8.1", "1.8.2"]
    assert "canary" not in ran.out
    nothing = yard.midwatch("deploys", "--context", "empty")
    assert 'kind = "command"' in nothing.out
    assert "no runs" in yard.midwatch("runs").out


def test_a_plan_runs_nothing_in_any_mode(yard: Yard) -> None:
    for context in ("lab", "prod", "quiet"):
        ran = yard.midwatch("deploy", "web", "version=1.8.2", "--plan", "--context", context, "-o", "jsonl")
        (plan,) = ran.items
        assert plan["params"] == {"version": "1.8.2", "code": "0"}
        assert plan["steps"][0]["argv"] == ["sh", "script", "1.8.2", "0"]
        assert plan["environment"] == ["TOKEN"]
        assert "canary" not in ran.out
    text = yard.midwatch("deploy", "web", "version=1.8.2", "--plan")
    assert "environment  TOKEN" in text.out
    assert not yard.ran


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("web",), "version: missing, expected one of 1.8.1, 1.8.2"),
        (("web", "version=1.8.3"), "'1.8.3' is not allowed, expected one of 1.8.1, 1.8.2; nearest is 1.8.2"),
        (
            ("web", "verison=1.8.2"),
            "verison: no such parameter, expected one of version, code; nearest is version",
        ),
        (("web", "version=1.8.2", "code=-1"), "would be taken for an option"),
        (("web", "version=1.8.2", "code=1;ls"), "not allowed, expected a text that fits [0-9]+"),
        (("web", "version=1.8.2", "version=1.8.1"), "given twice"),
        (("web", "1.8.2"), "expected NAME=VALUE"),
        (("wbe", "version=1.8.2"), "no deploy 'wbe', expected one of web; nearest is web"),
        (("web", "--context", "empty"), "this context has no deploys"),
    ],
)
def test_wrong_words_are_one_line_and_two(yard: Yard, words: tuple[str, ...], expected: str) -> None:
    ran = yard.midwatch("deploy", *words, "--yes")
    assert (ran.status, ran.out) == (2, "")
    assert expected in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not yard.ran


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "nobody confirmed it"),
        (("--yes", "--context", "prod"), "guarded: an action needs a reason"),
        (("--yes", "--reason", "x", "--context", "quiet"), "read-only"),
        (("--yes", "--read-only"), "read-only"),
    ],
)
def test_refused_is_four(yard: Yard, words: tuple[str, ...], expected: str) -> None:
    ran = yard.midwatch("deploy", "web", "version=1.8.2", *words)
    assert (ran.status, ran.out) == (4, "")
    assert expected in ran.err
    assert not yard.ran
    assert yard.midwatch("runs", "-o", "json").document["items"] == []


def test_it_prints_the_id_once_it_has_started(yard: Yard) -> None:
    name = yard.started()
    (item,) = yard.midwatch("runs", "-o", "jsonl").items
    assert list(item) == ["id", "deploy", "state", "by", "started", "ended", "steps"]
    assert (item["id"], item["state"], item["ended"]) == (name, "running", None)
    assert list(item["steps"][0]) == ["name", "target", "state", "started", "ended", "message"]
    second = yard.midwatch("deploy", "web", "version=1.8.1", "--yes")
    assert second.status == 4
    assert f"{name} is running: started by " in second.err
    yard.go()
    attached = yard.midwatch("run", "attach", name)
    assert (attached.status, attached.out) == (0, "::step 1.8.2\n")
    assert f"{name}: done after" in attached.err
    last = yard.midwatch("deploys", "-o", "jsonl").items[0]["last"]
    assert (last["id"], last["state"]) == (name, "done")
    assert yard.midwatch("logs", "web", "-o", "text").out == "::step 1.8.2\n"


def test_following_ends_as_the_run_ends(yard: Yard) -> None:
    yard.go()
    done = yard.midwatch("deploy", "web", "version=1.8.2", "--yes", "--follow")
    assert done.status == 0
    assert done.out.splitlines()[1:] == ["::step 1.8.2"]
    failed = yard.midwatch("deploy", "web", "version=1.8.2", "code=3", "--yes", "--follow")
    assert failed.status == 1
    assert "failed after 0s: exit 3" in failed.err
    name = failed.out.splitlines()[0]
    # As on the screen, the newest first.
    assert [item["state"] for item in yard.midwatch("runs", "-o", "jsonl").items] == ["failed", "done"]
    document = yard.midwatch("run", "attach", name, "-o", "json").document
    assert document["items"][0]["steps"][-1]["message"] == "exit 3"


def test_an_abort_passes_the_door_too(yard: Yard) -> None:
    name = yard.started()
    refused = yard.midwatch("run", "abort", name, "--yes", "--read-only")
    assert refused.status == 4
    assert yard.state(name) == "running"
    aborted = yard.midwatch("run", "abort", name, "--yes")
    assert aborted.status == 0
    assert aborted.out.startswith(f"{name} aborted by ")
    assert yard.midwatch("run", "attach", name).status == 1
    again = yard.midwatch("run", "abort", name, "--yes")
    assert (again.status, again.out.partition(" after")[0]) == (1, f"{name} does not run: aborted")
    wrong = yard.midwatch("run", "attach", name[:-1])
    assert wrong.status == 2
    assert f"nearest is {name}" in wrong.err
    outcomes = [item["outcome"] for item in yard.midwatch("audit", "-o", "jsonl").items]
    assert outcomes == ["asked", "done", "refused", "asked", "done"]


def test_a_run_whose_runner_is_killed_is_three(yard: Yard) -> None:
    name = yard.started()
    found = row(name)
    assert found is not None
    kill(runner_of(found))
    attached = yard.midwatch("run", "attach", name)
    assert attached.status == 3
    assert "interrupted: its runner (pid" in attached.err


def test_the_screens_of_deploys_and_runs(yard: Yard) -> None:
    with Dashboard("--config", str(yard.config), "-c", "deploys") as board:
        board.until("never here")
        board.send(":runs\r")
        board.until("no runs: nothing has been deployed from here")
        name = yard.started()
        board.until(name)
        board.until("running")
        yard.go()
        board.until("done")
    with Dashboard("--config", str(yard.config), "--context", "empty", "-c", "deploys") as board:
        board.until('choices = ["1.8.1", "1.8.2"]')


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_whoever_follows_may_go(yard: Yard, number: signal.Signals, status: int) -> None:
    words = [PROGRAM, "deploy", "web", "version=1.8.2", "--yes", "--follow", "--config", str(yard.config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().decode().strip()
        assert process.stdout.readline() == b"::step 1.8.2\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == status
    if number is signal.SIGINT:
        assert f"{name} goes on" in err.decode()
    assert yard.state(name) == "running"
    yard.go()
    until = time.monotonic() + 20
    while yard.state(name) != "done":
        assert time.monotonic() < until
