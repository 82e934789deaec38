"""Following files: one look at a time, with the changes of the file system made in between."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.logs import file_reader, follow
from backends.logs import record_limits as reading
from tests.unit.following import Begin, add, begin, log

__all__ = ["begin", "log"]


def rotate_and_add(path: Path, name: Path, line: str) -> None:
    path.rename(name)
    add(path, line)


def test_lines_as_they_come_and_the_last_one_only_when_it_is_whole(begin: Begin, log: Path) -> None:
    add(log, "one", "two")
    following = begin(log)
    assert following.look() == ["one", "two"]
    assert following.look() == []
    add(log, "thr", end="")
    assert following.look() == []
    add(log, "ee", "four")
    assert following.look() == ["three", "four"]
    assert following.notes == []


def test_a_line_keeps_its_bytes(begin: Begin, log: Path) -> None:
    log.write_bytes(b"caf\xe9\nnul\0\0nul\n\ncr\r\n\xff\xfe\n")
    following = begin(log)
    following.look()
    assert following.raws == [b"caf\xe9", b"nul\0\0nul", b"", b"cr\r", b"\xff\xfe"]


def test_it_begins_at_the_tail(begin: Begin, log: Path) -> None:
    add(log, *(f"line {number:08d} with some text after it" for number in range(100_000)))
    following = begin(log)
    lines = following.look()
    assert len(lines) == file_reader.TAIL_LINES
    assert lines[0].startswith("line 00098000")
    assert lines[-1].startswith("line 00099999")


def test_a_file_that_ends_in_one_huge_line_is_begun_with_it(begin: Begin, log: Path) -> None:
    log.write_bytes(b"y" * 2_000_000 + b"\n" + b"x" * 1_000_000 + b"\n")
    following = begin(log)
    assert following.look() == ["x" * 1_000_000]


def test_a_line_of_five_megabytes_comes_whole_and_stalls_nobody(begin: Begin, log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    add(log, "one")
    add(other, "one")
    following = begin(log, other)
    following.look()
    add(log, "x" * 2_500_000, end="")
    add(other, "two")
    assert following.look() == ["two"]
    add(log, "x" * 2_500_000, "after")
    assert following.look() == ["x" * 5_000_000, "after"]


def test_a_line_beyond_all_measure_comes_in_pieces_and_is_told(begin: Begin, log: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    log.write_bytes(b"one\n" + b"x" * (reading.RECORD + 10) + b"\nafter\n")
    assert [len(line) for line in following.look()] == [reading.RECORD, 10, 5]
    assert "longer than 8 MiB" in following.notes[0]


def test_renamed_and_made_anew(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    add(log, "two")
    log.rename(tmp_path / "app.log.1")
    add(log, "three")
    assert following.look() == ["two", "three"]
    assert set(following.origins) == {"app.log"}


def test_late_lines_of_a_renamed_file(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    old = log.rename(tmp_path / "app.log.1")
    assert following.look() == []
    add(old, "late, before the new one")
    assert following.look() == ["late, before the new one"]
    add(log, "new")
    assert following.look() == ["new"]
    add(old, "late, after it")
    assert following.look() == ["late, after it"]


@pytest.mark.parametrize("upwards", [True, False], ids=["counting up", "as logrotate counts"])
@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
def test_many_renames_between_two_looks(
    begin: Begin, log: Path, tmp_path: Path, upwards: bool, glob: str
) -> None:
    add(log, "line 0")
    add(tmp_path / "app.log.0", "an old one")
    following = begin(tmp_path / glob)
    following.look()
    following.lines.clear()
    for number in range(1, 20):
        if upwards:
            log.rename(tmp_path / f"app.log.{number}")
        else:
            for old in range(number, 0, -1):
                if (tmp_path / f"app.log.{old}").exists():
                    (tmp_path / f"app.log.{old}").rename(tmp_path / f"app.log.{old + 1}")
            log.rename(tmp_path / "app.log.1")
        add(log, f"line {number}", f"line {number}b")
    following.look()
    assert following.lines == [f"line {number}{half}" for number in range(1, 20) for half in ("", "b")]
    assert following.look() == []


def test_generations_with_the_date_before_the_ending(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    add(tmp_path / "app-7.log", "another instance, nothing of ours")
    following = begin(log)
    following.look()
    add(tmp_path / "app-7.log", "still not ours")
    log.rename(tmp_path / "app.2026-11-23.log")
    add(log, "two")
    log.rename(tmp_path / "app.2026-11-24.log")
    add(log, "three")
    assert following.look() == ["two", "three"]


def test_older_rotations_that_were_there_before_are_not_read(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(tmp_path / "app.log.1", "old")
    add(log, "one")
    following = begin(log)
    assert following.look() == ["one"]
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
    log.rename(tmp_path / "app.log.1")
    add(log, "two")
    assert following.look() == ["two"]


def test_a_compressed_generation_is_no_generation(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    following = begin(tmp_path / "app.log*")
    following.look()
    log.rename(tmp_path / "app.log.1")
    add(tmp_path / "app.log.2.gz", "packed")
    add(log, "two")
    following.look()
    assert following.look_again() == []
    assert following.lines == ["one", "two"]
    assert any("app.log.2.gz: compressed" in note for note in following.notes)


def test_deleted_and_made_anew(begin: Begin, log: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    with log.open("ab") as writer:
        log.unlink()
        writer.write(b"two\n")
        writer.flush()
        assert following.look() == ["two"]
        writer.write(b"three\n")
    assert following.look() == ["three"]
    add(log, "four")
    assert following.look() == ["four"]


def test_deleted_and_made_anew_between_two_looks_in_the_same_inode_or_not(begin: Begin, log: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    for number in range(20):
        log.unlink()
        add(log, f"new {number}")
        assert following.look() == [f"new {number}"]


def test_the_last_line_of_a_finished_file_counts_without_its_lf(
    begin: Begin, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    add(log, "torn", end="")
    log.rename(tmp_path / "app.log.1")
    add(log, "new")
    assert following.look() == ["new"]
    monkeypatch.setattr(follow, "RENAMED_KEPT", -1.0)
    assert following.look() == ["torn"]
    assert following.look() == []


def test_a_path_that_comes_later_is_read_from_its_first_byte(begin: Begin, log: Path, tmp_path: Path) -> None:
    following = begin(log, tmp_path / "*.txt")
    assert following.look() == []
    assert following.last is not None
    assert following.last.files == 0
    assert any("waiting for it" in note for note in following.notes)
    add(log, *(f"line {number}" for number in range(5_000)))
    assert len(following.look()) == 5_000
    add(tmp_path / "a.txt", "a")
    assert following.look() == ["a"]
    assert following.last.files == 2


def test_one_named_like_a_rotation_of_another_that_never_was_is_read(begin: Begin, log: Path) -> None:
    other = log.with_name("app.log.1")
    following = begin(log, other)
    assert following.look() == []
    add(other, "one")
    assert following.look() == ["one"]


def test_no_file_matches(begin: Begin, tmp_path: Path) -> None:
    following = begin(tmp_path / "*.log")
    assert following.look() == []
    assert any("no file matches" in note and "*.log" in note for note in following.notes)


def test_a_file_that_is_deleted_and_written_to_is_read_and_told(begin: Begin, log: Path) -> None:
    with log.open("a") as writer:
        following = begin(log.with_name("*.log"))
        writer.write("a\n")
        writer.flush()
        assert following.look() == ["a"]
        writer.write("b\n")
        writer.flush()
        log.unlink()
        # Whether this one was written before or after is not known.
        assert following.look_again() == ["b"]
        assert (following.notes, following.missing) == ([], "")
        writer.write("c\n")
        writer.flush()
        following.now += follow.GONE
        assert following.look_again() == ["c"]
        gone = f"no file matches {log.parent}/*.log"
        assert following.notes == [f"{log}: is deleted, and still written to", f"{gone}: waiting for one"]
        assert following.missing == gone
        writer.write("d\n")
        writer.flush()
        assert following.look() == ["d"]
        assert len(following.notes) == 2
    add(log, "e")
    assert following.look_again() == ["e"]
    assert following.missing == ""


def test_each_time_that_the_last_file_goes_is_told(begin: Begin, log: Path) -> None:
    add(log, "a")
    following = begin(log)
    following.look()
    for times in (1, 2):
        log.unlink()
        following.look()
        following.now += follow.GONE
        following.look()
        following.look()
        assert following.notes == [f"no file matches {log}: waiting for one"] * times
        add(log, "b")
        following.look()


def test_a_rotation_that_takes_a_moment_is_no_trouble(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "a")
    following = begin(log)
    following.look()
    log.rename(tmp_path / "app.log.1")
    add(tmp_path / "app.log.1", "b")
    assert following.look() == ["b"]
    assert (following.notes, following.missing) == ([], "")
    following.now += follow.GONE
    following.look()
    assert following.missing == f"no file matches {log}"
    add(log, "c")
    assert following.look() == ["c"]
    assert following.missing == ""


def test_a_path_that_came_and_was_renamed_before_it_was_seen(begin: Begin, log: Path, tmp_path: Path) -> None:
    following = begin(log)
    following.look()
    add(log, "one")
    log.rename(tmp_path / "app.log.1")
    assert following.look() == ["one"]
    add(log, "two")
    assert following.look() == ["two"]


def test_files_in_any_depth(begin: Begin, tmp_path: Path) -> None:
    following = begin(tmp_path / "**" / "*.log")
    following.look()
    (tmp_path / "a" / "b").mkdir(parents=True)
    add(tmp_path / "a" / "b" / "x.log", "deep")
    assert following.look_again() == ["deep"]


def test_truncated_and_its_copy_tells_the_rest(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one", "two")
    following = begin(tmp_path / "app.log*")
    following.look()
    add(log, "three")
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    add(log, "four")
    assert following.look() == ["three", "four"]
    assert any("copytruncate" in note and "may be lost" in note for note in following.notes)
    assert following.look() == []


def test_a_copy_under_the_glob_is_not_read_while_it_is_made(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, *(f"line {number} with enough text to be known again by it" for number in range(50)))
    following = begin(tmp_path / "app.log*")
    following.look()
    whole, copy = log.read_bytes(), tmp_path / "app.log.1"
    for part in (b"", whole[:10], whole[:500], whole):
        copy.write_bytes(part)
        assert following.look_again() == []
    os.truncate(log, 0)
    add(log, "new")
    assert following.look() == ["new"]
    copy.rename(tmp_path / "app.log.2")
    assert following.look_again() == []


def test_a_record_that_the_copy_tore_is_given_out_as_it_stands(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    add(log, "torn", end="")
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    add(log, "four")
    assert following.look() == ["torn", "four"]
    assert following.look() == []


@pytest.mark.parametrize("refilled", ["x", "xxxxxxxx", "x" * 200])
def test_truncated_and_filled_again_to_any_size(begin: Begin, log: Path, refilled: str) -> None:
    add(log, "line one", "line two")
    following = begin(log)
    following.look()
    os.truncate(log, 0)
    add(log, refilled, "and more")
    assert following.look() == [refilled, "and more"]
    assert sum("truncated" in note for note in following.notes) == 1


def test_the_hole_that_a_writer_without_append_leaves_is_passed_over(begin: Begin, log: Path) -> None:
    with log.open("wb") as writer:
        writer.write(b"one\n" * 3_000)
        writer.flush()
        following = begin(log)
        following.look()
        os.truncate(log, 0)
        writer.write(b"two\n")
        writer.flush()
        assert following.look() == ["two"]
        writer.write(b"three\n")
    assert following.look() == ["three"]


def test_one_file_under_several_names_is_read_once(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    (tmp_path / "link.log").symlink_to(log)
    os.link(log, tmp_path / "hard.log")
    following = begin(tmp_path / "*.log")
    assert following.look() == ["one"]
    add(log, "two")
    assert following.look() == ["two"]


def test_a_symbolic_link_that_leads_elsewhere(begin: Begin, tmp_path: Path) -> None:
    add(tmp_path / "first", "one")
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "first")
    following = begin(link)
    following.look()
    add(tmp_path / "first", "two")
    add(tmp_path / "second", "three")
    link.unlink()
    link.symlink_to(tmp_path / "second")
    assert following.look() == ["two", "three"]


def test_a_name_that_looks_like_a_glob(begin: Begin, tmp_path: Path) -> None:
    add(tmp_path / "app[1].log", "one")
    assert begin(tmp_path / "app[1].log").look() == ["one"]


def test_directories_are_left_out_and_told_where_they_were_named(begin: Begin, log: Path, tmp_path: Path) -> None:
    (tmp_path / "dir.log").mkdir()
    add(log, "one")
    following = begin(tmp_path / "*.log", tmp_path / "dir.log")
    assert following.look() == ["one"]
    assert any("dir.log: is a directory" in note for note in following.notes)


def test_a_fifo_is_read_without_waiting(begin: Begin, log: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    add(log, "one")
    following = begin(tmp_path / "pipe", log)
    assert following.look() == ["one"]
    with (tmp_path / "pipe").open("wb") as writer:
        writer.write(b"a\nb\nc")
        writer.flush()
        assert following.look() == ["a", "b"]
    assert following.look() == ["c"]
    with (tmp_path / "pipe").open("wb") as writer:
        writer.write(b"again\n")
    assert following.look() == ["again"]


@pytest.mark.parametrize("moment", range(6))
def test_gone_on_from_a_cursor_in_the_midst_of_a_rotation(
    begin: Begin, log: Path, tmp_path: Path, moment: int
) -> None:
    """After each of these steps, the follower is replaced by another one that has the cursor only."""
    add(tmp_path / "app.log.1", "old")
    add(log, "0")
    steps: list[Callable[[], object]] = [
        lambda: add(log, "1"),
        lambda: (tmp_path / "app.log.1").rename(tmp_path / "app.log.2"),
        lambda: log.rename(tmp_path / "app.log.1"),
        lambda: add(tmp_path / "app.log.1", "2"),
        lambda: add(log, "3"),
        lambda: rotate_and_add(log, tmp_path / "app.log.0", "4"),
    ]
    following = begin(log)
    lines = following.look()
    for number, step in enumerate(steps):
        if number == moment:
            cursor = following.cursor
            following.follower.close()
            step()
            following = begin(log, cursor=cursor)
        else:
            step()
        lines += following.look()
    assert lines == ["0", "1", "2", "3", "4"]
    assert not any("lost" in note for note in following.notes)


def test_several_rotations_while_nobody_looked(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(tmp_path / "app.log.1", "old")
    add(log, "0")
    following = begin(tmp_path / "app.log*")
    following.look()
    cursor = following.cursor
    following.follower.close()
    for number in range(1, 5):
        for old in range(number, 0, -1):
            (tmp_path / f"app.log.{old}").rename(tmp_path / f"app.log.{old + 1}")
        log.rename(tmp_path / "app.log.1")
        add(log, f"{number}")
    following = begin(tmp_path / "app.log*", cursor=cursor)
    assert following.look() == ["1", "2", "3", "4"]


def test_truncated_while_nobody_looked(begin: Begin, log: Path) -> None:
    add(log, "one", "two")
    following = begin(log)
    following.look()
    cursor = following.cursor
    following.follower.close()
    os.truncate(log, 0)
    add(log, "3")
    following = begin(log, cursor=cursor)
    assert following.look() == ["3"]
    assert any("truncated" in note for note in following.notes)


def test_removed_while_nobody_looked_is_told(begin: Begin, log: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    cursor = following.cursor
    following.follower.close()
    kept = log.open("rb")  # so that its inode is not given to the next file
    log.unlink()
    add(log, "two")
    following = begin(log, cursor=cursor)
    assert following.look() == ["two"]
    assert any("gone" in note and "lost" in note for note in following.notes)
    kept.close()


def test_a_cursor_does_not_change_once_it_was_given(begin: Begin, log: Path, tmp_path: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    cursor = following.cursor
    before = (dict(cursor.streams), dict(cursor.positions))
    add(log, "two")
    log.rename(tmp_path / "app.log.1")
    add(log, "three")
    following.look()
    assert (dict(cursor.streams), dict(cursor.positions)) == before
    assert following.cursor != cursor


def test_an_idle_look_gives_the_same_cursor(begin: Begin, log: Path) -> None:
    add(log, "one")
    following = begin(log)
    following.look()
    following.look()
    cursor = following.cursor
    following.look()
    assert following.cursor.positions == cursor.positions


def test_no_file_stays_open(begin: Begin, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    add(log, "0")
    following = begin(log)
    following.look()
    for number in range(60):
        log.rename(tmp_path / f"app.log.{number}")
        add(log, f"{number}")
    following.look()
    monkeypatch.setattr(follow, "RENAMED_KEPT", -1.0)
    following.look()
    assert count() == before + 1
    following.follower.close()
    assert count() == before
