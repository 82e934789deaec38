"""The audit on the screen: the last entries, what no audit has taken, and how whole it is."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.changes import audit as module
from backends.changes.audit import Audit
from backends.changes.audit_chain import AuditFiles
from tests.unit.test_audit import entry
from tui import audit_lines
from tui.audit_lines import LINE_MOST, NOTHING, damage_lines, is_entry, last_lines
from tui.screens.text import TextPane


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def held(*texts: str) -> list[str]:
    return [json.dumps(entry(text).fields()) for text in texts]


def write(folder: Path, *texts: str) -> None:
    book = Audit(folder)
    for text in texts:
        book.append(entry(text))


def test_what_no_audit_has_taken_stands_below_what_one_has(folder: Path) -> None:
    assert last_lines(folder, []) == [NOTHING]
    first, *lines = last_lines(folder, held("one", "two"))
    assert first == "2 held, in no audit yet:"
    assert [line.split("  ")[-2] for line in lines] == ["one", "two"]
    assert not is_entry(first)
    assert all(map(is_entry, lines))
    write(folder, "zero")
    assert "zero" in last_lines(folder, held("one"))[0]
    assert last_lines(folder, held("one"))[1] == "1 held, in no audit yet:"


def test_what_is_held_is_shown_where_the_audit_cannot_be_read(folder: Path) -> None:
    folder.write_text("")
    said, first, line = last_lines(folder, held("one"))
    assert said == f"{folder}: Not a directory"
    assert first == "1 held, in no audit yet:"
    assert "one" in line


def test_the_entries_are_shown_while_somebody_holds_the_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    write(folder, "zero")
    with open(folder / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "zero" in last_lines(folder, [])[0]
        gap, said = damage_lines(folder)
    assert not gap
    assert said.startswith("whether it is whole is not known: ")
    assert "another midwatch has held its lock" in said
    assert damage_lines(folder) == []


def test_of_more_than_are_shown_only_the_newest_files_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_MOST", 1500)
    monkeypatch.setattr(audit_lines, "SHOWN", 5)
    write(folder, *(f"act {number}" for number in range(40)))
    files = AuditFiles(folder).files()
    assert len(files) > 5
    for number in files[:2]:
        Audit(folder).path(number).rename(folder / f"gone-{number}")
        Audit(folder).path(number).mkdir()
    first, *lines = last_lines(folder, [])
    assert not is_entry(first)
    assert first == "35 before these, which `midwatch audit` prints"
    assert [line.split("  ")[-2] for line in lines] == [f"act {number}" for number in range(35, 40)]


@pytest.mark.parametrize("count", [1, 4, 5])
def test_where_all_are_shown_none_is_before_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(audit_lines, "SHOWN", 5)
    write(folder, *(f"act {number}" for number in range(count)))
    assert len(last_lines(folder, [])) == count


@pytest.mark.parametrize("told", [lambda text: text, lambda text: f"\x1b[2J{text}"], ids=["plain", "escape"])
def test_a_line_is_clean_and_of_bounded_length(folder: Path, told: Callable[[str], str]) -> None:
    write(folder, told("界" * 1900))
    for line in last_lines(folder, held(told("界" * 1900))):
        assert len(line) <= LINE_MOST + 1
        assert "\x1b" not in line
    assert last_lines(folder, [])[0].endswith("界…")


def test_the_same_lines_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pane, cleaned = TextPane(), list[str]()

    def counted(text: str) -> str:
        cleaned.append(text)
        return text

    monkeypatch.setattr("tui.screens.text.clean", counted)
    lines = ["one", "two"]
    pane.set(lines)
    pane.set(lines)
    assert cleaned == ["one", "two"]
    pane.set(["three"])
    assert pane.source == ["three"]
    pane.clear()
    pane.set(lines)
    assert pane.source == ["one", "two"]
