"""How an action is called in a sentence: in every place alike."""

from __future__ import annotations

import pytest

from backends.api.actions import Action, Target, sentence
from tui.question import titled


def action(verb: str, title: str, name: str, label: str = "") -> Action:
    return Action(verb, Target("x/main", "rows", name, name, "", label=label), title, "does it", "do it")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (action("signal", "SIGTERM", "python", "python 4121"), "SIGTERM to python 4121"),
        (action("restart", "restart", "web"), "restart web"),
        (action("restart", "restart", "start"), "restart start"),
        (action("deploy", "deploy web version=2", "web"), "deploy web version=2"),
        (action("abort", "abort", "web-1"), "abort web-1"),
        (action("promote", "promote etcd-2", "etcd-2"), "promote etcd-2"),
        (action("promote", "promote etcd-21", "etcd-2"), "promote etcd-21 etcd-2"),
        (action("stop", "stop", "stop"), "stop stop"),
    ],
)
def test_what_is_done_to_whom(made: Action, told: str) -> None:
    assert made.sentence == told
    assert titled([made]) == told
    # As the audit's line has it, from its fields.
    assert sentence(made.verb, made.title, made.target.shown) == told


def test_of_several_it_is_said_how_many_they_are() -> None:
    both = [action("signal", "SIGHUP", name) for name in ("a", "b")]
    assert titled(both) == "SIGHUP to 2 targets"
