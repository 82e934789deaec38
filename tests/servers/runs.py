"""Deploys for tests: a backend on a configuration of the test's own, real runners, and what they leave ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from backends.api.actions import Permit
from backends.api.runs import Run, RunState, run_of
from backends.deploys.deploy import Deployer
from backends.deploys.folder import RunFolders
from backends.deploys.identity import Identity
from backends.deploys.settings import DeploySettings
from backends.state import state_folder


def deployer(folder: Path, argv: Sequence[str], name: str = "web", **settings: Any) -> Deployer:
    """One of the context `lab`; relative paths begin at `folder`."""
    made = Deployer(name, DeploySettings(kind="command", argv=tuple(argv), directory=str(folder), **settings))
    made.context = "lab"
    return made


def shell(folder: Path, script: str, name: str = "web", **settings: Any) -> Deployer:
    return deployer(folder, ("sh", "-c", script), name, **settings)


def folders(name: str = "web") -> RunFolders:
    return RunFolders(state_folder(os.environ), "lab", name, f"deploy/{name}")


async def start(backend: Deployer, **params: str) -> str:
    """Start a run as the door would, and return its id."""
    action = backend.action(await backend.plan(params))
    await backend.perform(action, Permit(action), lambda text: None)
    return run_of(action)


def row(run: str, name: str = "web") -> Run | None:
    return folders(name).look().get(run)


async def until_state(run: str, *states: RunState, name: str = "web", seconds: float = 20.0) -> Run:
    async with asyncio.timeout(seconds):
        while (found := await asyncio.to_thread(row, run, name)) is None or found.state not in states:
            await asyncio.sleep(0.05)
    return found


async def until_step(run: str, step: str, seconds: float = 20.0) -> Run:
    async with asyncio.timeout(seconds):
        while (found := row(run)) is None or found.step is None or found.step.name != step:
            await asyncio.sleep(0.05)
    return found


def runner_of(run: Run) -> Identity:
    pid, start, boot = run.runner.split("/")
    return Identity(int(pid), int(start), boot)


def kill(identity: Identity, number: signal.Signals = signal.SIGKILL) -> None:
    assert identity.is_alive()
    os.kill(identity.pid, number)


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Whatever still runs of this test's runs ends with the block."""
    try:
        yield
    finally:
        await asyncio.to_thread(end_all)


def end_all() -> None:
    """End whatever still runs of this test's runs, of any context."""
    for journal in (state_folder(os.environ) / "runs").glob("*/*-*/journal.jsonl"):
        for process in _processes(journal):
            if process.is_alive():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _processes(path: Path) -> list[Identity]:
    from backends.deploys.journal import parse

    entries, _ = parse(path.read_bytes())
    return [entry.process for entry in entries if entry.process is not None]


def until_gone(seconds: float = 20.0) -> None:
    """Wait until no run of this test's state folder goes on, and no command that one has left behind."""
    deadline = time.monotonic() + seconds
    for path in (state_folder(os.environ) / "runs" / "lab").glob("*-*/journal.jsonl"):
        while any(process.is_alive() for process in _processes(path)):
            assert time.monotonic() < deadline, path
            time.sleep(0.05)
