"""Files that begin like a followed one: some are its copies, some are files of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backends.logs import copies, file_reader, follow
from tests.unit.following import Following, add

BANNER = "=" * 30 + " starting the very same program " + "=" * 30


@contextmanager
def following(*patterns: Path) -> Iterator[Following]:
    it = Following(*patterns)
    try:
        yield it
    finally:
        it.follower.close()


def look(it: Following, seconds: float = 2.0) -> list[str]:
    """The globs are looked at anew within two seconds."""
    it.now += seconds
    return it.look()


def record(service: str, number: int) -> str:
    return f'{{"service":"{service}","environment":"production","region":"north-1","host":"a","n":{number}}}'


@pytest.mark.parametrize(
    ("first", "second", "glob"),
    [("app.log", "app.log.2026-11-26", "app.log*"), ("worker", "worker-2", "worker*")],
)
def test_json_lines_with_constant_leading_fields(tmp_path: Path, first: str, second: str, glob: str) -> None:
    add(tmp_path / first, *(record("web", number) for number in range(5)))
    with following(tmp_path / glob) as it:
        it.look()
        new = [record("web", number) for number in range(10, 18)]
        add(tmp_path / second, *new[:4])
        got = look(it)
        add(tmp_path / second, *new[4:])
        got += look(it)
        assert got == new
        assert set(it.origins[5:]) == {second}
        assert it.notes == []


def test_the_same_banner_at_the_start(tmp_path: Path) -> None:
    add(tmp_path / "worker", BANNER, "listening on 1", "serving", "more")
    with following(tmp_path / "worker*") as it:
        it.look()
        add(tmp_path / "worker-2", BANNER)
        look(it)
        add(tmp_path / "worker-2", "listening on 2")
        look(it)
        assert it.lines[4:] == [BANNER, "listening on 2"]


def test_a_file_that_holds_less_and_stays_so_is_its_own(tmp_path: Path) -> None:
    add(tmp_path / "worker", BANNER, "listening on 1")
    with following(tmp_path / "worker*") as it:
        it.look()
        add(tmp_path / "worker-2", BANNER)
        assert look(it) == []
        assert look(it, copies.STALLED + 1) == [BANNER]


def test_a_whole_copy_that_truncates_nothing_is_told_and_not_read(tmp_path: Path) -> None:
    add(tmp_path / "app.log", BANNER, "one")
    with following(tmp_path / "app.log*") as it:
        it.look()
        shutil.copyfile(tmp_path / "app.log", tmp_path / "app.log.1")
        assert look(it) == []
        assert look(it, copies.STALLED + 1) == []
        assert [note for note in it.notes if "app.log.1: holds the same" in note] == it.notes
        assert len(it.notes) == 1
        add(tmp_path / "app.log.1", "no copy at all")
        assert look(it) == [BANNER, "one", "no copy at all"]


def test_a_copy_that_grows_is_read_from_there(tmp_path: Path) -> None:
    add(tmp_path / "app.log", BANNER, "one")
    with following(tmp_path / "app.log*") as it:
        it.look()
        shutil.copyfile(tmp_path / "app.log", tmp_path / "app.log.1")
        look(it)
        os.truncate(tmp_path / "app.log", 0)
        add(tmp_path / "app.log", "two")
        assert look(it) == ["two"]
        add(tmp_path / "app.log.1", "three")
        assert look(it) == ["three"]
        for _ in range(3):
            look(it, follow.RENAMED_KEPT + 1)
        add(tmp_path / "app.log.1", "four")
        assert look(it) == ["four"]


def test_a_copy_that_is_filled_anew_is_read_from_its_first_byte(tmp_path: Path) -> None:
    """With less than it held: what was read of it is behind its end."""
    add(tmp_path / "app.log", BANNER, "one")
    with following(tmp_path / "app.log*") as it:
        it.look()
        shutil.copyfile(tmp_path / "app.log", tmp_path / "app.log.1")
        look(it)
        os.truncate(tmp_path / "app.log", 0)
        for _ in range(3):
            assert look(it, follow.RENAMED_KEPT + 1) == []
        (tmp_path / "app.log.1").write_text("mine\n")
        assert look(it) == ["mine"]


def test_what_was_read_between_copy_and_truncation_is_not_read_again(tmp_path: Path) -> None:
    log, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    add(log, *(f"line {number:04}" for number in range(100)))
    with following(tmp_path / "app.log*") as it:
        it.look()
        whole = log.read_bytes()
        add(log, "written after the copy")
        it.look()
        copy.write_bytes(whole)
        os.truncate(log, 0)
        add(log, "new")
        for _ in range(3):
            look(it)
        assert it.lines[100:] == ["written after the copy", "new"]
        look(it, copies.STALLED + 1)
        assert it.lines[102:] == []


def test_a_copy_that_was_seen_before_the_original_grew_and_was_truncated(tmp_path: Path) -> None:
    log, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    add(log, *(f"line {number:04}" for number in range(100)))
    with following(tmp_path / "app.log*") as it:
        it.look()
        shutil.copyfile(log, copy)
        look(it)
        add(log, *("written after the copy" for _ in range(2)))
        look(it)
        os.truncate(log, 0)
        look(it)
        look(it, copies.STALLED + 1)
        assert it.lines[100:] == ["written after the copy"] * 2


def test_an_independent_file_beside_a_truncation(tmp_path: Path) -> None:
    add(tmp_path / "worker", BANNER, "listening on 1", "serving")
    with following(tmp_path / "worker*") as it:
        it.look()
        add(tmp_path / "worker-2", BANNER)
        look(it)
        os.truncate(tmp_path / "worker", 0)
        add(tmp_path / "worker-2", "listening on 2")
        look(it)
        look(it)
        assert it.lines[3:] == [BANNER, "listening on 2"]


def test_a_suspect_that_is_renamed_and_one_that_a_new_follower_finds(tmp_path: Path) -> None:
    add(tmp_path / "app.log", BANNER, "one")
    with following(tmp_path / "app.log*") as it:
        it.look()
        add(tmp_path / "app.log.1", BANNER)
        assert look(it) == []
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        assert look(it) == []
        other = Following(tmp_path / "app.log*", cursor=it.cursor)
        try:
            assert look(other) == []
            add(tmp_path / "app.log.2", "two")
            assert look(it) == [BANNER, "two"]
            assert look(other) == [BANNER, "two"]
        finally:
            other.follower.close()


def test_a_large_file_is_compared_by_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "LOOK_BYTES", copies.PART)
    lines = [f"line {number:08}" for number in range(100_000)]
    add(tmp_path / "app.log", *lines)
    with following(tmp_path / "app.log*") as it:
        it.look()
        add(tmp_path / "app.log.1", *lines[:-1], "another")
        assert look(it)[-1] == "another"
        assert len(it.lines) == file_reader.TAIL_LINES + len(lines)


def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    add(tmp_path / "app.log", BANNER)
    with following(tmp_path / "app.log*") as it:
        it.look()
        add(tmp_path / "app.log.1", BANNER)
        look(it)
        assert len(os.listdir("/proc/self/fd")) == before + 2
    assert len(os.listdir("/proc/self/fd")) == before
