"""The blows themselves: how each one falls, and how it is taken back."""

from __future__ import annotations

import random
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.plan import ON_SERVERS, Blow, Verb
from tests.chaos.skew import Skew
from tests.outside.pty_program import Dashboard
from tests.servers.demo_parts import Lab, Server
from tui.demo.servers.supervisord import SERVICES

SIZE = (160, 50)
"""Columns and rows of the terminal, but for storms."""
SMALLEST, LARGEST = (20, 5), (200, 60)
EACH = 0.05
"""Seconds for which a size lasts in a storm."""
HOUR = 3600.0
SCREENS = ("overview", "members", "processes", "metrics", "logs", "events", "units", "targets", "alerts", "runs")
KEYS = ("j", "k", "G", "g", "\x04", "\x15", "\r", "d", "y", "l", "o", "-", ">", "/e\r", "]", "+", "c", "?")
"""What a person presses: none of it changes anything."""
SLOWEST, FASTEST = 1_000, 2_000
"""Bytes a second of a slow link."""
ESCAPE, LATER = "\x1b", 0.2
"""The key, and seconds after which what comes next is no part of it."""
TYPED = ":heard?"
"""What is typed to see whether keys are answered: the last line shows it, and nothing else types it."""
PATIENCE, AT_ONCE = 15.0, 1_000
"""Seconds within which it is answered, and bytes between two looks whether it is."""
PRESSED = 5
"""Keys that a person presses on one screen."""
KEPT = 100_000
"""Bytes from the terminal that are kept: all of them are copied with each that comes."""

Undo = Callable[[], object]


@dataclass
class Production:
    """What there is to hit."""

    lab: Lab
    board: Dashboard
    skew: Skew
    link: int | None = None
    """Bytes a second that are read of the terminal; None: whatever comes."""
    late: list[int] = field(default_factory=list)
    """Of each key that was pressed while the link was slow: the bytes that came before its answer."""

    def pass_time(self, seconds: float) -> None:
        if self.link is None:
            self.board.read(seconds)
        else:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.board.drip(self.link)
        self.board.raw = self.board.raw[-KEPT:]

    def escape(self) -> None:
        self.board.send(ESCAPE)
        self.pass_time(LATER)

    def strike(self, blow: Blow) -> Undo | None:
        """Let a blow fall; gives how to take it back, where it does not end by itself."""
        if blow.verb in ON_SERVERS and not Server(self.lab, blow.whom).is_there:
            return None  # Its supervisor has not started it again yet.
        match blow.verb:
            case Verb.KILL:
                return self._end(blow.whom, signal.SIGKILL)
            case Verb.RESTART:
                return self._end(blow.whom, signal.SIGTERM)
            case Verb.FREEZE:
                identity = Server(self.lab, blow.whom).identity
                identity.send(signal.SIGSTOP)
                return partial(identity.send, signal.SIGCONT)
            case Verb.STORM:
                self._storm(blow)
            case Verb.STALL | Verb.SLOW:
                return self._slow(blow)
            case Verb.STOP:
                self.board.signal(signal.SIGSTOP)
                return partial(self.board.signal, signal.SIGCONT)
            case Verb.FULL:
                return self._fill(blow)
            case Verb.AHEAD | Verb.BEHIND:
                self.skew.be(HOUR if blow.verb is Verb.AHEAD else -HOUR)
                return partial(self.skew.be, 0.0)
            case Verb.LOOK:
                self._look(blow)
        return None

    def _end(self, whom: str, number: signal.Signals) -> Undo | None:
        again = Server(self.lab, whom).kill(number)
        if whom.split("-")[0] in SERVICES:
            return None
        if whom == "journald":
            (self.lab.folder / "journal" / "ready.sock").unlink(missing_ok=True)
        return again

    def _storm(self, blow: Blow) -> None:
        chance = random.Random(blow.at)
        for _ in range(round(blow.lasts / EACH)):
            self.board.resize(*map(chance.randint, SMALLEST, LARGEST))
            self.pass_time(EACH)
        self.board.resize(*SIZE)

    def _slow(self, blow: Blow) -> Undo:
        chance = random.Random(blow.at)
        self.board.send(f":{chance.choice(SCREENS)}\r")
        self.link = 0 if blow.verb is Verb.STALL else chance.randint(SLOWEST, FASTEST)
        return self._catch_up

    def _catch_up(self) -> None:
        """Nothing is read until the key has come: what is read before its answer was there already."""
        self.board.send(TYPED)
        time.sleep(LATER)
        self.link = None
        end, late = time.monotonic() + PATIENCE, 0
        while not self.board.screen.display[-1].startswith(TYPED):
            assert time.monotonic() < end, f"{TYPED} is not answered; the terminal shows:\n{self.board.text}"
            late += len(self.board.read(0.05, AT_ONCE))
        self.late.append(late)
        self.escape()

    def _fill(self, blow: Blow) -> Undo:
        """No file grows any more: the disk is full, as far as the dashboard can tell."""
        pid, limit = self.board.process.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, limit, (0, resource.RLIM_INFINITY))
        self.board.send(f"c:w {self.lab.folder}/full-{blow.at}\r")
        return lambda: resource.prlimit(pid, limit, before)

    def _look(self, blow: Blow) -> None:
        chance = random.Random(blow.at)
        self.escape()
        self.board.send(f":{chance.choice(SCREENS)}\r")
        for _ in range(PRESSED):
            self.pass_time(blow.lasts / PRESSED)
            self.board.send(chance.choice(KEYS))
        self.escape()
