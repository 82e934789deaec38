"""A deploy: a command that rolls something out, run by a process of its own, with everything written down."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from backends.api.actions import Action, Outcome, Permit, Target, Tell
from backends.api.backend import TIMEOUT, Backend, Check
from backends.api.capabilities import Acting, Deploys, Logs, Runs
from backends.api.errors import Misconfigured
from backends.api.logs import Beside, LogBatch, LogRecord, Sieve
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
)
from backends.api.settings import Settings
from backends.deploys.folder import RunFolders
from backends.deploys.listing import listed
from backends.deploys.look_pauses import LookPauses
from backends.deploys.params import check_template, filled, known_only, value_of
from backends.deploys.run_events import news
from backends.deploys.settings import DeploySettings
from backends.file_errors import file_errors
from backends.masking import masked
from backends.state import state_folder
from backends.threads import Threads

if TYPE_CHECKING:
    from backends.deploys.run_actions import RunActions
    from backends.deploys.run_output import RunOutput

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
PYTHON = re.compile(r"python[\d.]*")


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

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        if not NAME.fullmatch(name):
            raise Misconfigured("no name for a deploy, expected letters, digits, dots and hyphens", where=name)
        if settings.kind != "command":
            raise Misconfigured("not in this version, expected command", where=settings.kind)
        check_template(settings.argv, settings.params)
        self._params: tuple[Param, ...] = tuple(item.param(key) for key, item in settings.params.items())
        self._threads = Threads("runs", 6)
        self._rests = LookPauses()

    @cached_property
    def _runs(self) -> RunFolders:
        # Not before the context is known, which is told after making.
        return RunFolders(state_folder(os.environ), self.context, self.name, self.source, self.settings.directory)

    # What can be rolled out, and what was

    async def deploys(self, last: DeployRows | None) -> AsyncGenerator[Seen[DeployRows], None]:
        before = last
        while True:
            rest = self._rests.begin()
            runs = await self._look()
            row = self._row(list(runs.values())[-1] if runs else None)
            same = None if before is None else before.get(self.name)
            rows = MappingProxyType({self.name: row if same is None or same != row else same})
            yield Seen(rows, None if before is None else differing(before, rows))
            before = rows
            await rest(runs)

    async def runs(self, last: RunRows | None) -> AsyncGenerator[Seen[RunRows], None]:
        before = last
        while True:
            rest = self._rests.begin()
            rows = await self._look()
            told = () if before is None else news(before, rows, datetime.now(UTC))
            yield Seen(rows, None if before is None else differing(before, rows), told)
            before = rows
            await rest(rows)

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

    @cached_property
    def _actions(self) -> RunActions:
        # Here: what starts a run, and all that ends one, is imported where somebody wants that.
        from backends.deploys.run_actions import RunActions

        return RunActions(self._row(None), self.settings, self._runs, self._threads, self.plan)

    async def actions(self, row: Row) -> tuple[Action, ...]:
        return await self._actions.actions(row)

    def action(self, plan: Plan) -> Action:
        return self._actions.action(plan)

    def target(self, row: Row) -> Target:
        return self._actions.target(row)

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        try:
            await self._actions.perform(action, permit, tell)
        finally:
            self._rests.end()

    async def look(self, action: Action, tell: Tell) -> Outcome:
        return await self._actions.look(action, tell)

    # Its output, as logs

    @cached_property
    def _output(self) -> RunOutput:
        # Not before it is read: a start has a dozen sources, and no line yet.
        from backends.deploys.run_output import RunOutput

        return RunOutput(self.source, self._runs, self._threads, self._look, self._rests)

    def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        return self._output.logs(last)

    def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        return self._output.history(since, sieve, beside)

    def output(self, run: str) -> AsyncGenerator[LogBatch, None]:
        return self._output.output(run)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._output.parse(raw, origin)

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
