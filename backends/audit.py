"""The audit: every attempt to change something, a line before it is made and one after it has ended.

JSON lines in a folder of this account (0700, files 0600), each with the hash of the line before it, written under
one lock and made to last before anything is done. A file that grows too large is followed by the next one, and
nothing is ever removed. `audit_verify` finds damage and edits.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends.api.actions import Target

MOST = 1 << 20
"""Bytes after which the next file is begun."""
LONGEST = 2000
"""Characters of one field: a line must be found whole at the end of a file."""
RESERVE = 64 << 10
"""Bytes kept aside, so that a full disk leaves room for the lines about what is done to free it."""
SYSLOG = ("/dev/log", "/run/systemd/journal/syslog")
"""Where syslog(3) would send a line: authpriv.notice, where no line can be written."""
PATIENCE = 2.0
"""Seconds that the lock may be held by somebody else; a line takes some milliseconds."""
FILE = re.compile(r"audit-(\d+)\.jsonl")
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW
END = 256 << 10
"""Bytes at the end of a file in which its last line is found: 15 fields, each character as \\uXXXX."""
START = "0" * 64
"""Stands for the hash of the line before the first one."""


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
        return {name: text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for name, text in told.items()}


class Last(Struct, frozen=True):
    """The end of the chain: the number of the last line, its hash, and its file's number and size."""

    number: int = 0
    hash: str = START
    file: int = 1
    size: int = 0
    torn: bytes = b""
    """What a write that was cut off has left after the last whole line."""


class Audit:
    """The audit of this account. Its methods block; one object may be used from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: list[dict[str, Any]] = []
        self._thread = threading.Lock()

    @property
    def held(self) -> tuple[str, ...]:
        """The lines that could not be written into the file yet, as JSON."""
        return tuple(json.dumps(fields, ensure_ascii=True) for fields in self._held)

    def append(self, entry: AuditEntry) -> None:
        """Write one line, and before it those that are held. Raises `AuditFailed` where neither the file nor the
        system's log takes it; it is held then."""
        with self._thread:
            self._held.append(entry.fields())
            try:
                self._write_held()
            except OSError as error:
                if not _to_syslog(self._held[-1]):
                    raise AuditFailed(f"{self.folder}: {error.strerror}, and no system log takes it") from error

    def flush(self) -> None:
        """Write the lines that are held. Raises `AuditFailed` where that can't be done yet."""
        with self._thread:
            try:
                self._write_held()
            except OSError as error:
                raise AuditFailed(f"{self.folder}: {error.strerror}") from error

    def _write_held(self) -> None:
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

    def _write(self, fields: dict[str, Any]) -> None:
        last = self._last()
        entry = _entry(fields, last)
        line = b"\n" * bool(last.torn) + json.dumps(entry, ensure_ascii=True).encode() + b"\n"
        file = last.file + (last.size > MOST and not last.torn)
        handle = os.open(self.path(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, 0o600)
        try:
            size = os.fstat(handle).st_size
            try:
                if os.write(handle, line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            except OSError:
                # Half a line was never an entry: nobody has acted on it.
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        self._note_head(entry)

    def _note_head(self, written: dict[str, Any]) -> None:
        """How far the audit goes, beside it: lines cut off at its end are found so."""
        part = self.folder / "head.part"
        with contextlib.suppress(OSError):
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _SAFE, 0o600)
            with open(handle, "w") as file:
                json.dump({"n": written["n"], "hash": written["hash"]}, file)
            part.rename(self.folder / "head")

    def _last(self) -> Last:
        numbers = self.files()
        if not numbers:
            return Last()
        for number in reversed(numbers):
            with open(self.path(number), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - END))
                whole, _, torn = file.read().rpartition(b"\n")
            for line in reversed(whole.splitlines()):
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    return Last(int(entry["n"]), str(entry["hash"]), numbers[-1], size, torn)
        return Last(file=numbers[-1], size=size, torn=torn)

    def files(self) -> list[int]:
        """The numbers of the files, in order; none where there is no folder yet. Raises OSError where it can't be
        looked into: that is not an empty audit."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(found[1]) for name in names if (found := FILE.fullmatch(name)))

    def path(self, number: int) -> Path:
        """The file of a number."""
        return self.folder / f"audit-{number:06}.jsonl"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        info = os.stat(self.folder)
        if info.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "the folder belongs to somebody else")
        if info.st_mode & 0o077:
            os.chmod(self.folder, 0o700)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
        try:
            _lock(handle)
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

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every line that can be read, in order. Raises OSError where the folder can't be."""
        for number in self.files():
            with open(self.path(number), "rb") as file:
                for line in file:
                    with contextlib.suppress(ValueError):
                        entry = json.loads(line)
                        if isinstance(entry, dict):
                            yield entry


def _lock(handle: int) -> None:
    """Raises OSError where somebody has it for too long: one who was stopped, or whose disk hangs."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.EBUSY, f"another midwatch has held its lock for {PATIENCE:g} s") from None
            time.sleep(0.01)


def _entry(fields: dict[str, Any], last: Last) -> dict[str, Any]:
    entry = {"n": last.number + 1, **fields, "prev": last.hash}
    if last.torn:
        entry["torn"] = hashlib.sha256(last.torn).hexdigest()
    return {**entry, "hash": digest(entry)}


def digest(entry: dict[str, Any]) -> str:
    """The hash of a line: of all that it says but the hash itself."""
    told = {key: value for key, value in entry.items() if key != "hash"}
    return hashlib.sha256(json.dumps(told, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


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
