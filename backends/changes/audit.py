"""The audit: every attempt to change something, a line before it is made and one after it has ended.

JSON lines in a folder of this account (0700, files 0600), written under one lock and made to last before anything
is done. A file that grows too large is followed by the next one, and nothing is ever removed. `audit_chain` says
how they lie on disk, `audit_verify` finds damage and edits.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends.api.actions import Target
from backends.changes.audit_chain import AuditFiles, Last, Note, Unreadable, hash_of, sealed
from backends.state import own_folder

FILE_MOST = 1 << 20
"""Bytes after which the next file is begun."""
FIELD_MOST = 2000
"""Characters of one field: a line must be found whole at the end of a file."""
RESERVE = 64 << 10
"""Bytes kept aside, so that a full disk leaves room for the lines about what is done to free it."""
SYSLOG = ("/dev/log", "/run/systemd/journal/syslog")
"""Where syslog(3) would send a line: authpriv.notice, where no line can be written."""
PATIENCE = 2.0
"""Seconds that the lock may be held by somebody else; a line takes some milliseconds."""
UNTOLD = "how far it went can't be told: its note `head`"
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW


class AuditFailed(Exception):
    """A line could be written nowhere; why, in words. It is held in memory until it can."""


class AuditEntry(Struct, frozen=True):
    """One line. `outcome` is `asked` before the act, then `done`, `failed`, `unknown`, or `refused`."""

    time: datetime
    user: str
    origin: str
    context: str
    mode: str
    reason: str
    verb: str
    title: str
    target: Target
    call: str
    outcome: str
    text: str

    def fields(self) -> dict[str, Any]:
        """What is written, in the contract's words first; of a text that is too long its beginning."""
        told = {
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "user": self.user,
            "origin": self.origin,
            "context": self.context,
            "mode": self.mode,
            "reason": self.reason,
            "verb": self.verb,
            "target": self.target.shown,
            "outcome": self.outcome,
            "title": self.title,
            "source": self.target.source,
            "identity": self.target.identity,
            "host": self.target.host,
            "call": self.call,
            "text": self.text,
        }
        return {name: text if len(text) <= FIELD_MOST else f"{text[:FIELD_MOST]}…" for name, text in told.items()}


class Snapshot(Struct, frozen=True):
    """The note, and each file's number and size. Without a note `unreadable` says why, unless there is none."""

    note: Note | None
    unreadable: str
    files: tuple[tuple[int, int], ...]


class Audit(AuditFiles):
    """The audit of this account. Its methods block; one object may be used from several threads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._held: list[dict[str, Any]] = []
        self._thread = threading.Lock()

    @property
    def held(self) -> tuple[str, ...]:
        """The lines that could not be written into the file yet, as JSON."""
        return tuple(json.dumps(fields, ensure_ascii=True) for fields in tuple(self._held))

    def append(self, entry: AuditEntry) -> None:
        """Write one line, and before it those that are held. Raises `AuditFailed` where neither the file nor the
        system's log takes it, nor somebody else makes room for it within `PATIENCE`; it is held then."""
        fields = entry.fields()
        self._held.append(fields)
        try:
            self._write_held()
        except OSError as error:
            if not _to_syslog(fields):
                raise AuditFailed(f"{self._said(error)}, and no system log takes it") from error

    def flush(self) -> None:
        """Write the lines that are held. Raises `AuditFailed` where that can't be done yet."""
        try:
            self._write_held()
        except OSError as error:
            raise AuditFailed(self._said(error)) from error

    def snapshot(self) -> Snapshot:
        """What there is between two lines. Raises OSError: also where another midwatch holds the lock."""
        with self._locked_to_read():
            try:
                note, unreadable = self.note(), ""
            except Unreadable as error:
                note, unreadable = None, str(error)
            sizes = tuple((number, self.path(number).stat().st_size) for number in self.files())
        return Snapshot(note, unreadable, sizes)

    def _said(self, error: OSError) -> str:
        return f"{error.filename or self.folder}: {error.strerror}"

    def _write_held(self) -> None:
        # A thread that hangs in a write, on a disk that went away, keeps this for as long as that takes.
        if not self._thread.acquire(timeout=PATIENCE):
            raise OSError(errno.EBUSY, f"the line before has been on its way for {PATIENCE:g} s")
        try:
            with self._locked():
                while self._held:
                    try:
                        self._write(self._held[0])
                    except OSError as error:
                        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._spend_reserve():
                            raise
                        self._write(self._held[0])
                    del self._held[0]
                self._keep_reserve()
        finally:
            self._thread.release()

    def _write(self, fields: dict[str, Any]) -> None:
        last = self.last()
        missing = self._missing(last)
        if missing is not None:
            last = self._put(_found(fields, missing), last)
        self._put(fields, last)

    def _missing(self, last: Last) -> dict[str, Any] | None:
        """What to write down where the note tells of what the chain does not have: the next note would hide it.
        None where they agree."""
        try:
            note = self.note()
        except Unreadable as error:
            return {"text": f"{UNTOLD} {error}", "expected": None}
        if note is None:
            if self.files():
                return {"text": f"{UNTOLD} is gone", "expected": None}
            # Before the first line: lines without a note are never what a crash has left.
            self._put_note(Note())
            return None
        if self.agrees(note, last):
            return None
        text = (
            f"it did not end where its note `head` says: {note.number} lines expected, the last with the hash "
            f"{note.hash}; there were {last.number}, the last with {last.hash}"
        )
        return {"text": text, "expected": {"n": note.number, "hash": note.hash}}

    def _put(self, fields: dict[str, Any], last: Last) -> Last:
        number = last.number + 1
        told: dict[str, Any] = {"n": number, **fields, "prev": last.hash}
        if last.torn:
            told["torn"] = hashlib.sha256(last.torn).hexdigest()
        line = sealed(json.dumps(told, ensure_ascii=True).encode()[:-1])
        data = b"\n" * bool(last.torn) + line + b"\n"
        file = last.file + (last.size > FILE_MOST and not last.torn)
        handle = os.open(self.path(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, 0o600)
        try:
            size = os.fstat(handle).st_size
            try:
                if os.write(handle, data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            except OSError:
                # Half a line was never an entry: nobody has acted on it.
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if not size:
            self._keep_names()
        note = Note(number, hash_of(line))
        with contextlib.suppress(OSError):
            self._put_note(note)
        return Last(number, note.hash, file, size + len(data))

    def _put_note(self, note: Note) -> None:
        head = self.folder / "head"
        new = not os.path.lexists(head)
        path = self.folder / "head.part" if new else head
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | _SAFE, 0o600)
        try:
            data = note.written()
            os.pwrite(handle, data, 0)
            os.ftruncate(handle, len(data))
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            path.rename(head)
            self._keep_names()

    def _keep_names(self) -> None:
        """That a file is there must outlast a crash too; some file systems can't promise it for a folder."""
        with contextlib.suppress(OSError):
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        own_folder(self.folder.parent)
        own_folder(self.folder)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
        try:
            _lock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _locked_to_read(self) -> Iterator[None]:
        try:
            handle = os.open(self.folder / "lock", os.O_RDONLY | _SAFE)
        except FileNotFoundError:
            # Nobody has written here yet, or it is a copy.
            yield
            return
        try:
            _lock(handle, fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def _spend_reserve(self) -> bool:
        reserve = self.folder / "reserve"
        if not reserve.exists():
            return False
        reserve.unlink()
        return True

    def _keep_reserve(self) -> None:
        reserve = self.folder / "reserve"
        if reserve.exists():
            return
        try:
            handle = os.open(reserve, os.O_WRONLY | os.O_CREAT | _SAFE, 0o600)
            with open(handle, "wb") as file:
                file.write(bytes(RESERVE))
        except OSError:
            reserve.unlink(missing_ok=True)


def _lock(handle: int, how: int) -> None:
    """Raises OSError where somebody has it for too long: one who was stopped, or whose disk hangs."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.EBUSY, f"another midwatch has held its lock for {PATIENCE:g} s") from None
            time.sleep(0.01)


def _found(fields: dict[str, Any], missing: dict[str, Any]) -> dict[str, Any]:
    """A line of its own kind, by whoever was about to write `fields`: it stays, and is found ever after."""
    who = {name: fields[name] for name in ("time", "user", "origin", "context", "mode")}
    what = {"reason": "", "verb": "audit", "target": "audit", "outcome": "unknown", "title": "the audit"}
    return {**who, **what, "source": "", "identity": "", "host": fields["host"], "call": "", **missing}


def _to_syslog(fields: dict[str, Any]) -> bool:
    """Whether the system's log took the line (RFC 3164: facility authpriv, severity notice)."""
    line = f"<85>midwatch[{os.getpid()}]: {json.dumps(fields, ensure_ascii=True)}".encode()
    for path in SYSLOG:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)
            sender.connect(path)
            sender.send(line)
            return True
    return False
