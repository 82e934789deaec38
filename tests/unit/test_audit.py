"""The audit: a line for each attempt, in a chain, whatever the disk does."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from backends.api.actions import Target
from backends.changes import audit as module
from backends.changes.audit import Audit, AuditEntry, AuditFailed
from backends.changes.audit_verify import verify
from tests.clock import START

ROOT = Path(__file__).parents[2]
TARGET = Target("local/host", "processes", "h/7/1/b", "nginx 7", "h/7/1/b", "h")


def entry(text: str = "asked", **more: Any) -> AuditEntry:
    facts = {
        "time": START,
        "user": "ops1",
        "origin": "ssh from 10.0.0.5",
        "context": "prod",
        "mode": "armed",
        "reason": "ticket 7",
        "verb": "signal",
        "title": "SIGTERM",
        "target": TARGET,
        "call": "kill -TERM 7",
        "outcome": "asked",
        "text": text,
    }
    return AuditEntry(**{**facts, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def lines(folder: Path) -> list[dict[str, Any]]:
    return list(Audit(folder).entries())


def test_a_line_says_who_did_what_and_is_for_its_owner_alone(folder: Path) -> None:
    Audit(folder).append(entry())
    [line] = lines(folder)
    assert (line["user"], line["target"], line["outcome"], line["reason"]) == (
        "ops1",
        "nginx 7",
        "asked",
        "ticket 7",
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert verify(folder) == (1, [])


def _many(folder: Path, name: str) -> None:
    book = Audit(folder)
    for number in range(50):
        book.append(entry(f"{name} {number}"))


def test_several_processes_write_one_chain(folder: Path) -> None:
    writers = [
        multiprocessing.get_context("spawn").Process(target=_many, args=(folder, str(n))) for n in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify(folder) == (150, [])
    assert len({line["text"] for line in lines(folder)}) == 150


def test_a_file_that_is_full_is_followed_by_the_next_and_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_MOST", 2000)
    for number in range(20):
        Audit(folder).append(entry(str(number)))
    assert len(Audit(folder).files()) > 2
    assert [line["text"] for line in lines(folder)] == [str(number) for number in range(20)]
    assert verify(folder) == (20, [])


def edit(folder: Path, change: Any) -> list[str]:
    path = folder / "audit-000001.jsonl"
    path.write_bytes(change(path.read_bytes()))
    return verify(folder)[1]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data: data.replace(b"ops1", b"ops2", 1), "edited"),
        (lambda data: b"".join(data.splitlines(keepends=True)[1:]), "does not follow"),
        (lambda data: b"".join(data.splitlines(keepends=True)[::-1]), "does not follow"),
        (lambda data: b"".join(data.splitlines(keepends=True)[:-1]), "missing at the end"),
        (lambda data: data.replace(b"{", b"x", 1), "not a line"),
        (lambda data: data + b'{"n": ', "middle of a line"),
    ],
)
def test_damage_and_edits_are_found(folder: Path, change: Any, found: str) -> None:
    for number in range(3):
        Audit(folder).append(entry(str(number)))
    assert any(found in text for text in edit(folder, change))


def test_a_file_that_is_gone_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_MOST", 1)
    for number in range(3):
        Audit(folder).append(entry(str(number)))
    (folder / "audit-000002.jsonl").unlink()
    assert any("files are missing: 2" in text for text in verify(folder)[1])


def test_a_write_that_was_cut_off_is_told_by_the_next_line_and_is_no_damage(folder: Path) -> None:
    Audit(folder).append(entry("one"))
    with (folder / "audit-000001.jsonl").open("ab") as file:
        file.write(b'{"n": 2, "time": "20')
    Audit(folder).append(entry("two"))
    assert [line["text"] for line in lines(folder)] == ["one", "two"]
    assert "torn" in lines(folder)[1]
    assert verify(folder) == (2, [])


class Disk:
    """A disk that has room for so many bytes, the reserve's among them once it is given up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder, self._write = folder, os.write
        self.full = self.has_reserve = False
        monkeypatch.setattr(os, "write", self.write)

    def write(self, handle: int, data: bytes) -> int:
        if self.full and not (self.has_reserve and not (self._folder / "reserve").exists()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(handle, data)


def test_a_line_is_on_disk_before_its_note_is_and_both_before_anything_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Audit(folder).append(entry("before"))
    synced: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    Audit(folder).append(entry("asked"))
    assert synced == ["audit-000001.jsonl", "head"]


def test_a_full_disk_costs_the_reserve_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Audit(folder).append(entry("before"))
    assert (folder / "reserve").stat().st_size == module.RESERVE
    disk = Disk(monkeypatch, folder)
    disk.full = disk.has_reserve = True
    Audit(folder).append(entry("full"))
    assert [line["text"] for line in lines(folder)] == ["before", "full"]


def test_without_reserve_and_system_log_it_fails_and_the_line_is_written_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    book = Audit(folder)
    book.append(entry("before"))
    disk = Disk(monkeypatch, folder)
    disk.full = True
    with pytest.raises(AuditFailed, match="No space left"):
        book.append(entry("held"))
    assert len(book.held) == 1
    disk.full = False
    book.append(entry("after"))
    assert [line["text"] for line in lines(folder)] == ["before", "held", "after"]
    assert verify(folder) == (3, [])


def test_the_system_log_takes_what_the_disk_does_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    path = str(folder.parent / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(path)
        log.settimeout(5)
        monkeypatch.setattr(module, "SYSLOG", (path,))
        disk = Disk(monkeypatch, folder)
        disk.full = True
        book = Audit(folder)
        book.append(entry("hostile \x1b[2J line\nbreak"))
        said = log.recv(65536)
    assert said.startswith(b"<85>midwatch[")
    assert json.loads(said.partition(b": ")[2])["user"] == "ops1"
    assert b"\x1b" not in said
    assert b"\n" not in said
    assert len(book.held) == 1


def test_a_folder_of_somebody_else_is_not_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    folder.mkdir()
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(AuditFailed, match="belongs to somebody else"):
        Audit(folder).append(entry())
    assert not list(folder.iterdir())


def test_a_link_in_the_place_of_the_file_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    folder.mkdir(mode=0o700)
    other = folder.parent / "other"
    other.write_text("")
    (folder / "audit-000001.jsonl").symlink_to(other)
    with pytest.raises(AuditFailed):
        Audit(folder).append(entry())
    assert other.read_text() == ""


def test_a_line_however_long_is_found_again(folder: Path) -> None:
    book = Audit(folder)
    for text in ("\U0001f525" * 100_000, "after"):
        book.append(entry(text, reason=text, call=text))
    first, second = lines(folder)
    assert second["n"] == 2
    assert len(first["text"]) == module.FIELD_MOST + 1
    assert verify(folder) == (2, [])


def test_a_number_that_is_none_is_damage_and_no_crash(folder: Path) -> None:
    Audit(folder).append(entry())
    assert any("edited" in text for text in edit(folder, lambda data: data.replace(b'"n": 1', b'"n": "x"', 1)))


def test_who_holds_the_lock_holds_nobody_up_for_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    book = Audit(folder)
    book.append(entry("one"))
    with (folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AuditFailed, match="another midwatch has held its lock"):
            book.append(entry("two"))
    book.flush()
    assert [line["text"] for line in lines(folder)] == ["one", "two"]
    assert book.held == ()


NOBODY = """
import os, sys
from pathlib import Path
from backends.changes.audit import Audit, AuditFailed
from backends.changes.audit_verify import verify
import backends.changes.audit as module
from tests.unit.test_audit import entry
module.SYSLOG = ()
os.setgroups([])
os.setresuid(65534, 65534, 65534)
folder = Path(sys.argv[1])
def said(what):
    try:
        return f"{what()!r}"
    except (OSError, AuditFailed) as error:
        return f"{type(error).__name__}"
print(said(lambda: os.listdir(folder)))
for name in ("audit-000001.jsonl", "head", "lock", "reserve"):
    print(said(lambda: (folder / name).read_bytes()), said(lambda: (folder / name).open("ab")))
    print(said(lambda: (folder / name).unlink()), said(lambda: os.rename(folder / name, folder / "x")))
print(said(lambda: (folder / "new").write_text("x")), said(lambda: folder.rename(str(folder) + "x")))
print(said(lambda: Audit(folder).append(entry("forged"))))
print(said(lambda: verify(folder)[0]), said(lambda: list(Audit(folder).entries())))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_account_can_neither_read_nor_touch_it(folder: Path) -> None:
    Audit(folder).append(entry("ours"))
    for above in folder.parents[:4]:
        if above.stat().st_uid == 0 and str(above) != "/tmp":
            above.chmod(0o755)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    argv = [sys.executable, "-c", NOBODY, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert len(said) == 22
    assert set(said) == {"PermissionError", "AuditFailed"}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def tiny_disk(at: Path) -> bool:
    at.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "midwatch-test", str(at)]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def fill(path: Path) -> None:
    with path.open("wb", 0) as file:
        while True:
            file.write(bytes(4096))


def append_all(book: Audit, entries: Iterable[AuditEntry]) -> None:
    for one in entries:
        book.append(one)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is small")
def test_on_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSLOG", ())
    disk = tmp_path / "disk"
    if not tiny_disk(disk):
        pytest.skip("this machine mounts nothing")
    try:
        book = Audit(disk / "audit")
        book.append(entry("0"))
        with pytest.raises(OSError, match="No space"):
            fill(disk / "filler")
        # The reserve's room first; then no more, and the line is held.
        with pytest.raises(AuditFailed, match="No space left"):
            append_all(book, (entry(str(number)) for number in range(1, 200)))
        written = len(lines(disk / "audit"))
        assert written > 20
        assert not (disk / "audit" / "reserve").exists()
        assert verify(disk / "audit") == (written, [])
        assert json.loads((disk / "audit" / "head").read_text())["n"] == written
        assert len(book.held) == 1
        (disk / "filler").unlink()
        book.append(entry("last"))
        assert [line["text"] for line in lines(disk / "audit")] == [*map(str, range(written + 1)), "last"]
        assert verify(disk / "audit") == (written + 2, [])
        assert (disk / "audit" / "reserve").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
