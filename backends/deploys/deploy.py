"""A deploy: a command that rolls something out, run by a process of its own, with everything written down."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from backends.api.actions import Action, End, Outcome, Permit, Refused, Target, Tell
from backends.api.backend import Backend, Check
from backends.api.capabilities import Acting, Deploys, Logs, Runs
from backends.api.errors import Misconfigured, NotFound, TimedOut
from backends.api.logs import LogBatch, LogBlock, LogRecord, Sieve
from backends.api.nouns import Row
from backends.api.readings import Seen, differing
from backends.api.runs import (
    Deploy,
    DeployRows,
    Param,
    Plan,
    PlannedStep,
    Run,
    RunRows,
    RunState,
    params_of,
    run_of,
    start_arguments,
)
from backends.api.settings import SecretRef, Settings
from backends.deploys import launch
from backends.deploys.command import GRACE
from backends.deploys.folder import OUTPUT, RunFolders, Written, new_id
from backends.deploys.leave import Leave
from backends.deploys.listing import LIST_SECONDS, listed
from backends.deploys.output import Output, follow
from backends.deploys.params import check_template, filled, known_only, value_of
from backends.deploys.run_events import news
from backends.deploys.settings import DeploySettings
from backends.file_errors import file_errors
from backends.logs.formats import Formats
from backends.masking import masked
from backends.secrets import COMMAND_SECONDS, reveal
from backends.state import state_folder
from backends.threads import Threads
from backends.who import Who

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
PYTHON = re.compile(r"python[\d.]*")
IDLE, BUSY = 0.5, 0.2
"""Seconds between two looks at the runs: while none runs, and while one does."""


class Deployer(Backend, Deploys, Runs, Logs, Acting):
    """One deploy of the configuration, and its runs: those too that another midwatch of this account started.

    Its folder is read in threads; what runs is the runner's and not ours.
    """

    kind: ClassVar[str] = "deploy"
    Settings: ClassVar[type[Settings]] = DeploySettings
    example: ClassVar[str] = """\
# What can be rolled out: a command, run by a process of its own; no shell, {version} is filled in.
# [context.lab.deploy.web]
# kind = "command"
# argv = ["./deploy.sh", "{version}"]
# [context.lab.deploy.web.params.version]
# choices = ["1.8.1", "1.8.2"]              # or from = ["git", "tag"], or pattern = "[0-9.]+"
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        if not NAME.fullmatch(name):
            raise Misconfigured("no name for a deploy, expected letters, digits, dots and hyphens", where=name)
        if settings.kind != "command":
            raise Misconfigured("not in this version, expected command", where=settings.kind)
        check_template(settings.argv, settings.params)
        self._params: tuple[Param, ...] = tuple(item.param(key) for key, item in settings.params.items())
        self._host = socket.gethostname().split(".")[0]
        self._formats = Formats(self.source)
        self._threads = Threads("runs", 6)
        self._leaves: dict[str, Leave] = {}

    @cached_property
    def _runs(self) -> RunFolders:
        # Not before the context is known, which is told after making.
        return RunFolders(state_folder(os.environ), self.context, self.name, self.source)

    # What can be rolled out, and what was

    async def deploys(self, last: DeployRows | None) -> AsyncGenerator[Seen[DeployRows], None]:
        before = last
        while True:
            runs = await self._look()
            row = self._row(list(runs.values())[-1] if runs else None)
            same = None if before is None else before.get(self.name)
            rows = MappingProxyType({self.name: row if same is None or same != row else same})
            yield Seen(rows, None if before is None else differing(before, rows))
            before = rows
            await asyncio.sleep(_pause(runs))

    async def runs(self, last: RunRows | None) -> AsyncGenerator[Seen[RunRows], None]:
        before = last
        while True:
            rows = await self._look()
            told = () if before is None else news(before, rows, datetime.now(UTC))
            yield Seen(rows, None if before is None else differing(before, rows), told)
            before = rows
            await asyncio.sleep(_pause(rows))

    async def _look(self) -> RunRows:
        with file_errors():
            return await self._threads.run(self._runs.look)

    def _row(self, newest: Run | None) -> Deploy:
        settings, name = self.settings, self.name
        return Deploy(
            name, self.source, name, settings.kind, settings.argv, self._params, self._digest, last=newest
        )

    @cached_property
    def _digest(self) -> str:
        # Without the values of the environment: the digest of a short secret gives it away.
        settings = self.settings
        names = sorted(settings.environment)
        parts = (settings.kind, settings.argv, self._params, names, settings.directory, settings.timeout)
        import hashlib

        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]

    # Before

    async def choices(self, param: str) -> tuple[str, ...]:
        known_only((param,), self._params)
        found = next(item for item in self._params if item.name == param)
        directory = self.settings.directory
        return found.choices or await self._threads.run(lambda: listed(found, directory))

    async def plan(self, given: Mapping[str, str]) -> Plan:
        return await self._threads.run(lambda: self._plan(given))

    def _plan(self, given: Mapping[str, str]) -> Plan:
        settings = self.settings
        known_only(given, self._params)
        values = {
            param.name: value_of(param, given.get(param.name), listed(param, settings.directory))
            for param in self._params
        }
        argv = filled(settings.argv, values)
        return Plan(
            deploy=self.name,
            kind=settings.kind,
            params=tuple(values.items()),
            steps=(PlannedStep(program(argv), argv),),
            environment=tuple(settings.environment),
            directory=os.path.abspath(settings.directory),
            timeout=settings.timeout,
        )

    # Acting

    async def actions(self, row: Row) -> tuple[Action, ...]:
        """A run can be aborted while it runs. A deploy that needs to be asked nothing can be started as it is;
        for any other one `plan` is asked first."""
        if isinstance(row, Run) and row.state is RunState.RUNNING:
            return (self._abort(row),)
        if isinstance(row, Deploy) and all(param.default is not None for param in self._params):
            return (self.action(await self.plan({})),)
        return ()

    def action(self, plan: Plan) -> Action:
        words = " ".join((self.name, *(f"{name}={value}" for name, value in plan.params)))
        return Action(
            verb="deploy",
            target=self.target(self._row(None)),
            title=f"deploy {words}",
            effect=f"runs {plan.call} in {plan.directory}; ended if it takes more than {plan.timeout:g} s",
            call=plan.call,
            deadline=launch.ANSWER + 4 + self._asking,
            arguments=start_arguments(new_id(self.name), plan),
        )

    @property
    def _asking(self) -> float:
        """Seconds that the commands may take which are asked before it starts: for lists, and for secrets."""
        secrets = [value for value in self.settings.environment.values() if isinstance(value, SecretRef)]
        lists = sum(bool(param.listed) for param in self._params)
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
            return Target(self.source, "runs", row.key, row.key, f"{row.key} {row.runner}", self._host)
        return Target(self.source, "deploys", self.name, self.name, f"configuration {self._digest}", self._host)

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
                plan = await self.plan(params_of(action))
                if plan.digest != told["plan"]:
                    raise Refused("it would no longer run what was shown", "ask for a new plan")
                await self._threads.run(lambda: self._launch(run_of(action), plan, leave))
        except (TimeoutError, TimedOut) as error:
            late = error if isinstance(error, TimedOut) else TimedOut(f"no word for {seconds:g} s")
            if leave.give_up():
                raise late from None
            raise Refused(f"nothing was started: {late.reason}", late.hint) from None

    def _launch(self, run: str, plan: Plan, leave: Leave) -> None:
        environment = {name: reveal(value).reveal() for name, value in self.settings.environment.items()}
        for name, value in environment.items():
            if "\0" in value:
                raise Misconfigured("holds a NUL, which no program can be given", where=name)
        by = Who.here(os.environ).user
        launch.start(self._runs, Written(run, self.context, by, self._host, plan), environment, leave)

    def _ask_to_end(self, action: Action, leave: Leave) -> None:
        row = self._runs.look().get(action.target.key)
        if row is None or row.state is not RunState.RUNNING:
            raise Refused(f"{action.target.name} does not run" + (f": {row.state.value}" if row else ""))
        if self.target(row).identity != action.target.identity:
            raise Refused(f"{action.target.name} is carried out by another runner")
        launch.abort(self._runs[row.key], Who.here(os.environ).user, leave)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        """A deploy is done once it has started: how it goes on is what its run tells."""
        return await (self._look_for(action) if action.verb == "deploy" else self._look_for_end(action))

    async def _look_for(self, action: Action) -> Outcome:
        """Waits for as long as a slow start may still become a run."""
        run, leave = run_of(action), self._leaves.get(action.digest)
        while True:
            # Before its journal is looked for: what holds afterwards may have begun in between.
            may_begin = leave is not None and leave.used and await self._is_starting()
            if run in await self._look():
                return Outcome(End.DONE, f"{run} has started")
            if not may_begin:
                return Outcome(End.FAILED, "it did not start")
            await asyncio.sleep(BUSY)

    async def _is_starting(self) -> bool:
        with file_errors():
            return await self._threads.run(self._runs.is_starting)

    async def _look_for_end(self, action: Action) -> Outcome:
        while True:
            row = (await self._look()).get(action.target.key)
            if row is None:
                return Outcome(End.FAILED, f"{action.target.key} is gone")
            if row.state is RunState.RUNNING and row.left:
                return Outcome(End.FAILED, f"{row.key} goes on: {row.left}")
            if row.state is not RunState.RUNNING:
                end = End.DONE if row.state is RunState.ABORTED and not row.left else End.FAILED
                return Outcome(end, f"{row.key} {row.state.value}: {row.message}".rstrip(": "))
            await asyncio.sleep(BUSY)

    # Its output, as logs

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """The newest run's output, its end if that is long, and whatever runs after it. Origins are run ids."""
        cursor = None if last is None else last.cursor
        while True:
            with file_errors():
                rows, batch = await self._threads.run(partial(self._follow, cursor))
            cursor = batch.cursor
            yield Seen(batch, None if batch.blocks or batch.notes else frozenset())
            await asyncio.sleep(0 if batch.blocks else _pause(rows))

    def _follow(self, cursor: object) -> tuple[RunRows, LogBatch]:
        rows = self._runs.look()
        return rows, follow(self._runs, rows, cursor)

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        rows = await self._look()
        ends: dict[str, int] = {}
        for name, row in rows.items():
            output = Output(self._runs[name] / OUTPUT, name)
            while (block := await self._next(output, row)) is not None:
                ends[name] = output.offset
                yield LogBatch((block,), MappingProxyType(dict(ends)), (), len(rows))
            ends[name] = output.offset
        yield LogBatch((), MappingProxyType(ends), (), len(rows))

    async def output(self, run: str) -> AsyncGenerator[LogBatch, None]:
        output: Output | None = None
        while True:
            # The state first: what was written before the end is read after it.
            row = (await self._look()).get(run)
            if row is None:
                raise NotFound("no such run", where=run)
            output = output or Output(self._runs[run] / OUTPUT, run)
            while (block := await self._next(output, row)) is not None:
                yield LogBatch((block,), MappingProxyType({run: output.offset}))
            if row.state is not RunState.RUNNING:
                return
            await asyncio.sleep(BUSY)

    async def _next(self, output: Output, row: Run) -> LogBlock | None:
        with file_errors():
            return await self._threads.run(lambda: output.read(final=row.state is not RunState.RUNNING))

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    # For people

    async def check(self) -> tuple[Check, ...]:
        return (await self._threads.run(self._check),)

    def _check(self) -> Check:
        program, directory = self.settings.argv[0], self.settings.directory
        if not os.path.isdir(directory):
            return Check(directory, False, "no such folder", hint="directory says where it runs")
        path = os.path.join(directory, program) if "/" in program else shutil.which(program)
        if path is None or not os.access(path, os.X_OK):
            return Check(program, False, "no such program, or it may not be run", hint="chmod +x, or its path")
        return Check(program, True, f"can be run in {directory}")

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if isinstance(row, Run):
            return ("midwatch", "run", "attach", row.key)
        return ("midwatch", "deploy", self.name, *(f"{param.name}=…" for param in self._params), "--plan")

    async def raw(self, row: Row) -> str:
        if not isinstance(row, Run):
            table = {"deploy": {self.name: masked(self.settings)}}
            return msgspec.json.format(msgspec.json.encode(table), indent=2).decode()
        with file_errors():
            return await self._threads.run(lambda: self._runs.journal(row.key))


def program(argv: Sequence[str]) -> str:
    """What a person calls the program of a command: of Python the module or the script that it is to run."""
    name = os.path.basename(argv[0])
    if not PYTHON.fullmatch(name):
        return name
    words = iter(argv[1:])
    for word in words:
        if word == "-m":
            return next(words, name).rpartition(".")[2]
        if not word.startswith("-"):
            return os.path.basename(word)
    return name


def _pause(runs: RunRows) -> float:
    return BUSY if any(run.state is RunState.RUNNING for run in runs.values()) else IDLE
