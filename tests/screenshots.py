"""`make screenshots`: the README's pictures, taken by keys of the real demo.

All of it runs in namespaces of its own (unshare(1), no root needed): the pictures show a host `shop-1` on which
nothing runs but the demo, and no path, user or host of the machine they were made on. When the first process in
there ends, the kernel ends all others and every mount goes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from backends.api.members import Role
from tui.app import MidwatchApp
from tui.demo.getting import cache_folder
from tui.demo.process import members
from tui.verbs.opening import load
from widgets.dialog import READING

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "screenshots"
INSIDE = "inside"
HOST, SHOP = "shop-1", Path("/srv/shop")
WIDE, SMALL = (112, 30), (80, 24)
NAMES = {":": "colon", "/": "slash", " ": "space", "?": "question_mark", "\r": "enter"}

SETUP = f"""
set -e
hostname {HOST}
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/midwatch /srv/cache /srv/home
mount --bind . /srv/midwatch
mount --bind "$0" /srv/cache
cd /srv/midwatch
.venv/bin/python -m tests.screenshots {INSIDE}
"""
"""Run by sh in the checkout, as the first process of the new namespaces; $0 is the folder of our cache."""
ENVIRONMENT = {
    "HOME": "/srv/home",
    "XDG_CACHE_HOME": "/srv/cache",
    "XDG_STATE_HOME": "/srv/state",
    "PYTHONPATH": "/srv/midwatch",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "xterm-256color",
}
"""All that they have of ours beside PATH."""


class Stage:
    """The dashboard on the demo, with keys in and pictures out."""

    def __init__(self, app: MidwatchApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    async def press(self, *keys: str) -> None:
        """Keys of somebody who reads before each of them."""
        for key in keys:
            if self.app.dialog is not None:
                await self.pilot.pause(READING)
            await self.pilot.press(key)

    async def type(self, text: str) -> None:
        if self.app.dialog is not None:
            await self.pilot.pause(READING)
        await self.pilot.press(*(NAMES.get(char, char) for char in text))

    async def go(self, command: str) -> None:
        await self.type(f":{command}\r")

    async def until(self, what: str | Callable[[], object], seconds: float = 30) -> None:
        """Wait until a text stands on the screen, or a condition holds."""
        holds = what if callable(what) else lambda: what in self.text
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self.pilot.pause(0.1)
        except TimeoutError:
            raise AssertionError(f"waited for {what!r}; the screen shows:\n{self.text}") from None

    async def save(self, name: str) -> None:
        await self.pilot.pause(0.3)
        picture = self.app.export_screenshot(title="midwatch")
        # Fonts come from whoever looks, not from another host.
        (TARGET / f"{name}.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL))
        say(f"screenshots/{name}.svg")


@asynccontextmanager
async def opened() -> AsyncIterator[Stage]:
    """The demo's own configuration, but guarded, as a production is."""
    path = Path("/srv/guarded.toml")
    path.write_text((SHOP / "config.toml").read_text().replace('arm = "always"', 'arm = "ask"'))
    contexts = load(argparse.Namespace(config=str(path), read_only=False)).contexts
    app = MidwatchApp(contexts, contexts["demo"])
    async with app.run_test(size=WIDE) as pilot:
        yield Stage(app, pilot)


class Script:
    """The story that the README tells, in its order; how long each part takes is the demo's doing."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._begun = asyncio.get_running_loop().time()

    async def _at(self, seconds: float) -> None:
        """So long after the beginning."""
        left = self._begun + seconds - asyncio.get_running_loop().time()
        await self._stage.pilot.pause(max(0.0, left))

    async def play(self) -> None:
        await self._at(6)
        await self._a_calm_day()
        # The error rates of the first two minutes are what is usual: a jump is one after them.
        await self._at(125)
        await self._a_bad_night()

    async def _a_calm_day(self) -> None:
        stage = self._stage
        await stage.go("processes")
        await stage.type("/web-2\r")
        # Its share of the processor is known from the second look on.
        await stage.until(lambda: "web-2" in stage.text and " – " not in stage.text)
        await stage.press("d")
        await stage.until("registered")
        await stage.save("detail")
        await stage.press("q", "escape")
        await send_a_signal(stage)
        await stage.go("overview")
        await deploy(stage, "web")
        await stage.save("plan")
        await stage.press("right", "enter")
        # Of its steps, not of what the overview says of it.
        await stage.until("STEPS")
        await stage.until(" web-3 ")
        await stage.save("run")
        await stage.until("done after", 60)
        await stage.go("events")
        await stage.until("done after")
        await stage.save("events")
        await stage.go("disarm")

    async def _a_bad_night(self) -> None:
        stage = self._stage
        await deploy(stage, "checkout")
        await stage.press("up")
        await stage.type("fixes INC-481")
        await stage.press("tab", "right", "enter")
        await stage.until("failed after", 60)
        await stage.go("disarm")
        frozen = leader(stage)
        os.kill(frozen, signal.SIGSTOP)
        await self._what_it_looks_like()
        os.kill(frozen, signal.SIGCONT)
        await stage.type(":logs ")
        await stage.save("command")

    async def _what_it_looks_like(self) -> None:
        stage = self._stage
        await stage.go("members")
        await stage.until("silent")
        await self._at(140)
        await stage.save("members")
        await stage.go("metrics")
        await stage.go("range 3m")
        await self._at(145)
        await stage.press("left_curly_bracket", "left_curly_bracket")
        await stage.save("metrics")
        await stage.go("logs")
        await self._at(148)
        await stage.press("E")
        await stage.save("logs")
        await stage.go("overview")
        await stage.until("/min →", 60)
        await stage.save("overview")
        await stage.pilot.resize_terminal(*SMALL)
        await stage.save("small")
        await stage.pilot.resize_terminal(*WIDE)


async def send_a_signal(stage: Stage) -> None:
    """To the worker that ignores it: the question with its reason, then the offer of a stronger one."""
    await stage.type("/search-1\r")
    await stage.press("K")
    await stage.until("nothing is done before")
    await stage.press("enter")
    await stage.until("reason")
    await stage.press("up")
    await stage.type("hangs, INC-481")
    await stage.press("tab")
    await stage.save("signal")
    await stage.press("right", "enter")
    await stage.until("[ SIGKILL ]")
    await stage.save("kill")
    await stage.press("escape", "escape")


async def deploy(stage: Stage, name: str) -> None:
    """Up to the question about the second of its versions."""
    await stage.press("D")
    await stage.until("which one?")
    while not stage.app.flow.dialog.chosen.startswith(name):
        await stage.press("down")
    await stage.press("enter")
    await stage.until("show the plan")
    # To the second version, to the button, and on.
    await stage.press("right", "enter", "enter")
    await stage.until("by a process of its own")


def leader(stage: Stage) -> int:
    """The pid of the etcd member that leads."""
    assert stage.app.watching is not None
    feeds = stage.app.watching.feeds("members").values()
    rows = [row for feed in feeds for row in (feed.reading.value or {}).values()]
    name = next(row.name for row in rows if row.source == "etcd/main" and row.role is Role.LEADER)
    return dict(members(SHOP))[f"etcd {name}"].pid


async def story() -> None:
    async with opened() as stage:
        await Script(stage).play()


def inside() -> int:
    """In the namespaces: the demo, the pictures, and the demo's end."""
    demo = [sys.executable, "-P", "-m", "tui.cli", "demo"]
    subprocess.run([*demo, "up", "--dir", str(SHOP)], check=True)
    try:
        asyncio.run(story())
    finally:
        subprocess.run([*demo, "down", "--dir", str(SHOP)], check=True)
    return 0


def main() -> int:
    if sys.argv[1:] == [INSIDE]:
        return inside()
    own = ("--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
    env = {**ENVIRONMENT, "PATH": os.environ.get("PATH", os.defpath)}
    cache = cache_folder().parents[1]
    done = subprocess.run(["unshare", *own, "sh", "-c", SETUP, str(cache)], cwd=ROOT, env=env, check=False)
    return done.returncode


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
