"""Following files over a long time: late writers, many files, and who gets how much of a look."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backends.logs import file_reader, finding, follow
from tests.unit.following import Begin, add, begin, log

__all__ = ["begin", "log"]


def test_a_renamed_file_is_read_on_for_as_long_as_somebody_writes_to_it(
    begin: Begin, log: Path, tmp_path: Path
) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    old = log.rename(tmp_path / "app.log.1")
    add(log, "new")
    assert following.look() == ["new"]
    for number in range(4):
        following.now += follow.RENAMED_KEPT - 1
        add(old, f"late {number}")
        assert following.look() == [f"late {number}"]


def test_what_came_after_a_renamed_file_was_let_go_of_is_read_at_the_next_rotation(
    begin: Begin, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    old = log.rename(tmp_path / "app.log.1")
    add(log, "new")
    following.look()
    monkeypatch.setattr(follow, "RENAMED_KEPT", -1.0)
    assert following.look() == []
    add(old, "very late")
    assert following.look() == []
    old.rename(tmp_path / "app.log.2")
    log.rename(tmp_path / "app.log.1")
    add(log, "newer")
    assert following.look() == ["very late", "newer"]


def test_of_too_many_files_the_newest_are_followed(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "most", lambda: 2)
    for name, age in (("a.log", 30), ("b.log", 10), ("c.log", 20)):
        add(tmp_path / name, name)
        os.utime(tmp_path / name, (1_000_000 - age,) * 2)
    following = begin(tmp_path / "*.log")
    assert sorted(following.look()) == ["b.log", "c.log"]
    assert "3 files match; the 2 newest are followed" in following.notes


def test_one_file_that_is_far_behind_holds_no_other_up(
    begin: Begin, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, amount in (("CHUNK", 64), ("LOOK_BYTES", 64), ("FILE_BYTES", 64)):
        monkeypatch.setattr(file_reader if name == "CHUNK" else follow, name, amount)
    other = tmp_path / "other.log"
    add(log, "one")
    add(other, "one")
    following = begin(log, other)
    following.look()
    add(log, *(f"line {number}" for number in range(1_000)))
    add(other, "two")
    origins = {block.origin for _ in range(2) for block in following.follower.look().blocks}
    assert origins == {str(log), str(other)}


def test_a_file_that_may_be_read_again_is_read_on(
    begin: Begin, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(log, "one")
    with monkeypatch.context() as closed:

        def refuse(path: str) -> int:
            raise PermissionError(13, "Permission denied", path)

        closed.setattr("backends.logs.opened.open_file", refuse)
        following = begin(log)
        assert following.look() == []
        assert list(following.follower.refused) == [str(log)]
    monkeypatch.setattr(finding, "GLOB_EVERY", -1.0)
    assert following.look() == ["one"]
    assert following.follower.refused == {}


def test_filled_again_with_the_same_beginning_to_the_same_size_it_is_read_anew(begin: Begin, log: Path) -> None:
    head = "# date, level, what happened; one line each, in the order in which it came"
    add(log, head, "one", "two")
    following = begin(log)
    following.look()
    os.truncate(log, 0)
    add(log, head, "uno", "dos")
    assert following.look() == [head, "uno", "dos"]
