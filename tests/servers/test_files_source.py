"""Files as a backend: feed, history, doctor, discovery, and what it costs."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.api.errors import Denied, NotFound
from backends.api.feed import Feed
from backends.api.logs import LogBatch, LogSpan
from backends.api.pace import Pace
from backends.api.readings import Seen, State
from backends.api.registry import load
from backends.api.tail import Tail
from backends.logs import files as module
from backends.logs.files import Files, FilesSettings
from backends.logs.read_once import read_stream
from backends.logs.splitter import CHUNK
from tests.servers.files_followed import source
from tests.servers.log_writer import FAST, writer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A directory in which this test is nobody in particular, also when root runs it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        root = os.geteuid() == 0
        if root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


async def first(files: Files, last: LogBatch | None = None) -> Seen[LogBatch]:
    async with asyncio.timeout(10), aclosing(files.logs(last)) as seens:
        return await anext(seens)


async def history(files: Files) -> tuple[list[bytes], list[LogBatch]]:
    batches = [batch async for batch in files.history()]
    return [line for batch in batches for block in batch.blocks for line in block.lines()], batches


def lines_of(seen: Seen[LogBatch]) -> list[bytes]:
    return [line for block in seen.value.blocks for line in block.lines()]


def test_the_registry_finds_it() -> None:
    assert load("files") is Files


async def test_the_newest_file_comes_last_and_its_origin_is_its_path(tmp_path: Path) -> None:
    for name, age in (("b.log", 30), ("c.log", 10), ("a.log", 20)):
        (tmp_path / name).write_text(f"{name}\n")
        then = time.time() - age
        os.utime(tmp_path / name, (then, then))
    async with source(tmp_path / "*.log") as files:
        seen = await first(files)
    assert [block.origin for block in seen.value.blocks] == [
        str(tmp_path / name) for name in ("b.log", "a.log", "c.log")
    ]
    assert seen.changed is None
    assert seen.value.files == 3


async def test_no_news_is_told_each_second(log: Path) -> None:
    log.write_text("one\n")
    async with asyncio.timeout(10), source(log) as files, aclosing(files.logs(None)) as seens:
        begin = await anext(seens)
        told = time.monotonic()
        empty = [await anext(seens) for _ in range(2)]
        spent = time.monotonic() - told
    assert all(seen.changed == frozenset() and not seen.value.blocks for seen in empty)
    assert all(seen.value.cursor == begin.value.cursor for seen in empty) or empty[0].value.cursor is not None
    assert 1.0 < spent < 4.0


async def test_nothing_there_yet_is_live_and_empty(tmp_path: Path) -> None:
    async with source(tmp_path / "*.log", tmp_path / "later") as files:
        seen = await first(files)
    assert seen.value.blocks == ()
    assert seen.value.files == 0
    notes = " ".join(seen.value.notes)
    assert "later: not there, waiting for it" in notes


async def test_a_feed_with_its_tail(log: Path) -> None:
    log.write_text("one\n")
    tail = Tail()
    async with source(log) as files:
        feed: Feed[LogBatch, LogSpan] = Feed("app", files.logs, pace=Pace(quiet=5), fold=tail.take)
        came = asyncio.Event()
        leave = feed.watch(lambda new, before: came.set() if new.value and new.value.end >= 3 else None)
        try:
            with log.open("a") as file:
                file.write("two\nthree\n")
            await asyncio.wait_for(came.wait(), 10)
            assert feed.reading.state is State.LIVE
            assert feed.reading.value == LogSpan(0, 3, 0, 1)
            assert [line.raw for line in tail.lines(0, 3)] == [b"one", b"two", b"three"]
        finally:
            leave()
            await feed.close()


async def test_history_is_everything_and_leads_on_into_logs(log: Path, tmp_path: Path) -> None:
    (tmp_path / "app.log.1").write_text("old\n")
    os.utime(tmp_path / "app.log.1", (1, 1))
    log.write_bytes(b"one\n\ncaf\xe9\r\nlast")
    async with source(tmp_path / "app.log*") as files:
        lines, batches = await history(files)
        assert lines == [b"old", b"one", b"", b"caf\xe9\r", b"last"]
        with log.open("ab") as file:
            file.write(b"\ntwo\n")
        seen = await first(files, batches[-1])
        assert lines_of(seen) == [b"two"]
        log.rename(tmp_path / "app.log.2")
        log.write_text("three\n")
        assert lines_of(await first(files, seen.value)) == [b"three"]


async def test_history_of_a_large_file_comes_in_bounded_batches(log: Path) -> None:
    with writer(FAST, log, 200_000, 0, "up") as process:
        await asyncio.to_thread(process.wait)
    async with source(log) as files:
        lines, batches = await history(files)
    assert len(lines) == 200_000
    assert lines[0].startswith(b"line 00000000")
    assert max(sum(len(block.data) for block in batch.blocks) for batch in batches) <= (1 << 20) + CHUNK
    offsets = [block.first for batch in batches for block in batch.blocks]
    assert offsets == sorted(offset for offset in offsets if offset is not None)


async def test_history_says_what_is_not_there(tmp_path: Path) -> None:
    async with source(tmp_path / "no.log") as files:
        lines, batches = await history(files)
    assert lines == []
    assert batches[-1].notes == (f"{tmp_path / 'no.log'}: no such file",)
    assert batches[-1].troubles == (NotFound("no such file", where=str(tmp_path / "no.log")),)


async def test_a_huge_file_opens_at_its_tail_at_once(log: Path) -> None:
    with log.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(10_000)))
    best = 1.0
    for _ in range(3):
        async with source(log) as files:
            started = time.perf_counter()
            seen = await first(files)
            best = min(best, time.perf_counter() - started)
    assert lines_of(seen) == [b"line %d" % number for number in range(8_000, 10_000)]
    assert best < 0.05


async def test_one_file_that_may_not_be_read_costs_only_itself(guarded: Path) -> None:
    (guarded / "open.log").write_text("one\n")
    (guarded / "closed.log").write_text("secret\n")
    (guarded / "closed.log").chmod(0)
    async with source(guarded / "*.log") as files:
        seen = await first(files)
        assert lines_of(seen) == [b"one"]
        assert any("closed.log: permission denied" in note for note in seen.value.notes)
        lines, batches = await history(files)
        assert lines == [b"one"]
        (trouble,) = [trouble for batch in batches for trouble in batch.troubles]
        assert isinstance(trouble, Denied)
        assert "closed.log: permission denied" in str(trouble)
        assert str(trouble) in [note for batch in batches for note in batch.notes]
        (check,) = await files.check()
        assert not check.ok
        assert "closed.log" in check.text
        assert check.hint


async def test_none_may_be_read(guarded: Path) -> None:
    (guarded / "closed.log").write_text("secret\n")
    (guarded / "closed.log").chmod(0)
    async with source(guarded / "closed.log") as files:
        with pytest.raises(Denied, match="permission denied") as caught:
            await first(files)
        assert caught.value.where.endswith("closed.log")
        assert caught.value.hint
        with pytest.raises(Denied):
            await history(files)
        (guarded / "closed.log").chmod(0o600)
        assert lines_of(await first(files)) == [b"secret"]


async def test_doctor_tells_each_path(log: Path, tmp_path: Path) -> None:
    log.write_text("12345\n")
    async with source(log, tmp_path / "*.txt", tmp_path / "no.log", tmp_path) as files:
        one, none, missing, folder = await files.check()
    assert one.ok
    assert "1 file, 6 bytes" in one.text
    assert (none.ok, none.text) == (False, "no file matches")
    assert (missing.ok, missing.text) == (False, "no such file")
    assert "is a directory" in folder.text


async def test_doctor_tells_a_folder_that_may_not_be_entered_from_a_file_that_is_not_there(guarded: Path) -> None:
    closed = guarded / "closed"
    closed.mkdir()
    (closed / "app.log").write_text("secret\n")
    closed.chmod(0)
    try:
        async with source(closed / "app.log") as files:
            (check,) = await files.check()
    finally:
        closed.chmod(0o700)
    assert not check.ok
    assert check.text.startswith(f"1 of 1 unreadable; {closed}/app.log: ")


async def test_discovery_names_what_may_be_read(guarded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULTS", (f"{guarded}/syslog", f"{guarded}/*.log"))
    (found,) = await Files.discover({}, 5)
    assert (found.settings, found.reason) == (None, "no such files")
    (guarded / "syslog").write_text("x\n")
    (guarded / "syslog").chmod(0)
    (found,) = await Files.discover({}, 5)
    assert found.settings is None
    assert "permission denied" in found.reason
    (guarded / "a.log").write_text("x\n")
    (found,) = await Files.discover({}, 5)
    assert found.settings == FilesSettings(paths=(f"{guarded}/*.log",))


async def test_standard_input_until_its_writer_closes() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(b"one\ntw")
            file.flush()
            file.write(b"o\n" + b"x" * 3_000_000 + b"\nlast")

    threading.Thread(target=write).start()
    try:
        async with asyncio.timeout(10):
            lines = [
                line async for batch in read_stream(reading) for block in batch.blocks for line in block.lines()
            ]
    finally:
        os.close(reading)
    assert lines == [b"one", b"two", b"x" * 3_000_000, b"last"]


async def test_a_reader_that_leaves_early_leaves_no_mess() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"one\n")
        async with asyncio.timeout(10), aclosing(read_stream(reading)) as batches:
            batch = await anext(batches)
        assert batch.blocks[0].data == b"one"
    finally:
        os.close(writing)
        os.close(reading)


async def test_two_hundred_files_cost_little(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:03}.log").write_text(f"line {number}\n")
    async with asyncio.timeout(20), source(tmp_path / "*.log") as files, aclosing(files.logs(None)) as seens:
        assert len(lines_of(await anext(seens))) == 200
        cpu, started = time.process_time(), time.monotonic()
        for _ in range(3):
            await anext(seens)
        share = (time.process_time() - cpu) / (time.monotonic() - started)
    assert share < 0.15
