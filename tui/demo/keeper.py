"""The keeper of one demo: a process of its own that starts every server, and ends all when its owner goes.

It is asked by one line on standard input (`Request`). It ends on SIGTERM, and when that pipe closes, as it does
whatever becomes of its owner, a `kill -9` included. After the line `detach` it stays until SIGTERM. Should the
keeper itself be killed, the kernel ends its servers at once (PR_SET_PDEATHSIG); only the folder stays then,
until the next `midwatch demo` clears it away.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.api import registry
from tui.demo.contexts import configuration
from tui.demo.packages.command import Missing
from tui.demo.probe import answers
from tui.demo.process import FOLDER, PART, Identity, end, end_members, start_tied
from tui.demo.request import DETACH, FOLDER_IS, REFUSED, UP, Request
from tui.demo.servers import DemoServer, Scene, Start, chosen
from tui.demo.state import Demo, Part, Refused, make_folder, remember, remove

READY = 20.0
"""Seconds that a server may take until it answers."""
ATTEMPTS = 2
"""A port that was free when we looked may be taken when the server wants it."""


@dataclass(frozen=True, slots=True)
class _Running:
    start: Start
    process: subprocess.Popen[bytes]
    identity: Identity


class EndWanted(Exception):
    """Somebody wants the demo to end, or its owner is gone."""


class Keeper:
    def __init__(self, request: Request, folder: Path, *, made: bool) -> None:
        self._scene = Scene(folder, request.quiet, request.missing)
        self._only = request.only
        self._running: list[tuple[DemoServer, list[_Running]]] = []
        self._stop = False
        self._wake, self._woken = os.pipe()
        me = Identity.of(os.getpid())
        assert me is not None
        self._demo = Demo(folder, me, made=made)

    def run(self) -> int:
        # The handler only writes down the wish: an exception out of it could lose a server just started.
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._save(ready=False)
            remember(self._demo.folder)
            say(f"{FOLDER_IS}{self._demo.folder}")
            self._up()
            self._save(ready=True)
            say(UP)
            while True:
                self._wait(None)
        except EndWanted:
            return 0
        except OSError as error:
            say(f"  {error}")
            return 1
        finally:
            self._down()

    def _up(self) -> None:
        for together in chosen(self._only):
            self._bring_up(together)
        snippets = [snippet for server, _ in self._running for snippet in server.config(self._scene)]
        tables = [snippet.text for snippet in snippets if registry.known(snippet.kind)]
        self._demo.config.write_text(configuration(tables))

    def _bring_up(self, together: Sequence[DemoServer]) -> None:
        """Start some at the same time, and wait for all; those that failed once more, at other ports."""
        left = list(together)
        for _ in range(ATTEMPTS):
            began = time.monotonic()
            failed: dict[str, _Failed] = {}
            for step in (self._begin, self._await_all):
                for server in left:
                    if server.name not in failed:
                        self._try(step, server, began, failed)
            left = [server for server in left if server.name in failed]
        for server in left:
            self._leave_out(server, str(failed[server.name]))

    def _try(
        self,
        step: Callable[[DemoServer, float], None],
        server: DemoServer,
        began: float,
        failed: dict[str, _Failed],
    ) -> None:
        """One step of one server. What fails is ended, and noted where another attempt may help."""
        try:
            step(server, began)
        except Missing as error:
            self._leave_out(server, str(error))
        except _Failed as error:
            failed[server.name] = error
            self._end(self._started(server))
            self._running = [(other, running) for other, running in self._running if other is not server]
            server.abandon(self._scene)

    def _begin(self, server: DemoServer, began: float) -> None:
        starts = server.plan(self._scene)
        self._running.append((server, []))
        for start in starts:
            self._running[-1][1].append(self._start(start))
            self._save(ready=False)

    def _await_all(self, server: DemoServer, began: float) -> None:
        for running in self._started(server):
            for part in (running.start.part, *running.start.starts):
                self._await_ready(running, part, began)

    def _started(self, server: DemoServer) -> list[_Running]:
        return next((running for other, running in self._running if other is server), [])

    def _start(self, start: Start) -> _Running:
        environment = {**start.environment, FOLDER: str(self._demo.folder), PART: start.part.name}
        with self._output(start).open("ab") as output:
            process = start_tied(start.argv, output=output, environment=environment, folder=self._demo.folder)
        identity = Identity.of(process.pid)
        if identity is None:
            process.wait()
            raise _Failed(f"{start.part.name} ended at once")
        return _Running(start, process, identity)

    def _await_ready(self, running: _Running, part: Part, began: float) -> None:
        while not answers(part.ready):
            ended = running.process.poll()
            if ended is not None or time.monotonic() - began > READY:
                what = f"did not answer within {READY:.0f} s" if ended is None else f"ended with {ended}"
                raise _Failed(f"{part.name} {what}: {self._last_words(running.start)}")
            self._wait(0.05)
        say(f"  {part.name:<13} {part.address:<18} up after {time.monotonic() - began:.1f} s")

    def _output(self, start: Start) -> Path:
        return self._demo.folder / f"{start.part.name.replace(' ', '-')}.out"

    def _last_words(self, start: Start) -> str:
        lines = self._output(start).read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"

    def _leave_out(self, server: DemoServer, reason: str) -> None:
        self._demo = replace(self._demo, left_out=(*self._demo.left_out, reason))
        say(f"  left out: {server.name}: {reason.removeprefix(f'{server.name}: ')}")

    def _save(self, *, ready: bool) -> None:
        every = [item for _, running in self._running for item in running]
        self._demo = replace(
            self._demo,
            ready=ready,
            parts=tuple(part for item in every for part in (item.start.part, *item.start.starts)),
            servers=tuple(item.identity for item in every),
        )
        self._demo.save()

    def _wait(self, seconds: float | None) -> None:
        """Wait, and end at once when somebody wants it or the owner's end of the pipe closes."""
        inputs = [self._wake, 0] if self._demo.owned else [self._wake]
        if not self._stop and 0 in select.select(inputs, [], [], seconds)[0]:
            if os.read(0, len(DETACH)) != DETACH:
                raise EndWanted
            self._demo = replace(self._demo, owned=False)
            self._demo.save()
        if self._stop:
            raise EndWanted

    def _on_signal(self, number: int, frame: object) -> None:
        self._stop = True

    def _down(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server, running in reversed(self._running):
            say(f"  stopping {server.name}")
            self._end(running)
        if not end_members(self._demo.folder):
            say("  something could not be stopped; midwatch demo status names it")
            return
        os.chdir("/")
        if not remove(self._demo):
            say(f"  {self._demo.folder} could not be removed")

    def _end(self, running: Sequence[_Running]) -> None:
        end([item.identity for item in running], max((item.start.patience for item in running), default=0.0))
        for item in running:
            item.process.poll()


class _Failed(Exception):
    """A server did not come up, and what it said."""


def say(text: str) -> None:
    """One line to the owner, who may be gone already."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def main() -> int:
    """Read the request, make the folder, and keep the demo until its end."""
    line = bytearray()
    while not line.endswith(b"\n"):
        # Byte by byte: what comes after the line is for the keeper, by number of the descriptor.
        byte = os.read(0, 1)
        if not byte:
            return 0
        line += byte
    request = Request.parse(bytes(line))
    try:
        folder, made = make_folder(request.folder)
    except Refused as error:
        say(f"{REFUSED}{error}")
        return 2
    keeper = Keeper(request, folder, made=made)
    log = os.open(folder / "keeper.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
