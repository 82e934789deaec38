"""What a journal tells: of a run that goes on, that ended, whose runner died in the middle of a line."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from backends.api.events import Event
from backends.api.runs import Run, RunState, Step
from backends.deploys import journal
from backends.deploys.identity import Identity
from backends.deploys.journal import JOURNAL, RESERVE, Entry, Journal, What, parse, steps_of
from backends.deploys.run_events import news
from backends.deploys.step_marks import Marks

START = datetime(2026, 11, 24, 2, 13, 20, tzinfo=UTC)
RUNNER = Identity(7, 70, "boot")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


ENTRIES = [
    Entry(at(0), What.STARTED, process=RUNNER),
    Entry(at(1), What.STEP, "deploy.sh"),
    Entry(at(1), What.COMMAND, "deploy.sh", process=Identity(8, 80, "boot")),
    Entry(at(2), What.STEP_ENDED, state=RunState.DONE),
    Entry(at(2), What.STEP, "web-1"),
    Entry(at(5), What.STEP_ENDED, state=RunState.FAILED, message="exit 3"),
    Entry(at(5), What.ENDED, state=RunState.FAILED, message="exit 3"),
]


def written(entries: list[Entry]) -> bytes:
    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)


def test_it_reads_what_it_writes() -> None:
    assert parse(written(ENTRIES)) == (ENTRIES, 0)


def test_every_torn_last_line_is_no_line_yet() -> None:
    whole = written(ENTRIES)
    last = len(written(ENTRIES[:-1]))
    for cut in range(last, len(whole)):
        assert parse(whole[:cut]) == (ENTRIES[:-1], 0)


def test_a_damaged_line_costs_itself() -> None:
    data = written(ENTRIES[:3]) + b'{"at": 5, "what"\n\xff\n' + written(ENTRIES[3:])
    assert parse(data) == (ENTRIES, 2)


def test_steps() -> None:
    assert steps_of(ENTRIES, alive=False) == (
        Step("deploy.sh", None, RunState.DONE, at(1), at(2)),
        Step("web-1", None, RunState.FAILED, at(2), at(5), "exit 3"),
    )
    assert steps_of(ENTRIES[:5], alive=True)[-1].state is RunState.RUNNING
    interrupted = steps_of(ENTRIES[:5], alive=False)[-1]
    assert (interrupted.state, interrupted.ended) == (RunState.INTERRUPTED, None)


def test_the_end_has_its_place_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Journal(tmp_path, ENTRIES[0])
    write = os.write

    def on_a_full_disk(file: int, data: bytes) -> int:
        """A few bytes of a line, then none, as long as the reserve takes the rest."""
        if not (tmp_path / RESERVE).exists():
            return write(file, data)
        if len(data) > 20:
            return write(file, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("backends.deploys.journal.os.write", on_a_full_disk)
    with pytest.raises(OSError, match="No space"):
        made.write(ENTRIES[1])
    assert parse((tmp_path / JOURNAL).read_bytes()) == (ENTRIES[:1], 0)
    made.write_last(ENTRIES[-1])
    assert parse((tmp_path / JOURNAL).read_bytes()) == ([ENTRIES[0], ENTRIES[-1]], 0)
    assert not (tmp_path / RESERVE).exists()


def test_there_is_one_journal_and_it_is_held(tmp_path: Path) -> None:
    held = Journal(tmp_path, ENTRIES[0])
    assert journal.is_held(tmp_path)
    with pytest.raises(FileExistsError):
        Journal(tmp_path, ENTRIES[0])
    assert (tmp_path / JOURNAL).stat().st_mode & 0o777 == 0o600
    del held


def run(entries: list[Entry], state: RunState, message: str = "") -> Run:
    ended = entries[-1].at if entries[-1].what is What.ENDED else None
    steps = steps_of(entries, alive=state is RunState.RUNNING)
    return Run("web-1", "deploy/web", "web", state, "ops", at(0), (("v", "1.8.2"),), ended, steps, message)


def test_news_are_each_told_once_whatever_was_missed_between() -> None:
    texts = [
        "started by ops (web-1)",
        "step 1: deploy.sh",
        "step 2: web-1",
        "failed after 5s: exit 3",
    ]
    looks = [
        run(ENTRIES[:1], RunState.RUNNING),
        run(ENTRIES[:3], RunState.RUNNING),
        run(ENTRIES[:5], RunState.RUNNING),
        run(ENTRIES, RunState.FAILED, "exit 3"),
    ]
    for seen in (looks, looks[::3], looks[3:], looks[1:]):
        told: list[Event] = []
        before: dict[str, Run] = {}
        for row in seen:
            told += news(before, {"web-1": row}, at(99))
            before = {"web-1": row}
        assert [event.text for event in told] == texts
        assert {event.target for event in told} == {"web 1.8.2"}
        assert told[-1].time == at(5)


def test_an_interrupted_run_is_told_when_it_is_found() -> None:
    before, after = (
        run(ENTRIES[:5], RunState.RUNNING),
        run(ENTRIES[:5], RunState.INTERRUPTED, "its runner is gone"),
    )
    (event,) = news({"web-1": before}, {"web-1": after}, at(99))
    assert (event.time, event.text) == (at(99), "interrupted: its runner is gone")


def test_marks_whole_and_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    marks = Marks(path)
    found: list[str] = []
    data = (
        b"hello\n::step one\nno ::step here\n" + b"x" * 5000 + b"\n::step " + b"y" * 500 + b"\n::step \x1b[2Jlast"
    )
    for i in range(0, len(data), 7):
        with path.open("ab") as file:
            file.write(data[i : i + 7])
        found += marks.read()
    assert found[0] == "one"
    found += marks.read(final=True)
    assert [name[:4] for name in found] == ["one", "yyyy", "last"]
    assert len(found[1]) == 200
