"""`make screenshots`: the README's pictures, taken of the demo production with a member frozen."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from backends.config import choose_context
from backends.config_file import load_config
from tests.outside.program import PROGRAM
from tui.app import MidwatchApp
from tui.demo.state import Demo

TARGET = Path(__file__).parents[1] / "screenshots"
SIZE = (112, 28)


async def until(holds: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.1)


async def take(folder: Path, demo: Demo) -> None:
    config = load_config(str(folder / "config.toml"), os.environ)
    context = choose_context(config, None, os.environ)
    app = MidwatchApp(config.contexts, context)
    async with app.run_test(size=SIZE) as pilot:

        def save(name: str) -> None:
            picture = app.export_screenshot(title="midwatch")
            # Fonts come from whoever looks, not from another host.
            (TARGET / f"{name}.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL))

        async def go(line: str, wait: float) -> None:
            await pilot.press("colon", *line, "enter")
            await pilot.pause(wait)

        await pilot.pause(8)
        os.kill(demo.servers[1].pid, signal.SIGSTOP)
        await until(lambda: "silent" in app.masthead.text)
        await pilot.pause(8)
        save("overview")
        await go("members", 1)
        await pilot.press("enter")
        await pilot.pause(2)
        save("members")
        os.kill(demo.servers[1].pid, signal.SIGCONT)
        await pilot.press("enter")
        await go("events", 6)
        save("events")
        await go("logs", 3)
        await pilot.press("E")
        await pilot.pause(1)
        save("logs")
        await pilot.press("question_mark")
        await pilot.pause(0.5)
        save("help")


def main() -> int:
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="midwatch-") as scratch:
        folder = Path(scratch) / "demo"
        subprocess.run([PROGRAM, "demo", "up", "--dir", str(folder)], check=True)
        try:
            demo = Demo.load(folder)
            assert demo is not None
            asyncio.run(take(folder, demo))
        finally:
            subprocess.run([PROGRAM, "demo", "down", "--dir", str(folder)], check=True)
    for picture in sorted(TARGET.glob("*.svg")):
        sys.stdout.write(f"{picture.relative_to(TARGET.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
