"""Deploys and their runs: what can be rolled out, what exactly would be done, and what was done.

A deploy is configured; a `Plan` is a deploy with its parameters filled in; a run is a plan that a runner, a
process of its own, has begun to carry out.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from backends.api.actions import Action


class Param(Struct, frozen=True):
    """One parameter, and what it may be: one of `choices`, one of the lines that the command `listed` prints, or
    a text that `pattern` fits from end to end. Exactly one of them is set. Without a `default` it must be given.
    """

    name: str
    choices: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    pattern: str = ""
    default: str | None = None


class RunState(enum.StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    """Its runner is gone and did not say how it ended: how far it came is known, what became of it is not."""


class Step(Struct, frozen=True):
    """One step of a run, as its journal tells. `ended` stays None where its runner died."""

    name: str
    target: str | None
    state: RunState
    started: datetime
    ended: datetime | None = None
    message: str = ""


class Run(Struct, frozen=True):
    """One run. `key` is its id; `runner` says which process carries it out (pid, start time, boot)."""

    key: str
    source: str
    deploy: str
    state: RunState
    by: str
    started: datetime
    params: tuple[tuple[str, str], ...] = ()
    ended: datetime | None = None
    steps: tuple[Step, ...] = ()
    message: str = ""
    """How it ended, in words; what is left where it was interrupted, or goes on though it was to end."""
    runner: str = ""
    call: str = ""
    """What it runs, as a person would type it."""
    left: str = ""
    """What of it could not be ended when it was to end, and why ("it belongs to root"); it may go on."""
    directory: str = ""
    """Where it runs: contexts of the same name in two configurations are told apart by it."""

    @property
    def rollout(self) -> str:
        """What is rolled out, for people: its deploy with the values of its parameters ("web 1.8.2")."""
        return " ".join((self.deploy, *(value for _, value in self.params)))

    def spent(self, now: datetime) -> str | None:
        """How long it took, or takes already; None where its runner died, for nobody wrote down when."""
        end = self.ended or (now if self.state is RunState.RUNNING else None)
        return None if end is None else span((end - self.started).total_seconds())

    @property
    def step(self) -> Step | None:
        """The step that it is in, or ended in."""
        return self.steps[-1] if self.steps else None


def span(seconds: float) -> str:
    """How long something took, as everything that tells of it has it: whole units that are past, the largest of
    them (`0s`, `8s`, `4m`, `3h`)."""
    size, unit = next((pair for pair in ((3600, "h"), (60, "m")) if seconds >= pair[0]), (1, "s"))
    return f"{int(seconds // size)}{unit}"


class Deploy(Struct, frozen=True):
    """Something that can be rolled out. `last` is its newest run, None where it has never been run here.

    `digest` stands for all that its settings say, but for plain values of its environment.
    """

    key: str
    source: str
    name: str
    kind: str
    argv: tuple[str, ...]
    params: tuple[Param, ...]
    digest: str
    last: Run | None = None


class PlannedStep(Struct, frozen=True):
    name: str
    argv: tuple[str, ...]


class Plan(Struct, frozen=True):
    """Exactly what a run would do, and all of it. Of its environment it holds the names alone: values may be
    secrets, and a plan is shown, kept and digested."""

    deploy: str
    kind: str
    params: tuple[tuple[str, str], ...]
    steps: tuple[PlannedStep, ...]
    environment: tuple[str, ...]
    directory: str
    timeout: float
    """Seconds for all steps together."""

    @property
    def digest(self) -> str:
        # Here, since who only looks asks for none: OpenSSL takes a noticeable part of the start.
        import hashlib

        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def call(self) -> str:
        """Its commands as a person would type them."""
        return "; ".join(shlex.join(step.argv) for step in self.steps)


PARAM = "param."
"""Before a parameter's name among an action's arguments: it may be called anything, `run` too."""


def start_arguments(run: str, plan: Plan) -> tuple[tuple[str, str], ...]:
    """The arguments of the action that starts a run of a plan."""
    return (("run", run), ("plan", plan.digest), *((PARAM + name, value) for name, value in plan.params))


def run_of(action: Action) -> str:
    """The id of the run that an action starts."""
    return dict(action.arguments)["run"]


def params_of(action: Action) -> dict[str, str]:
    """The parameters with which it starts it."""
    return {name.removeprefix(PARAM): value for name, value in action.arguments if name.startswith(PARAM)}


DeployRows = Mapping[str, Deploy]
RunRows = Mapping[str, Run]
