"""What supervisord can be told about a program: start, stop, restart, a signal; and what became of it.

Calls and faults as in supervisord.org/api.html. Nothing waits within supervisord (`wait=False`): what it says is
followed by us, so that a program that takes long to stop holds nothing up but its own line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from signal import Signals
from typing import Any

import msgspec

from backends.api.actions import Action, Danger, End, Outcome, Permit, Refused, Target, Tell
from backends.api.errors import BackendError, BadReply, Conflict, NotFound
from backends.api.models import Unit
from backends.processes.handling import DEADLY, Handling
from backends.processes.supervisord_programs import Info
from backends.processes.supervisord_rpc import Rpc

LOOK = 0.25
"""Seconds between two questions while something is followed."""
DEADLINE = 45.0
"""Seconds: supervisord waits 10 for a program to stop if not told otherwise, and 1 for one to have started."""
SETTLING = 2.0
"""Seconds after which what has not begun to happen does not happen: a call that waited in the socket of a frozen
supervisord is carried out when it goes on."""
RESTART = 1.5
"""Seconds within which supervisord starts again what has ended and is to be kept running."""
STOPPABLE = frozenset({"STARTING", "RUNNING", "BACKOFF"})
IDLE_WORDS = "it does not run"
IDLE = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
ENDING = frozenset({"TERM", "INT", "QUIT", "KILL"})
PATIENCE = 5.0
"""Seconds after which a program that a signal should have ended is said to be still there."""
SIGNALS = {
    "TERM": ("asks it to end", Danger.NORMAL),
    "HUP": ("asks it to read its configuration again, where it knows how", Danger.MILD),
    "INT": ("interrupts it, as ctrl-c does", Danger.NORMAL),
    "USR1": ("does what the program makes of it", Danger.MILD),
    "USR2": ("does what the program makes of it", Danger.MILD),
    "QUIT": ("ends it, mostly with a dump", Danger.GRAVE),
    "KILL": ("ends it without a chance to clean up", Danger.GRAVE),
}
"""In the order of the menu: SIGTERM first always, SIGKILL last."""


class ProgramActions:
    """The acting half of one supervisord. `host` of a row may be unknown: then its target has none."""

    def __init__(self, rpc: Rpc, source: str) -> None:
        self._rpc, self._source = rpc, source
        self._before: dict[str, Info] = {}
        """What a program was when it was acted on, by the action's digest: its outcome is held against it."""
        self._why_down = ""
        """Why what was stopped could not be started again."""

    def target(self, row: Unit) -> Target:
        """A unit is this one as long as it is the same run of it: its pid, or that it does not run."""
        identity = f"{row.name}, {f'pid {row.pid}' if row.pid else 'not running'}"
        return Target(self._source, "units", row.key, row.name, identity, row.host or "")

    def actions(self, row: Unit, handling: Handling | None = None) -> tuple[Action, ...]:
        """`handling` is what its process does with signals, where that can be looked at."""
        runs, idle = row.native in STOPPABLE, IDLE_WORDS
        found = [
            self._verb(row, "restart", "stops it, waits until it has ended, and starts it", "" if runs else idle),
            self._verb(row, "stop", "stops it; it stays down until it is started", "" if runs else idle),
            self._verb(row, "start", "starts it", "it runs already" if runs else ""),
        ]
        found.sort(key=lambda action: bool(action.blocked))
        return (*found, *(self._signal(row, name, handling) for name in SIGNALS))

    def _signal(self, row: Unit, name: str, handling: Handling | None) -> Action:
        effect, danger = SIGNALS[name]
        fate = None if handling is None or name == "KILL" else handling.fate(Signals[f"SIG{name}"])
        if fate in DEADLY:
            danger = max(danger, Danger.NORMAL)
        return Action(
            verb="signal",
            target=self.target(row),
            title=f"SIG{name}",
            effect=effect if fate is None else f"{fate.value.format(f'SIG{name}')}; {effect}",
            call=f"supervisorctl signal {name} {row.name}",
            danger=danger,
            arguments=(("signal", name),),
            deadline=8.0,
            escalation="SIGKILL" if name == "TERM" else "",
            patience=PATIENCE,
            blocked="" if row.pid else IDLE_WORDS,
        )

    def _verb(self, row: Unit, verb: str, effect: str, blocked: str) -> Action:
        return Action(
            verb=verb,
            target=self.target(row),
            title=verb,
            effect=effect,
            call=f"supervisorctl {verb} {row.name}",
            danger=Danger.MILD if verb == "start" else Danger.NORMAL,
            deadline=DEADLINE,
            blocked=blocked,
        )

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        permit.use(action)
        name = action.target.name
        before = await self._before_it(name)
        pinned = f"{before.full_name}, {f'pid {before.pid}' if before.pid else 'not running'}"
        if pinned != action.target.identity:
            raise Refused(f"{name} is not the one that it was: {pinned}, not {action.target.identity}")
        self._before, self._why_down = {action.digest: before}, ""
        if action.verb == "signal":
            await self._rpc.call("supervisor.signalProcess", name, dict(action.arguments)["signal"])
        elif action.verb == "start":
            await self._rpc.call("supervisor.startProcess", name, False)
        else:
            await self._rpc.call("supervisor.stopProcess", name, False)
            tell(f"{name}: told to stop")
        if action.verb == "restart":
            tell(f"{name}: stopped after {await self._stopped(name):.1f} s")
            try:
                await self._rpc.call("supervisor.startProcess", name, False)
            except (Conflict, NotFound) as error:
                # Not "nothing was changed": it is stopped. Unless somebody else has started it meanwhile.
                self._why_down = error.reason
            else:
                tell(f"{name}: told to start")

    async def _before_it(self, name: str) -> Info:
        try:
            return await self._info(name)
        except BackendError as error:
            raise Refused(f"{name} could not be looked at first: {error}", error.hint) from error

    async def _stopped(self, name: str) -> float:
        """Wait until it has ended; seconds that took. The door's deadline ends it."""
        began = time.monotonic()
        while True:
            if (await self._info(name)).statename in IDLE:
                return time.monotonic() - began
            await asyncio.sleep(LOOK)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """Until supervisord says that it runs, has stopped, or has failed."""
        name, before = action.target.name, self._before.get(action.digest)
        began = time.monotonic()
        told = ""
        while True:
            info = await self._info(name)
            if info.statename != told:
                told = info.statename
                tell(f"{name}: {told}")
            outcome = self._decided(action, info, before, time.monotonic() - began)
            if outcome is not None:
                return outcome
            await asyncio.sleep(LOOK)

    def _decided(self, action: Action, info: Info, before: Info | None, spent: float) -> Outcome | None:
        """None while it is not known yet."""
        if action.verb == "signal":
            return _after_signal(dict(action.arguments)["signal"], info, before, spent)
        same = before is not None and bool(before.pid) and info.pid == before.pid
        if same and info.statename in ("STARTING", "RUNNING"):
            wanted = "stopped" if action.verb == "stop" else "restarted"
            text = f"{info.statename} as pid {info.pid}, as before: it was not {wanted}"
            return Outcome(End.FAILED, text) if spent > SETTLING else None
        if action.verb == "stop":
            if info.statename in IDLE:
                return Outcome(End.DONE, f"{info.statename} after {spent:.1f} s")
            if info.statename == "RUNNING":
                return Outcome(End.FAILED, f"somebody has started it again as pid {info.pid}")
            return None
        if info.statename == "RUNNING":
            return Outcome(End.DONE, f"running as pid {info.pid} after {spent:.1f} s")
        if info.statename in IDLE:
            why = self._why_down or info.spawnerr or ("it is not started" if not info.pid else "")
            return Outcome(End.FAILED, f"{info.statename}: {why}")
        return None

    async def _info(self, name: str) -> Info:
        answer: Mapping[str, Any] = await self._rpc.call("supervisor.getProcessInfo", name)
        try:
            return msgspec.convert(answer, Info)
        except msgspec.ValidationError as error:
            raise BadReply(f"an answer that makes no sense: {error}", where=self._rpc.address.shown) from error


def _after_signal(signal: str, info: Info, before: Info | None, spent: float) -> Outcome | None:
    was = before.pid if before is not None else 0
    now = info.statename + (f" as pid {info.pid}" if info.pid else "")
    if info.pid and info.pid != was:
        return Outcome(End.DONE, f"gone; supervisord started it again as {info.pid}")
    if not info.pid and (info.statename in ("STOPPED", "FATAL") or spent > RESTART):
        return Outcome(End.DONE, f"gone; {now}")
    if signal not in ENDING:
        return Outcome(End.DONE, f"delivered; {now}") if info.pid and spent > LOOK else None
    return Outcome(End.FAILED, f"still there after {spent:.0f} s, pid {info.pid}") if spent > PATIENCE else None
