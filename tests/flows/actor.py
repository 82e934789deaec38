"""A backend whose processes can be acted on, for flows: what was done is a list, how it ends is the test's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from backends.api.actions import Action, Danger, End, Outcome, Permit, Target, Tell
from backends.api.capabilities import Acting
from backends.api.errors import BackendError
from backends.api.members import Member
from backends.api.nouns import Row
from backends.api.processes import Process, ProcessState
from tests.flows.fake import Fake


@dataclass
class Stage:
    """`done` are the calls that were made; `ends` says how the next ones end, in order, then all are done."""

    done: list[str] = field(default_factory=list)
    ends: list[Outcome | BackendError] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: nothing is waited for."""
    dies: set[int] = field(default_factory=set)
    """The pids that would die of a SIGHUP, which the others catch."""


STAGES: dict[str, Stage] = {}


class Actor(Fake, Acting):
    @property
    def stage(self) -> Stage:
        return STAGES.setdefault(self.settings.script, Stage())

    def target(self, row: Row) -> Target:
        name = str(getattr(row, "name", ""))
        pid = getattr(row, "pid", 0)
        return Target(self.source, "processes", row.key, f"{name} {pid}", f"pid {pid}, started 1", "h")

    async def actions(self, row: Row) -> tuple[Action, ...]:
        if isinstance(row, Member):
            return ()  # As of every backend that has members: none of them can be acted on.
        target = self.target(row)

        def signal(name: str, effect: str, danger: Danger, **more: Any) -> Action:
            call = f"kill -{name} {getattr(row, 'pid', 0)}"
            if isinstance(row, Process) and row.state is ProcessState.ZOMBIE:
                more["blocked"] = "it has ended already and is a zombie"
            return Action("signal", target, f"SIG{name}", effect, call, danger, (("signal", name),), **more)

        return (
            signal(
                "TERM",
                "asks it to end",
                Danger.NORMAL,
                escalation="SIGKILL",
                patience=5.0,
                caution="nginx: fast shutdown",
            ),
            signal("HUP", f"it would die of SIGHUP; asks {target.name} to read its configuration", Danger.GRAVE)
            if getattr(row, "pid", 0) in self.stage.dies
            else signal("HUP", "asks it to read its configuration", Danger.MILD),
            signal("KILL", "ends it without a chance to clean up", Danger.GRAVE),
            *(
                (Action("restart", target, "restart", "stops and starts it", f"fakectl restart {target.name}"),)
                if getattr(row, "state", None) is not ProcessState.ZOMBIE
                else ()
            ),
        )

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        permit.use(action)
        self.stage.done.append(action.call)
        tell("sent")

    async def look(self, action: Action, tell: Tell) -> Outcome:
        await self.stage.hold.wait()
        end = self.stage.ends.pop(0) if self.stage.ends else Outcome(End.DONE, "gone after 0.4 s")
        if isinstance(end, BackendError):
            raise end
        return end
