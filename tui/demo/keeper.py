"""The keeper of one demo: a process of its own that starts every server, and ends them all when its owner goes.

It ends on SIGTERM, and when the pipe that it holds as standard input closes: that happens whatever becomes of its
owner, a `kill -9` included. Should the keeper itself be killed, the kernel ends its servers (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from tui.demo.getting import Missing
from tui.demo.process import Identity, end, start_tied
from tui.demo.servers import Scene, Start, servers
from tui.demo.state import Demo, Running, forget, remember

READY = 20.0
"""Seconds that a server may take until it answers."""


@dataclass
class _Process:
    start: Start
    process: subprocess.Popen[bytes]


class Ended(Exception):
    """Somebody wants the demo to end, or its owner is gone."""


class Keeper:
    def __init__(self, folder: Path, *, quiet: bool, owned: bool) -> None:
        self._scene = Scene(folder, quiet)
        self._owned = owned
        self._running: list[_Process] = []
        self._stop = False
        me = Identity.of(os.getpid())
        assert me is not None
        self._demo = Demo(folder, me)

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        remember(self._demo.folder)
        self._demo.save()
        try:
            self._up()
            self._demo = replace(self._demo, ready=True)
            self._demo.save()
            say("READY")
            while True:
                self._wait(1.0)
        except Ended:
            return 0
        finally:
            self._down()

    def _up(self) -> None:
        planned: list[tuple[str, list[Start]]] = []
        configs = []
        for server in servers():
            try:
                planned.append((server.name, server.plan(self._scene)))
                configs.append(server)
            except Missing as error:
                self._demo = replace(self._demo, left_out=(*self._demo.left_out, str(error)))
                say(f"left out: {error}")
            self._wait(0)
        head = 'default = "demo"\n\n[context.demo]\ncolour = "green"\narm = "always"\n'
        text = "\n".join([head, *(server.config(self._scene) for server in configs)])
        self._demo.config.write_text(text)
        for _, starts in planned:
            for start in starts:
                self._start(start)
            for start in starts:
                self._await_ready(start)

    def _start(self, start: Start) -> None:
        with (self._demo.folder / f"{start.name.replace(' ', '-')}.out").open("ab") as output:
            process = start_tied(
                start.argv, output=output, environment=start.environment, folder=self._demo.folder
            )
        self._running.append(_Process(start, process))
        identity = Identity.of(process.pid)
        if identity is not None:
            running = Running(start.name, start.address, identity, start.patience)
            self._demo = replace(self._demo, servers=(*self._demo.servers, running))
            self._demo.save()

    def _await_ready(self, start: Start) -> None:
        began = time.monotonic()
        while not answers(start.ready):
            process = next(item.process for item in self._running if item.start is start)
            if process.poll() is not None or time.monotonic() - began > READY:
                said = (self._demo.folder / f"{start.name.replace(' ', '-')}.out").read_text(errors="replace")
                last = (said.strip().splitlines() or ["it said nothing"])[-1]
                say(f"left out: {start.name} did not come up: {last[:200]}")
                self._demo = replace(self._demo, left_out=(*self._demo.left_out, f"{start.name}: {last[:200]}"))
                return
            self._wait(0.05)
        say(f"{start.name}  {start.address}  up after {time.monotonic() - began:.1f} s")

    def _wait(self, seconds: float) -> None:
        """Wait, and end at once when somebody wants it or the owner's end of the pipe closes."""
        if self._stop:
            raise Ended
        if not self._owned:
            time.sleep(seconds)
        elif select.select([0], [], [], seconds)[0] and not os.read(0, 1):
            raise Ended
        if self._stop:
            raise Ended

    def _on_signal(self, number: int, frame: object) -> None:
        self._stop = True

    def _down(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for item in reversed(self._running):
            if item.process.poll() is None:
                item.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    item.process.wait(item.start.patience)
            if item.process.poll() is None:
                item.process.kill()
            item.process.wait()
        shutil.rmtree(self._demo.folder, ignore_errors=True)
        forget(self._demo.folder)


def answers(ready: str) -> bool:
    """Whether a URL or a unix socket answers."""
    if ready.startswith("http"):
        try:
            with urllib.request.urlopen(ready, timeout=1) as reply:
                return int(reply.status) == 200
        except (OSError, urllib.error.URLError):
            return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(ready) == 0


def clean_up(demo: Demo) -> bool:
    """End what a dead keeper has left, and remove its folder; True when nothing is left."""
    gone = [end(running.identity, running.patience) for running in reversed(demo.servers)]
    shutil.rmtree(demo.folder, ignore_errors=True)
    forget(demo.folder)
    return all(gone)


def say(text: str) -> None:
    """One line to the owner, who may be gone already."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(Keeper(Path(sys.argv[1]), quiet="quiet" in sys.argv, owned="owned" in sys.argv).run())
