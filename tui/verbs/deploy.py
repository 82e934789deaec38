"""`deploy NAME [k=v …] --plan|--yes`: what it would do, or a run of it, started through the door."""

from __future__ import annotations

import argparse
import asyncio
import shlex
from collections.abc import Mapping
from typing import Any

from backends.api.actions import Action, Outcome
from backends.api.capabilities import Deploys
from backends.api.errors import BackendError, Misconfigured
from backends.api.runs import Deploy, Plan, run_of
from backends.config.context import Context
from backends.nearest import one_of
from backends.watch import Watch
from tui.verbs.changing import act, failed, rows_of
from tui.verbs.printing import say, to_json
from tui.verbs.run import attach
from tui.verbs.words import WrongUse

NONE = "this context has no deploys; one is a table [context.NAME.deploy.NAME] of its configuration"


async def deploy(context: Context, options: argparse.Namespace) -> int:
    """Without `--follow` its answer is the run's id; with it, what the run prints, and how it ends."""
    if options.plan:
        return await _show_plan(context, options)
    started: list[str] = []

    async def find(opened: Watch, timeout: float) -> list[Action]:
        deploys, plan = await _planned(opened, options, timeout)
        action = deploys.action(plan)
        started[:] = [run_of(action)]
        return [action]

    status = await act(context, options, find, _answer)
    if status or not options.follow:
        return status
    return await attach(context, options, started[0])


def _answer(action: Action, outcome: Outcome) -> str:
    return run_of(action) if outcome.text.endswith("has started") else outcome.text


async def _show_plan(context: Context, options: argparse.Namespace) -> int:
    opened = Watch(context, timeout=options.timeout)
    try:
        _, plan = await _planned(opened, options, options.timeout)
    except (WrongUse, BackendError) as error:
        return failed(error)
    finally:
        await opened.close()
    if options.output == "json":
        say(to_json({"kind": "plan", "context": context.name, "items": [plan_json(plan)]}))
    elif options.output == "jsonl":
        say(to_json(plan_json(plan)))
    else:
        say(*(f"{name:<13}{text}" for name, text in plan_lines(plan)))
    return 0


async def _planned(opened: Watch, options: argparse.Namespace, timeout: float) -> tuple[Deploys, Plan]:
    """The deploy that is named, and what it would do. Raises `WrongUse`, `BackendError`."""
    given = _given(options.params)
    if not opened.feeds("deploys"):
        raise WrongUse(NONE)
    row = _named(options.name, await rows_of(opened, "deploys", timeout))
    deploys = opened.able(row.source, Deploys)
    if deploys is None:
        raise WrongUse(f"{row.source} deploys nothing")
    try:
        async with asyncio.timeout(timeout + 5):
            return deploys, await deploys.plan(given)
    except Misconfigured as error:
        raise WrongUse(f"{row.name}: {error.where}: {error.reason}") from None


def _given(words: list[str]) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise WrongUse(f"{word!r} is no parameter, expected NAME=VALUE")
        if name in given:
            raise WrongUse(f"{name} is given twice")
        given[name] = value
    return given


def _named(word: str, rows: list[Deploy]) -> Deploy:
    for row in rows:
        if word in (row.name, row.source):
            return row
    raise WrongUse(f"no deploy {word!r}{one_of(word, (row.name for row in rows))}")


def plan_lines(plan: Plan) -> list[tuple[str, str]]:
    """A plan as a person reads it: a name and a text a line."""
    return [
        ("deploy", f"{plan.deploy} ({plan.kind})"),
        *plan.params,
        *(("runs", shlex.join(step.argv)) for step in plan.steps),
        ("in", plan.directory),
        ("environment", ", ".join(plan.environment) or "none"),
        ("ends after", f"{plan.timeout:g} s at most"),
        ("digest", plan.digest[:16]),
    ]


def plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "deploy": plan.deploy,
        "kind": plan.kind,
        "params": dict(plan.params),
        "steps": [{"name": step.name, "argv": list(step.argv)} for step in plan.steps],
        "environment": list(plan.environment),
        "directory": plan.directory,
        "timeout": plan.timeout,
        "digest": plan.digest,
    }
