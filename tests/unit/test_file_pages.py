"""A part of one file: from a place on in one direction, whatever became of the file meanwhile."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.errors import NotFound, Unsupported
from backends.api.logs import Beside, LogBlock, Sieve
from backends.logs import file_pages as module
from backends.logs.file_pages import FilePages
from backends.logs.formats import Formats
from tests.clock import START


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, records of a few hundred bytes."""
    for name, size in (("file_pages", 64), ("file_reader", 64), ("since", 256)):
        monkeypatch.setattr(f"backends.logs.{name}.CHUNK", size)
    for name in ("file_pages", "file_reader"):
        monkeypatch.setattr(f"backends.logs.{name}.RECORD", 512)
    monkeypatch.setattr(module, "BATCH", 64)
    monkeypatch.setattr(module, "STRIDE", 1_000)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    return path


def read(
    place: Beside, sieve: Sieve | None = None, *, ended: bool = False
) -> tuple[list[LogBlock], tuple[str, ...]]:
    """All blocks in the order of the file, and what was said."""
    part = FilePages(place, ended=ended)
    try:
        part.open()
        found: list[LogBlock] = []
        while (blocks := part.read(sieve)) is not None:
            found[0 if place.back else len(found) : 0 if place.back else len(found)] = blocks
        return found, part.notes()
    finally:
        part.close()


@pytest.mark.parametrize("back", [False, True])
def test_it_says_how_many_bytes_it_has_looked_at_and_how_many_are_left(log: Path, back: bool) -> None:
    part = FilePages(Beside(str(log), None, back))
    part.open()
    looked = told = 0
    while part.read(lambda data, stop: False) is not None:
        looked, told = looked + part.passed, told + 1
        assert looked + part.left == log.stat().st_size
    part.close()
    assert told > 5
    assert part.left < 1_000


def lines(blocks: list[LogBlock]) -> list[bytes]:
    return [line for block in blocks for line in block.lines()]


@pytest.mark.parametrize("back", [False, True])
def test_a_whole_file_in_either_direction(log: Path, back: bool) -> None:
    blocks, notes = read(Beside(str(log), None, back))
    assert lines(blocks) == log.read_bytes().splitlines()
    assert len(blocks) > 50
    assert not notes


def test_what_is_before_and_after_a_block_is_all_the_rest(log: Path) -> None:
    blocks, _ = read(Beside(str(log)))
    for known in (blocks[0], blocks[30], blocks[-1]):
        before, _ = read(Beside(str(log), known, back=True))
        after, _ = read(Beside(str(log), known))
        assert lines([*before, known, *after]) == log.read_bytes().splitlines()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600).map(lambda data: data.replace(b"x", b"\n")), st.booleans())
def test_any_bytes_are_the_same_both_ways(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, end: bool
) -> None:
    path = tmp_path_factory.mktemp("part") / "app.log"
    path.write_bytes(data + b"\n" * end)
    there, _ = read(Beside(str(path)), ended=True)
    back, _ = read(Beside(str(path), None, back=True), ended=True)
    for blocks in (there, back):
        assert all(block.count == len(block.lines()) for block in blocks)
        assert all(path.read_bytes()[block.first or 0 :].startswith(block.data) for block in blocks)
    if not any(len(line) > 400 for line in path.read_bytes().split(b"\n")):
        assert lines(there) == lines(back)


def test_a_record_longer_than_any_comes_in_pieces_that_fit_together(log: Path) -> None:
    log.write_bytes(b"first\n" + b"a" * 3_000 + b"\nlast\n")
    for back in (False, True):
        blocks, notes = read(Beside(str(log), None, back))
        assert b"".join(lines(blocks)) == b"first" + b"a" * 3_000 + b"last"
        assert any("shown in pieces" in note for note in notes)
        middle = blocks[len(blocks) // 2]
        rest = [*read(Beside(str(log), middle, back=True))[0], middle, *read(Beside(str(log), middle))[0]]
        assert b"".join(lines(rest)) == b"first" + b"a" * 3_000 + b"last"


def test_the_sieve_leaves_out_and_gives_a_sign_of_life(log: Path) -> None:
    for back in (False, True):
        found, _ = read(Beside(str(log), None, back), lambda data, stop: b"line 500\n" in data[:stop])
        assert b"line 500" in lines(found)
        assert len(found) == 1
        part = FilePages(Beside(str(log), None, back))
        part.open()
        assert part.read(lambda data, stop: False) == []
        part.close()


def test_a_file_is_known_by_what_it_holds(log: Path) -> None:
    blocks, _ = read(Beside(str(log)))
    known = blocks[30]
    os.rename(log, f"{log}.1")
    log.write_bytes(b"another file\n" * 1000)
    before, notes = read(Beside(str(log), known, back=True))
    assert lines(before) == lines(blocks[:30])
    assert {block.origin for block in before} == {str(log)}
    assert any("was rotated: these are of app.log.1" in note for note in notes)
    os.unlink(f"{log}.1")
    with pytest.raises(NotFound, match="rotated away"):
        read(Beside(str(log), known, back=True))


def dated(number: int) -> bytes:
    return (START + timedelta(seconds=number)).isoformat().encode() + b" line %d" % number


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=300).map(sorted),
    st.integers(-10, 5_010),
    st.integers(0, 3),
)
def test_a_time_is_found_in_a_file(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], wanted: int, between: int
) -> None:
    path = tmp_path_factory.mktemp("part") / "app.log"
    path.write_bytes(b"".join(dated(number) + b"\n" + b"  at\n" * between for number in times))
    part = FilePages(Beside(str(path)), START + timedelta(seconds=wanted), Formats("x").parse)
    part.open()
    rest = []
    while (blocks := part.read()) is not None:
        rest += lines(blocks)
    part.close()
    every = path.read_bytes().splitlines()
    assert rest == every[len(every) - len(rest) :]
    assert {dated(number) for number in times if number >= wanted} <= set(rest)
    older = {dated(number) for number in times if number < wanted}
    assert sum(len(line) for line in rest if line in older) <= 2 * 256


def test_where_no_line_has_a_time_it_is_the_beginning(log: Path) -> None:
    part = FilePages(Beside(str(log)), START, Formats("x").parse)
    part.open()
    found = part.read()
    part.close()
    assert found is not None
    assert lines(found)[0] == b"line 0"


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(Beside(str(tmp_path / "none.log")))
    known = LogBlock(str(tmp_path / "none.log"), b"x", 1, 7)
    with pytest.raises(NotFound):
        read(Beside(known.origin, known))


def test_a_fifo_keeps_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Unsupported, match="nothing older"):
        read(Beside(str(tmp_path / "fifo")))


def test_files_that_are_truncated_meanwhile_say_so(log: Path) -> None:
    for back in (False, True):
        log.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
        part = FilePages(Beside(str(log), None, back))
        part.open()
        assert part.read()
        log.write_bytes(b"")
        while part.read() is not None:
            pass
        assert any("was truncated" in note for note in part.notes())
        part.close()


@pytest.mark.parametrize("back", [False, True])
def test_one_that_is_truncated_and_has_grown_again_says_so(log: Path, back: bool) -> None:
    part = FilePages(Beside(str(log), None, back))
    part.open()
    found = part.read() or []
    log.write_bytes(b"another line\n" * 10_000)
    while (blocks := part.read()) is not None:
        found += blocks
    part.close()
    assert b"another line" not in lines(found)
    assert part.notes() == (f"{log}: was truncated (copytruncate) while it was read",)


def generations(log: Path, form: str) -> tuple[list[LogBlock], list[bytes]]:
    """The blocks of a file that is called `app.log.1` after them, and its lines; another one has its name, of the
    same form to the byte."""
    log.write_bytes(form.replace("?", "old").encode())
    blocks, _ = read(Beside(str(log)))
    every = log.read_bytes().splitlines()
    os.rename(log, f"{log}.1")
    log.write_bytes(form.replace("?", "new").encode())
    return blocks, every


BANNER = "=" * 70 + "\nstarting up\n" + "? line\n" * 100
SHORT = "".join(f"? {number:59}\n{{0}}\n" for number in range(20))


@pytest.mark.parametrize(("form", "at"), [(BANNER, 0), (SHORT.format(""), 9), (SHORT.format("}"), 9)])
def test_generations_that_look_alike_are_told_apart(log: Path, form: str, at: int) -> None:
    blocks, every = generations(log, form)
    known = blocks[at]
    assert at == 0 or known.data in (b"", b"}")
    for back in (False, True):
        _, notes = read(Beside(str(log), known, back))
        assert any("was rotated: these are of app.log.1" in note for note in notes)
    before, after = (read(Beside(str(log), known, back))[0] for back in (True, False))
    assert lines([*before, known, *after]) == every


def test_blocks_that_were_read_backwards_are_known_again_too(log: Path) -> None:
    log.write_bytes(SHORT.format("").replace("?", "old").encode())
    blocks, _ = read(Beside(str(log), None, back=True))
    os.rename(log, f"{log}.1")
    log.write_bytes(SHORT.format("").replace("?", "new").encode())
    at = next(number for number, block in enumerate(blocks) if block.data == b"" and number > 3)
    after, notes = read(Beside(str(log), blocks[at]))
    assert lines([*blocks[: at + 1], *after]) == lines(blocks)
    assert any("was rotated" in note for note in notes)


@pytest.mark.parametrize("back", [False, True])
def test_a_record_is_given_out_when_its_end_is_there(log: Path, back: bool) -> None:
    with log.open("ab") as file:
        file.write(b"half")
    found, _ = read(Beside(str(log), None, back))
    assert lines(found)[-1] == b"line 999"
    with log.open("ab") as file:
        file.write(b" and half\n")
    assert lines(read(Beside(str(log), found[-1]))[0]) == [b"half and half"]


@pytest.mark.parametrize("back", [False, True])
def test_the_last_record_of_a_file_that_has_ended_needs_no_end(log: Path, back: bool) -> None:
    with log.open("ab") as file:
        file.write(b"last")
    found, _ = read(Beside(str(log), None, back), ended=True)
    assert lines(found) == log.read_bytes().splitlines()
    if not back:
        os.rename(log, f"{log}.1")
        log.write_bytes(b"another file\n" * 1000)
        assert lines(read(Beside(str(log), found[30]))[0])[-1] == b"last"


@pytest.mark.parametrize("what", ["fingerprint_at", "same_file", "records_before", "offset_of"])
def test_a_file_that_fails_while_it_is_opened_is_closed(
    log: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError("input/output error")

    known = read(Beside(str(log)))[0][30] if what == "same_file" else None
    since = START if what == "offset_of" else None
    part = FilePages(Beside(str(log), known, back=True), since, Formats("x").parse)
    monkeypatch.setattr(module, what, fail)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="input/output error"):
        part.open()
    part.close()
    assert os.listdir("/proc/self/fd") == before
