"""A supervisor whose units can be acted on, for flows; what was done stands on the stage of the other actor."""

from __future__ import annotations

from backends.api.actions import Action, End, Outcome, Permit, Target, Tell
from backends.api.capabilities import Acting
from backends.api.nouns import Row
from tests.flows.actor import STAGES, Stage
from tests.flows.fake_supervisor import FakeSupervisor


class ActingSupervisor(FakeSupervisor, Acting):
    def target(self, row: Row) -> Target:
        return Target(self.source, "units", row.key, str(getattr(row, "name", "")), row.key, "h")

    async def actions(self, row: Row) -> tuple[Action, ...]:
        target = self.target(row)
        return tuple(
            Action(verb, target, verb, f"{verb}s it", f"fakectl {verb} {target.name}")
            for verb in ("restart", "stop")
        )

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        permit.use(action)
        STAGES.setdefault("main", Stage()).done.append(action.call)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        return Outcome(End.DONE, "done")
