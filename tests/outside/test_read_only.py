"""Read-only is proven: every action there is, against real servers, is neither offered nor done.

Headless and in the dashboard, by the flag, the environment and the context; and at the door itself, where all
that any backend offers is tried. Afterwards etcd, supervisord, the process and the run are as they were before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backends.api import registry
from backends.api.actions import Action, Refused
from backends.api.capabilities import Acting, ability
from backends.api.readings import State
from backends.changes.audit import Audit
from backends.changes.door import Consent, Door, Proposal
from backends.changes.who import Who
from backends.config.context import Context
from backends.config.file import load_config
from backends.watch import Watch
from tests.outside.program import Ran, run
from tests.outside.pty_program import Dashboard
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.getting import program
from tests.servers.runs import end_all
from tests.servers.supervisord_server import SupervisordServer
from tui.arguments import parser
from tui.commands import COMMANDS, RUN, TABLE, on_screen
from tui.demo.fetch import ETCDCTL

pytestmark = pytest.mark.server

VERBS = {"signal", "start", "stop", "restart", "deploy", "abort"}
"""Every verb of an action. One that is added to a backend, and not here, fails this test."""
ACTING = {"local", "supervisord", "deploy"}
"""The kinds that can change anything; likewise."""
KEEPS_A_NOTE = """
import signal, sys, time
def note(number, frame):
    open(sys.argv[1], "a").write(f"{number} ")
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, note)
print("up", flush=True)
while True:
    time.sleep(1)
"""
CONFIG = """
[context.prod]
arm = "always"
{read_only}
[context.prod.etcd.main]
endpoints = ["{etcd}"]
groups = {{ web = "/services/web/" }}
[context.prod.supervisord.main]
url = "{supervisord}"
[context.prod.deploy.web]
kind = "command"
argv = ["sh", "-c", "echo $1 >> {folder}/deployed; sleep 600", "deploy", "{{version}}"]
[context.prod.deploy.web.params.version]
choices = ["1.8.1"]
default = "1.8.1"
"""
WAYS = {
    "flag": ("open", ["--read-only"], {}),
    "environment": ("open", [], {"MIDWATCH_READ_ONLY": "1"}),
    "context": ("closed", [], {}),
}


class World:
    """Real servers, a process, and a run that goes on: started while it was still allowed."""

    def __init__(self, folder: Path, etcd: EtcdCluster, supervisord: SupervisordServer) -> None:
        self.folder, self._etcd, self._supervisord = folder, etcd, supervisord
        for name, read_only in (("open", ""), ("closed", "read_only = true")):
            text = CONFIG.format(
                read_only=read_only, etcd=etcd.endpoints[0], supervisord=supervisord.url, folder=folder
            )
            (folder / f"{name}.toml").write_text(text)
        self.env = {"XDG_STATE_HOME": str(folder / "state")}
        argv = [sys.executable, "-S", "-c", KEEPS_A_NOTE, str(folder / "signals")]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"
        self.etcdctl("put", "/services/web/w1", '{"address": "127.0.0.1:8080"}')
        started = run("deploy", "web", "--yes", "--config", str(folder / "open.toml"), env=self.env)
        assert (started.status, started.err) == (0, "")
        self.run = started.out.strip()

    def etcdctl(self, *words: str) -> str:
        argv = [program(ETCDCTL), f"--endpoints={self._etcd.endpoints[0]}", *words]
        return subprocess.run(argv, check=True, capture_output=True, timeout=10, text=True).stdout

    def state(self) -> dict[str, Any]:
        """All that an action could have changed."""
        found = json.loads(self.etcdctl("get", "--prefix", "/", "-w", "json"))
        runs = self.folder / "state" / "midwatch" / "runs" / "prod"
        return {
            "etcd": (found["header"]["revision"], found["kvs"]),
            "supervisord": (self._supervisord.folder / "s.log").read_text(),
            "pids": self._supervisord.pids(),
            "signals": (self.folder / "signals").exists(),
            "alive": self.process.poll(),
            "deployed": (self.folder / "deployed").read_text(),
            "runs": sorted(str(path) for path in runs.rglob("*")),
            "journal": (runs / self.run / "journal.jsonl").read_text(),
        }

    def audited(self) -> list[dict[str, Any]]:
        return list(Audit(self.folder / "state" / "midwatch" / "audit").entries())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("read-only")
    sleep = "command=sleep 600\nstartsecs=0\n"
    programs = {"web-1": sleep, "web-2": sleep, "idle": sleep + "autostart=false\n"}
    with EtcdCluster(size=1) as etcd, SupervisordServer(programs, {"web": "web-1,web-2"}) as supervisord:
        made = World(folder, etcd, supervisord)
        try:
            yield made
        finally:
            made.process.kill()
            made.process.communicate()
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("XDG_STATE_HOME", made.env["XDG_STATE_HOME"])
                end_all()


def changing_verbs() -> set[str]:
    """The verbs of the command line that take `--yes`."""
    (verbs,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return {name for name, made in verbs.choices.items() if "--yes" in made._option_string_actions}


@pytest.mark.parametrize("way", WAYS)
def test_headless_each_verb_is_refused_and_changes_nothing(world: World, way: str) -> None:
    config, flags, env = WAYS[way]
    pid = str(world.process.pid)
    tries = [
        ["signal", pid, "KILL"],
        *(["start", "idle"], ["stop", "web-1"], ["restart", "web:*"]),
        *(["deploy", "web"], ["run", "abort", world.run]),
    ]
    assert {words[0] for words in tries} == changing_verbs()
    before, audited = world.state(), len(world.audited())

    def attempt(words: list[str]) -> Ran:
        more = ["--yes", "--reason", "please", *flags, "--config", str(world.folder / f"{config}.toml")]
        return run(*words, *more, env={**world.env, **env})

    with ThreadPoolExecutor(3) as pool:
        tried = list(pool.map(attempt, tries))
    for words, ran in zip(tries, tried, strict=True):
        assert (ran.status, ran.out) == (4, ""), words
        assert ran.err.startswith("refused: "), words
        assert "read-only" in ran.err, words
    assert world.state() == before
    told = world.audited()[audited:]
    assert [line["outcome"] for line in told] == ["refused"] * len(tries)
    assert {line["mode"] for line in told} == {"read-only"}


@pytest.mark.parametrize("way", WAYS)
def test_the_dashboard_offers_none_and_does_none(world: World, way: str) -> None:
    config, flags, env = WAYS[way]
    before, audited = world.state(), len(world.audited())
    refusal = "read-only: nothing can be changed"
    with Dashboard(
        *("--config", str(world.folder / f"{config}.toml"), *flags),
        env={**world.env, **env},
        size=(160, 40),
    ) as board:
        for word, sign in (
            ("processes", "sort cpu"),
            ("units", "web:web-1"),
            ("deploys", "1.8.1"),
            ("runs", world.run[:20]),
            ("members", "w1"),
        ):
            board.send(f":{word}\r")
            board.until(sign)
            assert "read-only" in board.text.splitlines()[0]
            assert "x act" not in board.text
            for command in on_screen(TABLE, word):
                # What is the same on every screen need not be tried on each.
                if command.acts and (word == "units" or not command.word):
                    _refused(board, command.keys, command.word, refusal)
        board.send(":dep\t")
        board.until("deploys")
        assert ":deploy " not in board.text
        board.send("\x1b")
        assert "Cancel" not in board.text
    assert world.state() == before
    assert len(world.audited()) == audited


NAMES = {"ctrl+k": "\x0b", "f9": "\x1b[20~"}


def _refused(board: Dashboard, keys: tuple[str, ...], word: str, refusal: str) -> None:
    for typed in (*(NAMES.get(key, key) for key in keys), *([f":{word} web\r"] if word else [])):
        board.send("g")  # Takes away what was said before.
        board.until(lambda: refusal not in board.text)
        board.send(typed)
        board.until(refusal)
        assert "Cancel" not in board.text


def test_every_command_that_acts_is_asked_whether_it_may() -> None:
    """The dashboard's tries above are those of the table of commands; what acts is marked so there."""
    acting = {command.do.split()[0] for command in COMMANDS if command.acts}
    assert acting == {"act", "deploy", "arm", "disarm"}
    leading = {command.do.split()[0] for command in COMMANDS if not command.acts}
    assert not acting & leading
    assert {command.do for command in on_screen(RUN) if command.acts} >= {"act", "deploy", "arm"}


async def offered(watch: Watch, ours: int) -> list[Action]:
    """All that any backend of a context would do, whoever asks: for every row, and the process `ours`."""
    found: list[Action] = []
    for key, feed in watch.feeds("processes", "units", "members", "instances", "deploys", "runs").items():
        backend = watch.backend(key.source)
        acting = None if backend is None else ability(backend, Acting)
        if acting is None:
            continue
        leave = feed.watch(lambda new, before: None)
        end = time.monotonic() + 10
        while feed.reading.state is not State.LIVE and time.monotonic() < end:
            await asyncio.sleep(0.02)
        rows = list((feed.reading.value or {}).values())
        # Of the host's processes only ours: should the door be broken, nobody else is hit.
        for row in [row for row in rows if key.noun != "processes" or row.pid == ours]:
            found += await acting.actions(row)
        leave()
    return found


async def test_at_the_door_nothing_that_is_offered_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", world.env["XDG_STATE_HOME"])
    context: Context = load_config(str(world.folder / "closed.toml"), {}).contexts["prod"]
    watch = Watch(context)
    door = Door(watch, Audit(world.folder / "state" / "midwatch" / "audit"), Who("ops1", "local", "h"))
    watch.open()
    before = world.state()
    try:
        actions = await offered(watch, world.process.pid)
        assert {action.verb for action in actions} == VERBS
        for action in actions:
            with pytest.raises(Refused, match="read-only"):
                await door.propose([action])
            yes = Consent("please", action.target.name, once=True)
            with pytest.raises(Refused, match="read-only"):
                await door.carry_out(Proposal(action, ()), yes)
            with pytest.raises(Refused, match="read-only"):
                door.arming.arm(60, "please")
    finally:
        await door.close()
        await watch.close()
    assert world.state() == before


def test_the_kinds_that_can_change_anything_are_all_tried() -> None:
    assert {kind for kind in registry.MODULES if Acting in registry.load(kind).__mro__} == ACTING
