"""Following by somebody who is late: generations that were not read yet are kept until they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.logs import follow, generations
from backends.logs.file_reader import FileReader
from backends.logs.rotation import scan
from tests.unit.following import Following, add


@contextmanager
def following(*patterns: Path) -> Iterator[Following]:
    it = Following(*patterns)
    try:
        yield it
    finally:
        it.follower.close()


class Writer:
    """Writes numbered lines of 100 bytes, and rotates."""

    def __init__(self, log: Path) -> None:
        self.log, self.count, self.generations = log, 0, 0

    def write(self, size: int) -> None:
        numbers = range(self.count, self.count + size // 100)
        with self.log.open("ab") as file:
            file.write(b"".join(b"line %08d %s\n" % (number, b"x" * 85) for number in numbers))
        self.count += len(numbers)

    def rotate(self) -> Path:
        self.generations += 1
        return self.log.rename(self.log.with_name(f"{self.log.name}.{self.generations}"))


def numbers(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("line ")]


@pytest.fixture(autouse=True)
def small_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look reads about as much of a generation of this module as it does of one of 9 MB."""
    monkeypatch.setattr(follow, "FILE_BYTES", 400_000)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    add(tmp_path / "app.log", "begin")
    return Writer(tmp_path / "app.log")


def test_two_large_generations_between_two_late_looks(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        for _ in range(2):
            writer.write(900_000)
            writer.rotate()
        writer.write(1_000)
        for _ in range(20):
            it.now += 70
            it.look(most=1)
        assert numbers(it.lines) == list(range(writer.count))
        assert it.notes == []


def test_more_large_generations_than_are_held_when_they_are_quiet(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        for _ in range(12):
            writer.write(900_000)
            writer.rotate()
        writer.write(1_000)
        for _ in range(60):
            it.now += 0.6
            it.look(most=1)
        assert numbers(it.lines) == list(range(writer.count))
        assert it.notes == []


def test_one_that_is_still_written_to_is_held_however_many_come_after_it(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        old = writer.rotate()
        for number in range(2 * follow.HELD):
            writer.write(100)
            add(old, f"late {number}")
            it.look()
            # One more than are held; after the last of them nothing leads back to one that was let go of.
            if number < follow.HELD:
                writer.rotate()
        late = [line for line in it.lines if line.startswith("late")]
        assert late == [f"late {number}" for number in range(2 * follow.HELD)]


def test_generations_beyond_what_may_be_open_are_lost_and_counted(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "open_files_most", lambda: 6)
    with following(writer.log) as it:
        it.look()
        for generation in range(1, 13):
            writer.write(1_000 * generation)
            writer.rotate()
            os.utime(writer.log.with_name(f"app.log.{generation}"), (generation, generation))
        writer.write(1_000)
        it.look()
        (note,) = it.notes
        lost = sum(1_000 * generation for generation in range(2, 8))
        assert f"6 of its renamed files were not read, {lost:,} bytes are lost" in note
        assert numbers(it.lines) == [*range(10), *range(10 + lost // 100, writer.count)]
        writer.write(1_000)
        writer.rotate()
        it.now += 2 * follow.RENAMED_KEPT
        it.look()
        assert numbers(it.lines) == [*range(10), *range(10 + lost // 100, writer.count)]
        assert len(it.notes) == 1


def test_a_deleted_generation_is_read_to_its_end_however_late(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        writer.write(900_000)
        writer.rotate().unlink()
        writer.write(1_000)
        for _ in range(5):
            it.now += 70
            it.look(most=1)
        assert numbers(it.lines) == list(range(writer.count))


def test_a_renamed_file_is_let_go_of_once_it_was_read_and_quiet(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        before = len(os.listdir("/proc/self/fd"))
        writer.write(900_000)
        old = writer.rotate()
        writer.write(1_000)
        it.look()
        it.now += follow.RENAMED_KEPT / 2
        add(old, "late")
        assert it.look() == ["late"]
        it.now += follow.RENAMED_KEPT / 2 + 1
        it.look()
        assert len(os.listdir("/proc/self/fd")) == before + 1
        it.now += follow.RENAMED_KEPT / 2
        it.look()
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_renamed_file_is_held_as_long_as_no_other_has_its_name(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        old = writer.rotate()
        for number in range(3):
            it.look()
            it.now += follow.RENAMED_KEPT + 1
            it.look()
            add(old, f"late {number}")
            assert it.look() == [f"late {number}"]


def test_a_writer_that_comes_back_in_the_last_moment_is_read_on(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(writer.log) as it:
        it.look()
        old = writer.rotate()
        writer.write(1_000)
        it.look()
        read = FileReader.read

        def late(self: FileReader, *args: object) -> object:
            if self.finished and not old.stat().st_size > 1_000:
                with old.open("ab") as file:
                    file.write(b"".join(b"late %08d\n" % number for number in range(100_000)))
            return read(self, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(FileReader, "read", late)
        it.now += follow.RENAMED_KEPT + 1
        it.look()
        assert [line for line in it.lines if line.startswith("late")] == [f"late {n:08d}" for n in range(100_000)]


def test_one_that_is_begun_anew_in_the_last_moment_is_read_on(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(writer.log) as it:
        it.look()
        writer.write(1_000)
        it.look()
        old = writer.rotate()
        writer.write(1_000)
        it.look()
        read = FileReader.read

        def late(self: FileReader, *args: object) -> object:
            if self.finished and old.stat().st_size > 100:
                old.write_text("anew\n")
            return read(self, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(FileReader, "read", late)
        it.now += follow.RENAMED_KEPT + 1
        it.look()
        it.look()
        assert it.lines[-1] == "anew"


def test_one_that_has_its_name_back_with_other_lines_is_read_from_its_first_byte(writer: Writer) -> None:
    with following(writer.log) as it:
        it.look()
        writer.write(1_000)
        it.look()
        old = writer.rotate()
        writer.write(1_000)
        it.look()
        it.now += follow.RENAMED_KEPT + 1
        it.look()
        old.write_text("".join(f"other {number:020}\n" for number in range(100)))
        old.rename(writer.log)
        assert it.look() == [f"other {number:020}" for number in range(100)]
        assert it.notes == [], "it was not truncated, nothing is lost"


def test_names_that_move_while_they_are_read_are_read_again(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(writer.log) as it:
        it.look()
        writer.write(1_000)
        writer.rotate()
        writer.write(1_000)
        moved = False

        def moving(*args: Any) -> Any:
            nonlocal moved
            found = scan(*args)
            if not moved:
                moved = True
                writer.rotate()
                writer.write(1_000)
            return found

        monkeypatch.setattr(generations, "scan", moving)
        assert numbers(it.look()) == list(range(writer.count))
