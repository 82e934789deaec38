"""What a visit to every screen leaves behind on the loop: nothing."""

from __future__ import annotations

import argparse
import asyncio
import os
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.prometheus_server import PrometheusServer
from tui.app import MidwatchApp
from tui.verbs.opening import load

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]

SCREENS = ("mem", "pro", "logs", "met", "ev", "un", "tg", "al")
"""As short as they may be typed."""
LINGER = 0.2


class Held(NamedTuple):
    """Tasks by name, timers that are still to fire by what they call, threads by name, open files."""

    tasks: Counter[str]
    timers: Counter[str]
    threads: Counter[str]
    files: int


def held() -> Held:
    loop = asyncio.get_running_loop()
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    return Held(
        Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks()),  # type: ignore[union-attr]
        Counter(getattr(timer._callback, "__qualname__", "?") for timer in timers),
        Counter(thread.name.rstrip("0123456789-_ ") for thread in threading.enumerate()),
        len(os.listdir("/proc/self/fd")),
    )


async def visit_all(pilot: Pilot[None]) -> None:
    for screen in SCREENS:
        await pilot.press("colon", *screen, "enter")
        await pilot.pause(0.3)
    await pilot.press("colon", *"ov", "enter")


async def settled(at_most: Held | None = None) -> Held:
    """What is held once nothing more is let go: after 2 s, or as soon as it is no more than is allowed."""
    now = held()
    for _ in range(20 if at_most is None else 100):
        await asyncio.sleep(0.1)
        now = held()
        if at_most is not None and not more(now, at_most):
            break
    return now


def more(now: Held, before: Held) -> list[object]:
    grown: list[object] = [dict(a - b) for a, b in zip(now[:3], before[:3], strict=True) if a - b]
    return [*grown, *([f"{now.files} files"] if now.files > before.files else [])]


async def test_nothing_is_left_of_views_that_were_closed(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("a line\n")
    with EtcdCluster(size=1) as cluster, PrometheusServer() as server:
        config = tmp_path / "c.toml"
        config.write_text(
            f'[context.lab.etcd.main]\nendpoints = ["{cluster.endpoints[0]}"]\n'
            f'[context.lab.files.app]\npaths = ["{tmp_path}/*.log"]\n'
            f'[context.lab.prometheus.main]\nurl = "{server.url}"\n'
        )
        contexts = load(argparse.Namespace(config=str(config), read_only=False)).contexts
        app = MidwatchApp(contexts, contexts["lab"])
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.5)
            assert app.watching is not None
            for feed in app.watching.feeds().values():
                feed.pace = replace(feed.pace, linger=LINGER)
            # The first visit makes what is made once: screens, pools, connections that are kept.
            await visit_all(pilot)
            first = await settled()
            for _ in range(2):
                await visit_all(pilot)
            assert more(await settled(first), first) == []
