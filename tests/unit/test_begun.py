"""Runs that were started here: which of them are asked about when somebody leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from backends.api.actions import Action, End, Target
from backends.api.runs import Plan, RunState, start_arguments
from tui.begun import BegunRuns

PLAN = Plan("web", "command", (), (), (), "/srv", 60.0)
ACTION = Action(
    "deploy",
    Target("deploy/web", "deploys", "web", "web", ""),
    "deploy web",
    "runs it",
    "./deploy",
    arguments=start_arguments("web-1", PLAN),
)


@dataclass
class Lab:
    """What is known of the runs of a context, as a watch tells it."""

    name: str = "lab"
    rows: dict[str, RunState] = field(default_factory=dict)

    @property
    def watch(self) -> Any:
        rows = {run: SimpleNamespace(state=state) for run, state in self.rows.items()}
        feeds = {("deploy/web", "runs"): SimpleNamespace(reading=SimpleNamespace(rows=rows))}
        return SimpleNamespace(
            context=SimpleNamespace(name=self.name), feed=lambda source, noun: feeds.get((source, noun))
        )


@pytest.fixture
def begun() -> BegunRuns:
    return BegunRuns()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (End.DONE, "web-1 runs"),
        (End.UNKNOWN, "web-1 may run"),
        (End.FAILED, ""),
        (End.REFUSED, ""),
    ],
)
def test_what_is_said_before_its_source_has_told_of_it(begun: BegunRuns, end: End, told: str) -> None:
    begun.note("lab", ACTION, end)
    assert begun.going_on(Lab().watch) == told


def test_one_whose_start_was_unknown_and_that_is_found_runs(begun: BegunRuns) -> None:
    lab = Lab()
    begun.note("lab", ACTION, End.UNKNOWN)
    lab.rows["web-1"] = RunState.RUNNING
    assert begun.going_on(lab.watch) == "web-1 runs"
    lab.rows["web-1"] = RunState.DONE
    assert not begun.going_on(lab.watch)


@pytest.mark.parametrize(("end", "told"), [(End.DONE, "web-1 runs"), (End.FAILED, "")])
def test_what_is_found_later_stands(begun: BegunRuns, end: End, told: str) -> None:
    begun.note("lab", ACTION, End.UNKNOWN)
    begun.note("lab", ACTION, end)
    assert begun.going_on(Lab().watch) == told


def test_of_a_context_that_was_left_it_is_known_what_was_known_then(begun: BegunRuns) -> None:
    lab, other = Lab(rows={"web-1": RunState.RUNNING}), Lab("other")
    begun.note("lab", ACTION, End.DONE)
    begun.look(lab.watch)
    assert begun.going_on(other.watch) == "web-1 of lab may still run"
    assert begun.going_on(None) == "web-1 of lab may still run"
    assert begun.going_on(lab.watch) == "web-1 runs"
    lab.rows["web-1"] = RunState.FAILED
    begun.look(lab.watch)
    assert not begun.going_on(other.watch)


def test_what_starts_no_run_is_none(begun: BegunRuns) -> None:
    abort = Action("abort", Target("deploy/web", "runs", "web-1", "web-1", ""), "abort", "ends it", "abort")
    begun.note("lab", abort, End.DONE)
    assert not begun.going_on(Lab().watch)
