"""What starts a run of a deploy, and what asks one to end: as actions, done with a permit, and read back."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

from backends.api.actions import Action, End, Outcome, Permit, Refused, Target, Tell
from backends.api.errors import Misconfigured, TimedOut
from backends.api.nouns import Row
from backends.api.runs import Deploy, Plan, Run, RunRows, RunState, params_of, run_of, start_arguments
from backends.api.settings import SecretRef
from backends.changes.who import Who
from backends.deploys import launch
from backends.deploys.command import GRACE
from backends.deploys.folder import RunFolders, Written, new_id
from backends.deploys.leave_to_start import Leave
from backends.deploys.listing import LIST_SECONDS
from backends.deploys.look_pauses import BUSY
from backends.deploys.settings import DeploySettings
from backends.file_errors import file_errors
from backends.secrets import COMMAND_SECONDS, reveal
from backends.threads import Threads

Planner = Callable[[Mapping[str, str]], Awaitable[Plan]]


class RunActions:
    """One deploy's. `plan` says what a run with these parameters would do."""

    def __init__(
        self, deploy: Deploy, settings: DeploySettings, folders: RunFolders, threads: Threads, plan: Planner
    ) -> None:
        self._deploy, self._settings = deploy, settings
        self._folders, self._threads, self._plan = folders, threads, plan
        self._host = socket.gethostname().split(".")[0]
        self._leaves: dict[str, Leave] = {}

    async def actions(self, row: Row) -> tuple[Action, ...]:
        """A run can be aborted while it runs. A deploy that needs to be asked nothing can be started as it is;
        for any other one `plan` is asked first."""
        if isinstance(row, Run) and row.state is RunState.RUNNING:
            return (self._abort(row),)
        if isinstance(row, Deploy) and all(param.default is not None for param in row.params):
            return (self.action(await self._plan({})),)
        return ()

    def action(self, plan: Plan) -> Action:
        words = " ".join((self._deploy.name, *(f"{name}={value}" for name, value in plan.params)))
        return Action(
            verb="deploy",
            target=self.target(self._deploy),
            title=f"deploy {words}",
            effect=f"runs {plan.call} in {plan.directory}; ended if it takes more than {plan.timeout:g} s",
            call=plan.call,
            deadline=launch.ANSWER + 4 + self._asking,
            arguments=start_arguments(new_id(self._deploy.name), plan),
        )

    @property
    def _asking(self) -> float:
        """Seconds that the commands may take which are asked before it starts: for lists, and for secrets."""
        secrets = [value for value in self._settings.environment.values() if isinstance(value, SecretRef)]
        lists = sum(bool(param.listed) for param in self._deploy.params)
        return lists * LIST_SECONDS + sum(bool(secret.command) for secret in secrets) * COMMAND_SECONDS

    def _abort(self, row: Run) -> Action:
        return Action(
            verb="abort",
            target=self.target(row),
            title="abort",
            effect=f"ends {row.key}: SIGTERM to all that it has started, {GRACE:g} s later SIGKILL to what is "
            "left; what it has done stays done, nothing is undone",
            call=f"midwatch run abort {row.key}",
            deadline=GRACE + 10.0,
        )

    def target(self, row: Row) -> Target:
        if isinstance(row, Run):
            if row.state is not RunState.RUNNING:
                raise Refused(f"{row.key} has ended meanwhile: there is nothing to abort any more")
            return Target(row.source, "runs", row.key, row.key, f"{row.key} {row.runner}", self._host)
        deploy = self._deploy
        identity = f"configuration {deploy.digest}"
        return Target(deploy.source, "deploys", deploy.name, deploy.name, identity, self._host)

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        permit.use(action)
        leave = self._leaves[action.digest] = Leave()
        try:
            if action.verb == "abort":
                with file_errors():
                    await self._threads.run(lambda: self._ask_to_end(action, leave))
            else:
                await self._start(action, leave)
        finally:
            leave.give_up()

    async def _start(self, action: Action, leave: Leave) -> None:
        """Raises `Refused` where it can't start any more, `TimedOut` where it may."""
        seconds = launch.ANSWER + 2 + self._asking
        try:
            async with asyncio.timeout(seconds):
                told = dict(action.arguments)
                plan = await self._plan(params_of(action))
                if plan.digest != told["plan"]:
                    raise Refused("it would no longer run what was shown", "ask for a new plan")
                await self._threads.run(lambda: self._launch(run_of(action), plan, leave))
        except (TimeoutError, TimedOut) as error:
            late = error if isinstance(error, TimedOut) else TimedOut(f"no word for {seconds:g} s")
            if leave.give_up():
                raise late from None
            raise Refused(f"nothing was started: {late.reason}", late.hint) from None

    def _launch(self, run: str, plan: Plan, leave: Leave) -> None:
        environment = {name: reveal(value).reveal() for name, value in self._settings.environment.items()}
        for name, value in environment.items():
            if "\0" in value:
                raise Misconfigured("holds a NUL, which no program can be given", where=name)
        by = Who.here(os.environ).user
        launch.start(self._folders, Written(run, self._folders.context, by, self._host, plan), environment, leave)

    def _ask_to_end(self, action: Action, leave: Leave) -> None:
        row = self._folders.look_at_all().get(action.target.key)
        if row is None or row.state is not RunState.RUNNING:
            raise Refused(f"{action.target.name} does not run" + (f": {row.state.value}" if row else ""))
        if self.target(row).identity != action.target.identity:
            raise Refused(f"{action.target.name} is carried out by another runner")
        launch.abort(self._folders[row.key], Who.here(os.environ).user, leave)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """A deploy is done once it has started: how it goes on is what its run tells."""
        return await (self._look_for(action) if action.verb == "deploy" else self._look_for_end(action))

    async def _look_for(self, action: Action) -> Outcome:
        """Waits for as long as a slow start may still become a run."""
        run, leave = run_of(action), self._leaves.get(action.digest)
        while True:
            # Before its journal is looked for: what holds afterwards may have begun in between.
            may_begin = leave is not None and leave.used and await self._is_starting()
            if run in await self._rows():
                return Outcome(End.DONE, f"{run} has started")
            if not may_begin:
                return Outcome(End.FAILED, "it did not start")
            await asyncio.sleep(BUSY)

    async def _rows(self) -> RunRows:
        with file_errors():
            return await self._threads.run(self._folders.look_at_all)

    async def _is_starting(self) -> bool:
        with file_errors():
            return await self._threads.run(self._folders.is_starting)

    async def _look_for_end(self, action: Action) -> Outcome:
        while True:
            row = (await self._rows()).get(action.target.key)
            if row is None:
                return Outcome(End.FAILED, f"{action.target.key} is gone")
            if row.state is RunState.RUNNING and row.left:
                return Outcome(End.FAILED, f"{row.key} goes on: {row.left}")
            if row.state is not RunState.RUNNING:
                end = End.DONE if row.state is RunState.ABORTED and not row.left else End.FAILED
                # Its message may begin with the state: who has aborted it.
                says_it = row.message.startswith(row.state.value)
                how = row.message if says_it else f"{row.state.value}: {row.message}".rstrip(": ")
                return Outcome(end, f"{row.key} {how}")
            await asyncio.sleep(BUSY)
