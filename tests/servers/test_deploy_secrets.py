"""Canaries in each place of a secret: a run gets them, and they are found nowhere else."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from backends.api.actions import Permit
from backends.api.errors import Misconfigured
from backends.api.runs import RunState
from backends.api.settings import SecretRef
from backends.deploys.run_events import news
from backends.masking import masked
from backends.state import state_folder
from tests.servers.runs import deployer, folders, nothing_left, runner_of, start, until_state, until_step

pytestmark = pytest.mark.server

PLAIN, ENV, FILE, COMMAND = (f"canary-{word}-5c2e71" for word in ("plain", "env", "file", "command"))
SCRIPT = """
import hashlib, os, sys, time
for name in ("PLAIN", "ENV", "FILE", "COMMAND"):
    print(name, hashlib.sha256(os.environ[name].encode()).hexdigest(), flush=True)
print("::step waiting", flush=True)
while not os.path.exists("go"):
    time.sleep(0.05)
"""


def secrets(folder: Path) -> dict[str, Any]:
    (folder / "secret").write_text(FILE + "\n")
    (folder / "secret").chmod(0o600)
    (folder / "printer").write_text(f"#!/bin/sh\necho {COMMAND}\n")
    (folder / "printer").chmod(0o700)
    return {
        "PLAIN": PLAIN,
        "ENV": SecretRef(env="MW_CANARY"),
        "FILE": SecretRef(file=str(folder / "secret")),
        "COMMAND": SecretRef(command=(str(folder / "printer"),)),
    }


async def test_a_secret_reaches_the_command_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MW_CANARY", ENV)
    monkeypatch.setenv("PLAIN", "what the deploy is given stands before what its starter has by that name")
    backend = deployer(tmp_path, (sys.executable, "-c", SCRIPT), environment=secrets(tmp_path))
    async with nothing_left():
        action = backend.action(await backend.plan({}))
        run = await start(backend)
        begun = await until_step(run, "waiting")
        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (runner_of(begun).pid, os.getpid())]
        (tmp_path / "go").touch()
        ended = await until_state(run, RunState.DONE)
    values = {"PLAIN": PLAIN, "ENV": ENV, "FILE": FILE, "COMMAND": COMMAND}
    expected = [f"{name} {hashlib.sha256(value.encode()).hexdigest()}" for name, value in values.items()]
    assert (folders()[run] / "output.log").read_text().splitlines()[:4] == expected
    files = [path for path in state_folder(os.environ).rglob("*") if path.is_file()]
    assert len(files) > 4
    settings = backend.settings
    (deploys,) = [seen.value async for seen in _first(backend.deploys(None))]
    said = [
        *(path.read_bytes() for path in files),
        *arguments,
        repr((action, ended, settings, backend, deploys, news({}, {run: ended}, ended.started))).encode(),
        str(masked(settings)).encode(),
        caplog.text.encode(),
    ]
    for canary in values.values():
        assert not [text for text in said if canary.encode() in text]
    assert masked(settings)["environment"]["PLAIN"] == "***"


async def _first(source: Any) -> Any:
    async for seen in source:
        yield seen
        break
    await source.aclose()


async def test_a_secret_that_is_not_there_starts_nothing(tmp_path: Path) -> None:
    backend = deployer(tmp_path, ("touch", "ran"), environment={"T": SecretRef(env="MW_NOT_SET")})
    action = backend.action(await backend.plan({}))
    with pytest.raises(Misconfigured, match="not set"):
        await backend.perform(action, Permit(action), lambda text: None)
    assert folders().names() == []
    assert not (tmp_path / "ran").exists()


async def test_a_secret_that_no_program_can_be_given_starts_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_text(f"{FILE}\0{FILE}")
    (tmp_path / "secret").chmod(0o600)
    secret = SecretRef(file=str(tmp_path / "secret"))
    backend = deployer(tmp_path, ("touch", "ran"), environment={"T": secret})
    action = backend.action(await backend.plan({}))
    with pytest.raises(Misconfigured, match="holds a NUL") as caught:
        await backend.perform(action, Permit(action), lambda text: None)
    assert caught.value.where == "T"
    assert FILE not in f"{caught.value!r} {caplog.text}"
    assert folders().names() == []
