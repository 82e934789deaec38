"""The demo's two deploys: one rolls a version out that groups and metrics show, one fails halfway."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from backends.api.readings import FeedKey
from backends.api.runs import Run, RunState
from backends.config.file import load_config
from backends.deploys.deploy import Deployer
from backends.state import state_folder
from backends.watch import Watch
from tests.servers.demo_run import demo, loaded
from tests.servers.getting import program
from tests.servers.runs import start
from tui.demo.rollout import serves
from tui.demo.servers.etcd import ETCD

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


async def test_one_rolls_out_and_one_fails_halfway() -> None:
    program(ETCD)
    base = Path(os.path.realpath(tempfile.mkdtemp(prefix="mw-")))
    folder = base / "a"
    try:
        up = await asyncio.to_thread(demo, "up", "--quiet", "--only", "etcd,supervisord", "--dir", str(folder))
        assert up.returncode == 0, up.stdout + up.stderr
        addresses = {part.name: part.address for part in loaded(folder).parts}
        watch = Watch(load_config(str(folder / "config.toml"), {}).contexts["demo"])
        try:
            done = await _rolled_out(watch, "web", "1.9.0")
            assert done.state is RunState.DONE, done
            assert [step.name for step in done.steps[1:]] == ["web-1", "web-2", "web-3"]
            await _registered(watch, {"web-1": "1.9.0", "web-2": "1.9.0", "web-3": "1.9.0"})
            failed = await _rolled_out(watch, "checkout", "1.9.0")
            assert (failed.state, failed.message) == (RunState.FAILED, "exit 1")
            assert [(step.name, step.state.value) for step in failed.steps[1:]] == [
                ("checkout-1", "done"),
                ("checkout-2", "failed"),
            ]
            assert serves(addresses["checkout-1"]) == "1.9.0"
            assert serves(addresses["checkout-2"]) is None
            back = await _rolled_out(watch, "checkout", "1.8.2")
            assert back.state is RunState.DONE, back
            assert {serves(addresses[f"checkout-{i}"]) for i in (1, 2)} == {"1.8.2"}
            # One of another demo, in a context of the same name; and one that still goes on.
            runs = state_folder(os.environ) / "runs" / "demo"
            other = runs / "web-20200101-000000-0000"
            await asyncio.to_thread(shutil.copytree, runs / done.key, other)
            plan = (other / "plan.json").read_text()
            (other / "plan.json").write_text(plan.replace(str(folder), "/somewhere/else"))
            backend = watch.backend("deploy/web")
            assert isinstance(backend, Deployer)
            await start(backend, version="1.9.1")
        finally:
            await watch.close()
    finally:
        down = await asyncio.to_thread(demo, "down", "--dir", str(folder))
        shutil.rmtree(base, ignore_errors=True)
    assert down.returncode == 0
    assert [path.name for path in runs.iterdir() if path.is_dir()] == [other.name]


async def _rolled_out(watch: Watch, name: str, version: str) -> Run:
    backend = watch.backend(f"deploy/{name}")
    assert isinstance(backend, Deployer)
    run = await start(backend, version=version)
    async with asyncio.timeout(60):
        async for _ in backend.output(run):
            pass
    async for seen in backend.runs(None):
        return seen.value[run]
    raise AssertionError("a source never ends")


async def _registered(watch: Watch, versions: dict[str, str]) -> None:
    feed = watch.feeds("instances")[FeedKey("etcd/main", "instances")]
    leave = feed.watch(lambda new, before: None)
    async with asyncio.timeout(20):
        while versions.items() - {row.name: row.version for row in (feed.reading.value or {}).values()}.items():
            await asyncio.sleep(0.05)
    leave()
