"""What supervisord can be told about a program: start, stop, restart, a signal; and what became of it.

Calls and faults as in supervisord.org/api.html. Nothing waits within supervisord (`wait=False`): what it says is
followed by us, so that a program that takes long to stop holds nothing up but its own line.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from signal import Signals

from backends.api.actions import Action, Danger, End, Outcome, Permit, Refused, Target, Tell
from backends.api.errors import (
    BackendError,
    Conflict,
    Denied,
    Misconfigured,
    NotFound,
    Unreachable,
    Unsupported,
)
from backends.api.units import Unit
from backends.processes.signal_lore import recognise
from backends.processes.signal_offer import END, ENDED_WITHIN, STARTED_AGAIN_WITHIN, Subject, offer, short
from backends.processes.supervisord_programs import IDLE, Info, ProgramConfig
from backends.processes.supervisord_rpc import Rpc, SpawnFailed
from backends.processes.supervisord_start_again import LOOK, SETTLING, SecondHalf, info_of

KILLED_WITHIN = 20.0
"""Seconds beyond `stopwaitsecs`, when supervisord sends SIGKILL, in which a program has ended."""
BEGUN_WITHIN = 14.0
"""Seconds beyond `startsecs` for supervisord's answers, and for a second try or two."""
STOPPABLE = frozenset({"STARTING", "RUNNING", "BACKOFF"})
IDLE_WORDS = "it does not run"
SIGNALS = (
    *(Signals.SIGTERM, Signals.SIGHUP, Signals.SIGINT, Signals.SIGUSR1, Signals.SIGUSR2),
    *(Signals.SIGQUIT, Signals.SIGKILL),
)
"""In the order of the menu: SIGTERM first always, SIGKILL last."""
NEVER_STOPPED = (Denied, NotFound, Conflict, Misconfigured, Unsupported)
"""What supervisord says to a stop that it does not do."""


class ProgramActions:
    """The acting half of one supervisord. `host` of a row may be unknown: then its target has none."""

    def __init__(self, rpc: Rpc, source: str) -> None:
        self._rpc, self._source = rpc, source
        self._why_down: dict[str, str] = {}
        """Why what was stopped could not be started again, by the action's digest."""

    def target(self, row: Unit) -> Target:
        """A unit is this one as long as it is the same run of it: its pid, or that it does not run."""
        return Target(self._source, "units", row.key, row.name, _identity(row.name, row.pid), row.host or "")

    def actions(
        self, row: Unit, config: ProgramConfig | None = None, process: Subject | None = None
    ) -> tuple[Action, ...]:
        """`process` is what its process was seen to be, where that can be looked at."""
        config = config or ProgramConfig(row.name, row.name, autostart=True)
        runs, idle = row.native in STOPPABLE, IDLE_WORDS
        again = "stops it, waits until it has ended, and starts it, even if midwatch is left in between"
        found = [
            self._verb(row, config, "restart", again, "" if runs else idle),
            self._verb(row, config, "stop", "stops it; it stays down until it is started", "" if runs else idle),
            self._verb(row, config, "start", "starts it", "it runs already" if runs else ""),
        ]
        found.sort(key=lambda action: bool(action.blocked))
        if process is None:
            programs = recognise("", config.command)
            process = Subject(self.target(row), row.pid or 0, config.command, "", None, programs)
        return (*found, *(_signal(row, process, number) for number in SIGNALS))

    def _verb(self, row: Unit, config: ProgramConfig, verb: str, effect: str, blocked: str) -> Action:
        stop = 0.0 if verb == "start" else config.stopwaitsecs
        start = 0.0 if verb == "stop" else config.startsecs
        return Action(
            verb=verb,
            target=self.target(row),
            title=verb,
            effect=effect,
            call=f"supervisorctl {verb} {row.name}",
            danger=Danger.MILD if verb == "start" else Danger.NORMAL,
            arguments=(("pid", str(row.pid or 0)), ("stop", f"{stop + KILLED_WITHIN:g}")),
            deadline=stop + KILLED_WITHIN + start + BEGUN_WITHIN,
            blocked=blocked,
        )

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        """Once a program is being stopped, no error says that nothing was changed."""
        permit.use(action)
        name, kept = action.target.name, dict(action.arguments)
        before = await self._before_it(name)
        if _identity(before.full_name, before.pid) != action.target.identity:
            now = _identity(before.full_name, before.pid)
            raise Refused(f"{name} is not the one that it was: {now}, not {action.target.identity}")
        if action.verb == "signal":
            await self._rpc.call("supervisor.signalProcess", name, kept["signal"])
        elif action.verb == "start":
            with suppress(SpawnFailed):  # Its state says so, and whether supervisord goes on trying.
                await self._rpc.call("supervisor.startProcess", name, False)
        elif action.verb == "stop":
            await self._rpc.call("supervisor.stopProcess", name, False)
            tell(f"{name}: told to stop")
        else:
            half = await SecondHalf.begin(self._rpc, name, before.pid, float(kept["stop"]))
            try:
                await self._rpc.call("supervisor.stopProcess", name, False)
                half.go()
                tell(f"{name}: told to stop")
                why = await half.followed(tell)
            except NEVER_STOPPED:
                half.call_off()
                raise
            finally:
                half.close()
            if why:
                self._why_down[action.digest] = why

    async def _before_it(self, name: str) -> Info:
        try:
            return await info_of(self._rpc, name)
        except BackendError as error:
            raise Refused(f"{name} could not be looked at first: {error}", error.hint) from error

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """Until supervisord says that it runs, has stopped, or has failed."""
        name, why = action.target.name, self._why_down.pop(action.digest, "")
        began = time.monotonic()
        told = ""
        while True:
            try:
                info = await info_of(self._rpc, name)
            except NotFound as error:
                if action.verb != "restart":
                    raise
                said = "told to stop, and not started again as far as supervisord says"
                return Outcome(End.FAILED, f"{said}: {error.reason}")
            except BackendError as error:
                if why:
                    raise Unreachable(f"told to stop, and not started again: {why}", hint=error.hint) from error
                raise
            if info.statename != told:
                told = info.statename
                tell(f"{name}: {told}")
            outcome = _decided(action, info, why, time.monotonic() - began)
            if outcome is not None:
                return outcome
            await asyncio.sleep(LOOK)


def _identity(name: str, pid: int | None) -> str:
    return f"{name}, {f'pid {pid}' if pid else 'not running'}"


def _signal(row: Unit, process: Subject, number: Signals) -> Action:
    call = f"supervisorctl signal {short(number)} {row.name}"
    return offer(process, number, call, (("pid", str(row.pid or 0)),), "" if row.pid else IDLE_WORDS)


def _decided(action: Action, info: Info, why: str, spent: float) -> Outcome | None:
    """None while it is not known yet; `why` is why it could not be started again."""
    kept = dict(action.arguments)
    was = int(kept["pid"])
    if action.verb == "signal":
        return _after_signal(kept["expected"], info, was, spent)
    if was and info.pid == was and info.statename in ("STARTING", "RUNNING"):
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
    return _not_up(action.verb, info, why, spent)


def _not_up(verb: str, info: Info, why: str, spent: float) -> Outcome | None:
    if verb == "restart" and info.statename in ("STOPPED", "STOPPING"):
        if not why and (info.statename == "STOPPING" or spent <= SETTLING):
            return None  # Whoever sees to its start may be about to.
        said = f"{why}; " if why else ""
        ended = "stopped" if info.statename == "STOPPED" else "told to stop"
        return Outcome(End.FAILED, f"{info.statename}: {said}{ended}, not started again: start it")
    if info.statename not in IDLE:
        return None
    reason = why or info.spawnerr or ("it is not started" if not info.pid else "")
    return Outcome(End.FAILED, f"{info.statename}: {reason}")


def _after_signal(expected: str, info: Info, was: int, spent: float) -> Outcome | None:
    now = info.statename + (f" as pid {info.pid}" if info.pid else "")
    if info.pid and info.pid != was:
        return Outcome(End.DONE, f"gone; supervisord started it again as {info.pid}")
    if not info.pid and (info.statename in ("STOPPED", "FATAL") or spent > STARTED_AGAIN_WITHIN):
        return Outcome(End.DONE, f"gone; {now}")
    if expected != END:
        return Outcome(End.DONE, f"delivered; {now}") if info.pid and spent > LOOK else None
    if spent <= ENDED_WITHIN:
        return None
    return Outcome(End.FAILED, f"still there after {spent:.0f} s, pid {info.pid}")
