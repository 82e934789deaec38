"""What is wrong with a Prometheus, in its own words: as a script reads them and as they stand on the screen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from backends.config.file import load_config
from tests.flows.conftest import ReadersClock, Screen
from tests.flows.fake import Script
from tests.outside.program import run
from tests.servers.fake_http import Say, answer, fake
from tests.servers.test_prometheus_access import vector
from tui.app import MidwatchApp

pytestmark = pytest.mark.server

HTML = "<!doctype html><title>Sign in</title>"


@pytest.mark.parametrize(
    ("say", "status", "words"),
    [
        (answer("Service Unavailable", status="503 Service Unavailable", kind="text/plain"), 3, "starting"),
        (answer(HTML, kind="text/html"), 3, "HTML instead of JSON"),
        (answer("Unauthorized", status="401 Unauthorized", kind="text/plain"), 3, "wrong user or password"),
        (answer(vector(50_000)), 2, "10,000 series"),
        (answer(vector(9_000, "x" * 1100)), 2, "8 MiB"),
    ],
    ids=["replays", "html", "password", "series", "bytes"],
)
async def test_each_trouble_has_words_of_its_own(say: Say, status: int, words: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with fake(say) as address:
        table = f'url = "http://{address}"\nusername = "u"\npassword = "wrong-one"\n'
        config.write_text(f"[context.lab]\nlocal = false\n[context.lab.prometheus.main]\n{table}")
        ran = await asyncio.to_thread(run, "query", "up", "--config", str(config))
        assert (ran.status, ran.out) == (status, "")
        assert words in ran.err
        assert len(ran.err.splitlines()) == 1
        contexts = load_config(str(config), os.environ).contexts
        time = ReadersClock()
        app = MidwatchApp(contexts, contexts["lab"], command="query up", clock=time)
        async with app.run_test(size=(120, 40)) as pilot:
            screen = Screen(app, pilot, Script(), time)
            await screen.until(words, 15)
            assert "wrong-one" not in screen.text + ran.err
