"""Which source a word means: everywhere alike, and none where it may be any of several."""

from __future__ import annotations

import pytest

from backends import watch
from backends.config.context import Context, SourceConfig, sources_meant
from backends.watch import Watch
from tests.flows.metered import Metered, MeteredSettings, checked, panel
from tui.screens.metrics.choice import MetricsChoice
from tui.screens.metrics.dashboards import Dashboards
from tui.verbs.sources import WrongSource, find_source

PAGE = {"title": "web", "source": "main", "panel": [panel("rate", "rate")]}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("etcd/main", ["etcd/main"]),
        ("main", ["etcd/main", "files/main"]),
        ("files/app", ["files/app"]),
        ("app", ["files/app"]),
        ("etcd", []),
        ("", []),
    ],
)
def test_a_whole_name_or_a_name_of_its_own(word: str, meant: list[str]) -> None:
    assert sources_meant(word, ["etcd/main", "files/main", "files/app"]) == meant


def test_a_whole_name_comes_before_the_own_name_of_another() -> None:
    assert sources_meant("files/a", ["files/files/a", "files/a"]) == ["files/a"]


def watching(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> Watch:
    monkeypatch.setattr(watch, "load", lambda kind: type("Sort", (Metered,), {"kind": kind}))
    sources = tuple(SourceConfig(kind, "main", MeteredSettings()) for kind in kinds)
    return Watch(Context("lab", sources, pages=checked(PAGE)))


def test_a_page_and_a_word_of_the_command_line_mean_the_same_source(monkeypatch: pytest.MonkeyPatch) -> None:
    one = watching(monkeypatch, "a")
    assert Dashboards(one, one.context).source("main") == find_source(one, "main", ["a/main"]) == "a/main"
    two = watching(monkeypatch, "a", "b")
    boards = Dashboards(two, two.context)
    assert boards.source("main") is None
    with pytest.raises(WrongSource, match="main may be any of a/main, b/main"):
        find_source(two, "main", ["a/main", "b/main"])
    # Of those that can do it there is one.
    assert find_source(two, "main", ["b/main"]) == "b/main"
    assert find_source(two, "main", []) is None
    assert find_source(two, "a/main", []) == "a/main"
    assert boards.source("") == "a/main"
    choice = MetricsChoice()
    choice.begin(boards)
    assert choice.lesson() == [
        "page web names the source main, which may be any of several; there are a/main, b/main"
    ]
