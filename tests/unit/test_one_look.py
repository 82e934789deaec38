"""One look at this host's processes without a loop: when it may be taken, and that nothing holds it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.api.capabilities import HostLoad, ProcessTable, Supervisor
from backends.api.errors import Denied
from backends.api.processes import Process
from backends.api.readings import State
from backends.api.registry import MODULES, load
from backends.config.context_words import THIS_HOST
from backends.processes import one_look, supervisord_places
from backends.processes.one_look import is_alone, processes_at_once
from backends.processes.table import Table


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisord_places, "SOCKETS", ())
    monkeypatch.setattr(supervisord_places, "CONFIGURATIONS", ())


def test_it_is_what_a_feed_would_say_first() -> None:
    reading = processes_at_once(5.0)
    assert reading is not None
    assert reading.state is State.LIVE
    assert reading.value is not None
    assert {row.source for row in reading.value.values()} == {THIS_HOST}
    assert {row.cpu for row in reading.value.values()} == {None}
    assert reading.as_of is not None
    assert reading.as_of.tzinfo is not None


def test_a_look_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(Table, "look", lambda self: held.wait(30))
    began = time.monotonic()
    assert processes_at_once(0.05) is None
    assert time.monotonic() - began < 5
    held.set()


def test_another_look_does_without_what_the_first_hangs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    held, looks = threading.Event(), list[Table]()

    def look(self: Table) -> dict[str, Process]:
        looks.append(self)
        if len(looks) == 1:
            held.wait(30)
        return {}

    monkeypatch.setattr(Table, "look", look)
    monkeypatch.setattr(one_look, "PATIENCE", 0.05)
    reading = processes_at_once(20.0)
    assert reading is not None
    assert reading.value == {}
    assert len(looks) == 2
    # The same table knows what the first one asks for.
    assert looks[0] is looks[1]
    held.set()


@pytest.mark.parametrize("error", [Denied("not readable"), ValueError("a bug")])
def test_a_look_that_fails_is_told_by_the_feed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Table) -> None:
        raise error

    monkeypatch.setattr(Table, "look", fail)
    assert processes_at_once(5.0) is None


@pytest.mark.parametrize("name", ["SOCKETS", "CONFIGURATIONS"])
def test_where_a_supervisor_may_be_it_is_not_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_alone({})
    left = tmp_path / "left"
    left.symlink_to(tmp_path / "behind")
    monkeypatch.setattr(supervisord_places, name, (str(tmp_path / "none"), str(left)))
    assert not is_alone({})


def test_only_a_supervisor_can_tell_more_without_a_configuration() -> None:
    """Of another kind that discovery finds `is_alone` has to know how it is found."""
    found = {kind for kind in MODULES if "discover" in vars(load(kind))}
    about_processes = (ProcessTable, HostLoad, Supervisor)
    assert {kind for kind in found if set(about_processes) & set(load(kind).__mro__)} == {"supervisord"}


class Asked(dict[str, str]):
    """Remembers which of its names somebody was interested in."""

    def __init__(self) -> None:
        super().__init__({"PATH": "/nowhere"})
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("which of them are looked at can't be told")


@pytest.mark.parametrize("kind", MODULES)
async def test_whatever_names_a_source_is_known(kind: str) -> None:
    env = Asked()
    await load(kind).discover(env, 0.5)
    # That one says where a program is, not which source.
    assert not [name for name in env.names - {"PATH"} if is_alone({name: "x"})]
