"""Programs whose process is stopped by a signal: told from /proc, and as news."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.api.events import Event
from backends.api.units import Unit, UnitState
from backends.processes.frozen import frozen
from backends.processes.supervisord import Supervisord, SupervisordSettings
from backends.processes.supervisord_programs import About, Info, Programs, Roll
from tests.clock import FakeClock
from tui.kinds.units import UNITS
from widgets.freshness import Sight

ABOUT = About("4.3", 7, "supervisor", "h", True)
WEB = Info("web", "web", 100, 0, 200, "RUNNING", "", 0, 9)
KEY = "supervisord/a/web"


def put(root: Path, pid: int, state: str, parent: int) -> None:
    (root / str(pid)).mkdir()
    rest = " ".join(["0"] * 48)
    (root / str(pid) / "stat").write_text(f"{pid} (a) T (b) {state} {parent} {rest}")


def test_only_a_child_that_a_signal_stopped_is_frozen(tmp_path: Path) -> None:
    for pid, state, parent in ((1, "T", 7), (2, "S", 7), (3, "t", 7), (4, "T", 8)):
        put(tmp_path, pid, state, parent)
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "stat").write_text("5 (cut")
    assert frozen(str(tmp_path), 7, range(1, 8)) == {1}


def looked(
    roll: Roll, before: Programs | None, *pids: int, after_gap: bool = False
) -> tuple[Programs, list[Event]]:
    seen = roll.look(before, [WEB], ABOUT, {}, frozen=pids, after_gap=after_gap)
    return seen.value, [item for item in seen.news if isinstance(item, Event)]


def test_that_a_program_was_frozen_and_goes_on_is_news() -> None:
    roll, began = Roll("supervisord/a"), datetime.now(UTC)
    rows, _ = looked(roll, None)
    rows, (said,) = looked(roll, rows, 9)
    assert (said.target, said.bad, said.restart) == ("web", True, False)
    assert "frozen" in said.text
    since = rows[KEY].frozen_since
    assert since is not None
    assert since >= began
    rows, news = looked(roll, rows, 9)
    assert (rows[KEY].frozen_since, news) == (since, [])
    rows, (said,) = looked(roll, rows)
    assert (rows[KEY].frozen, said.bad) == (False, False)


def test_where_it_is_not_known_whether_a_process_is_frozen_it_is_as_it_was() -> None:
    roll = Roll("supervisord/a")
    rows, _ = looked(roll, None)
    rows, _ = looked(roll, rows, 9)
    since = rows[KEY].frozen_since
    seen = roll.look(rows, [WEB], ABOUT, {}, frozen=None)
    assert (seen.news, seen.changed, seen.value[KEY].frozen_since) == ((), frozenset(), since)
    # Of another process that was not known before.
    seen = roll.look(seen.value, [replace(WEB, start=150, pid=10)], ABOUT, {}, frozen=None)
    assert not seen.value[KEY].frozen
    assert not roll.look(seen.value, [WEB], ABOUT, {}, frozen=None).value[KEY].frozen


async def test_a_host_that_does_not_tell_in_time_does_not_say_that_a_process_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, told = Supervisord("a", SupervisordSettings()), threading.Event()
    monkeypatch.setattr("backends.processes.supervisord.FROZEN_WITHIN", 0.01)
    monkeypatch.setattr("backends.processes.supervisord.frozen", lambda *_: told.wait(10))
    try:
        # At first they take too long, then all threads are taken by those that do.
        assert [await backend._frozen([WEB], ABOUT) for _ in range(3)] == [None, None, None]
    finally:
        told.set()
        await backend.close()


@pytest.mark.parametrize("after_gap", [False, True])
def test_since_when_one_is_frozen_that_was_found_so_is_not_known(after_gap: bool) -> None:
    roll = Roll("supervisord/a")
    before = looked(roll, None)[0] if after_gap else None
    rows, _ = looked(roll, before, 9, after_gap=after_gap)
    assert rows[KEY].frozen
    assert looked(roll, rows, 9)[0][KEY].frozen_since is None


def test_units_say_so_beside_the_word_of_their_supervisor() -> None:
    row = Unit("k", "web", "supervisord/a", "h", UnitState.RUNNING, "RUNNING", frozen=True)
    sight = Sight(0.0, FakeClock().now())
    note = UNITS.column("note")
    assert note is not None
    assert note.text(row, sight) == "frozen: stopped by a signal"
    assert any("SIGCONT" in text for _, text in UNITS.facts(row, sight))
