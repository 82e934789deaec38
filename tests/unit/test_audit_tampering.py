"""What is done to the audit behind midwatch's back: found, and found ever after, or named as not to be found."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.changes import audit as module
from backends.changes.audit import Audit, AuditFailed
from backends.changes.audit_chain import Note, sealed
from backends.changes.audit_verify import BLIND, verify
from tests.unit.test_audit import entry

FIRST, HEAD = "audit-000001.jsonl", "head"
Files = dict[str, bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def rotating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_MOST", 1500)


def write(folder: Path, *texts: str) -> None:
    for text in texts:
        Audit(folder).append(entry(text))


def read(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[:4] in ("audi", HEAD)}


def put(folder: Path, files: Files) -> None:
    for name in set(read(folder)) - set(files):
        (folder / name).unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def cut(folder: Path, lines: int) -> None:
    """Take so many lines off the end of the first file."""
    path = folder / FIRST
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-lines]))


def forged(line: bytes) -> bytes:
    """The line, of somebody else, with the hash that it must have then."""
    told = json.loads(line)
    del told["hash"]
    return sealed(json.dumps({**told, "user": "evil"}).encode()[:-1])


def forge_last(folder: Path) -> bytes:
    path = folder / FIRST
    *before, last = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*before, forged(last), b""]))
    return forged(last)


def found(folder: Path) -> str:
    return "\n".join(verify(folder)[1])


def test_lines_cut_off_the_end_are_found_ever_after(folder: Path, rotating: None) -> None:
    write(folder, "one", "two", "three")
    expected = json.loads((folder / HEAD).read_bytes())
    cut(folder, 2)
    assert "2 lines are missing at the end: it once had 3" in found(folder)
    write(folder, "four")
    [_, told, last] = Audit(folder).entries()
    assert told["expected"] == expected
    assert (told["verb"], told["outcome"], told["user"]) == ("audit", "unknown", "ops1")
    assert (last["text"], last["n"]) == ("four", 3)
    says = f"did not end where its note `head` says: 3 lines expected, the last with the hash {expected['hash']}"
    assert says in found(folder)
    write(folder, *"567890")
    assert len(Audit(folder).files()) > 2
    assert found(folder).count(says) == 1
    assert len(verify(folder)[1]) == 1


def test_a_last_line_that_was_changed_with_its_hash_is_found_ever_after(folder: Path) -> None:
    write(folder, "one", "two")
    forge_last(folder)
    assert "line 2 is not the one that its note `head` tells of" in found(folder)
    write(folder, "three")
    assert "did not end where its note `head` says: 2 lines expected" in found(folder)


@pytest.mark.parametrize("lines", [1, 2])
def test_lines_without_a_note_are_found_ever_after(folder: Path, lines: int) -> None:
    write(folder, *"abc"[: lines + 1])
    cut(folder, 1)
    (folder / HEAD).unlink()
    assert "its note `head`, of how far it goes, is gone" in found(folder)
    write(folder, "next")
    assert "how far it went can't be told: its note `head` is gone" in found(folder)


def test_a_note_that_says_nothing_is_found_ever_after_and_may_be_a_crash(folder: Path) -> None:
    write(folder, "one")
    (folder / HEAD).write_text("{}")
    assert "may be a crash" in found(folder)
    write(folder, "two")
    assert "its note `head` can't be read" in found(folder)


def test_a_folder_in_the_place_of_the_note_stops_nothing(folder: Path) -> None:
    write(folder, "one")
    (folder / HEAD).unlink()
    (folder / HEAD).mkdir()
    write(folder, "two")
    assert [line["text"] for line in Audit(folder).entries()][-1] == "two"
    assert "Is a directory" in found(folder)


@pytest.mark.parametrize("gone", ["first", "middle", "last", "all"])
def test_files_that_are_gone_are_found_ever_after(folder: Path, gone: str, rotating: None) -> None:
    write(folder, *"abcdefghi")
    paths = [Audit(folder).path(number) for number in Audit(folder).files()]
    for path in {"first": paths[:1], "middle": paths[1:2], "last": paths[-1:], "all": paths}[gone]:
        path.unlink()
    assert verify(folder)[1]
    write(folder, *"jklmnopqrstu")
    assert verify(folder)[1]


def test_half_a_line_is_told_once_at_the_very_end_and_ever_after_before_it(folder: Path, rotating: None) -> None:
    write(folder, *"abcdef")
    files = read(folder)
    newest = max(name for name in files if name != HEAD)
    for name in (newest, FIRST):
        put(folder, {**files, name: files[name] + b'{"n": 7'})
        assert f"{name}: ends in the middle of a line" in found(folder)
        assert ("a crash may have cut it off" in found(folder)) is (name == newest)
        write(folder, "next")
        assert (found(folder) == "") is (name == newest)


def test_an_edit_that_changes_only_how_a_line_is_written_is_found(folder: Path) -> None:
    write(folder, "one")
    data = (folder / FIRST).read_bytes()
    for before, after in (
        (b'", "', b'","'),
        (b"ops1", b"\\u006fps1"),
        (b'{"n"', b'{"user": "evil", "n"'),
        (b"}\n", b"}\n\n"),
    ):
        (folder / FIRST).write_bytes(data.replace(before, after, 1))
        assert verify(folder)[1], after


def test_more_lines_than_the_note_tells_of_are_told(folder: Path) -> None:
    write(folder, "one")
    note = (folder / HEAD).read_bytes()
    write(folder, "two", "three")
    (folder / HEAD).write_bytes(note)
    assert "2 lines more than its note `head` tells of" in found(folder)


def test_what_is_said_not_to_be_found_is_not_found(folder: Path) -> None:
    """If one of these comes to be found, the text must say so no more."""
    write(folder, "one", "two", "three")
    old = read(folder)
    hashes = [json.loads(line)["hash"] for line in old[FIRST].splitlines()]
    cut(folder, 1)
    (folder / HEAD).write_bytes(Note(2, hashes[1]).written())
    assert verify(folder) == (2, [])
    (folder / HEAD).write_bytes(Note(2, json.loads(forge_last(folder))["hash"]).written())
    assert verify(folder) == (2, [])
    write(folder, "more")
    put(folder, old)
    assert verify(folder) == (3, [])
    (folder / HEAD).write_bytes(Note(2, hashes[1]).written())  # As a crash leaves it.
    cut(folder, 1)
    assert verify(folder) == (2, [])
    shutil.rmtree(folder)
    assert verify(folder) == (0, [])
    for words in ("lines cut off", "the last one changed", "an older copy", "no note yet", "everything removed"):
        assert words in " ".join(BLIND.split())


class Crash(BaseException):
    """The end of a process between two calls of the kernel."""


CALLS = ("open", "write", "pwrite", "ftruncate", "fsync", "rename", "mkdir")


@contextlib.contextmanager
def crash_at(call: int) -> Iterator[None]:
    """The call of this number is not made; of a write, a half."""
    made = 0

    def patched(patch: pytest.MonkeyPatch, name: str) -> None:
        true: Callable[..., Any] = getattr(os, name)

        def one(*args: Any, **more: Any) -> Any:
            nonlocal made
            made += 1
            if made == call + 1:
                if name == "write":
                    true(args[0], args[1][: len(args[1]) // 2])
                raise Crash
            return true(*args, **more)

        patch.setattr(os, name, one)

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patched(patch, name)
        yield


@pytest.mark.parametrize("before", [0, 1, 3, 4])
def test_a_crash_at_any_point_is_no_damage(tmp_path: Path, before: int, rotating: None) -> None:
    for call in range(100):
        folder = tmp_path / str(call) / "audit"
        write(folder, *"abcdef"[:before])
        try:
            with crash_at(call):
                write(folder, "crashed")
        except Crash:
            assert all("a crash may" in text for text in verify(folder)[1]), call
            write(folder, "after")
            assert found(folder) == "", call
            texts = [line["text"] for line in Audit(folder).entries()]
            assert (texts[:before], texts[-1]) == ([*"abcdef"[:before]], "after")
            continue
        assert call > 10
        return
    pytest.fail("an append of a hundred calls")


def test_lines_that_are_written_meanwhile_are_no_damage(folder: Path) -> None:
    write(folder, "first")
    looked, ended = threading.Semaphore(0), threading.Event()

    def go_on() -> None:
        try:
            for number in range(60):
                assert looked.acquire(timeout=10)
                write(folder, str(number))
        finally:
            ended.set()

    writer = threading.Thread(target=go_on)
    writer.start()
    while not ended.is_set():
        assert verify(folder)[1] == []
        looked.release()
    writer.join()
    assert verify(folder) == (61, [])


def test_verify_waits_for_a_line_that_is_being_written_but_not_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    write(folder, "one")
    with (folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another midwatch has held its lock"):
            verify(folder)
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert verify(folder) == (1, [])


def test_a_write_that_hangs_holds_up_no_other_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    book = Audit(folder)
    book.append(entry("one"))
    hanging, disk_is_back = threading.Event(), threading.Event()
    fsync = os.fsync

    def hang(handle: int) -> None:
        hanging.set()
        disk_is_back.wait(10)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", hang)
    writer = threading.Thread(target=book.append, args=(entry("two"),))
    writer.start()
    assert hanging.wait(10)
    with pytest.raises(AuditFailed, match="has been on its way for"):
        book.append(entry("three"))
    with pytest.raises(AuditFailed, match="another midwatch has held its lock"):
        Audit(folder).append(entry("of another midwatch"))
    assert [json.loads(text)["text"] for text in book.held] == ["two", "three"]
    disk_is_back.set()
    writer.join()
    assert [line["text"] for line in Audit(folder).entries()] == ["one", "two", "three"]
    assert verify(folder) == (3, [])
