"""A real journal for tests, written by systemd-journal-remote from whatever the test says."""

from __future__ import annotations

import atexit
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.getting import program
from tui.demo.getting import find, libraries, with_libraries
from tui.demo.servers.journald import JOURNAL_REMOTE

BOOT = "ab" * 16
APPENDS = Path("/etc/machine-id").exists()
"""Without it, as in a container, systemd-journal-remote 252 opens no file that is there already."""


@cache
def journalctl() -> str:
    """The journalctl that is installed, else the unpacked one with its libraries around it."""
    program(JOURNAL_REMOTE)
    found = find("journalctl")
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="mw-journalctl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return with_libraries(found, folder / "journalctl")


class Journal:
    """The folder of a journal and its open file `a.journal`; a context that ends the writer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._remote = program(JOURNAL_REMOTE)
        self._writer: subprocess.Popen[bytes] | None = None
        self._count = 0

    @property
    def path(self) -> Path:
        return self.folder / "a.journal"

    @property
    def pattern(self) -> str:
        return str(self.folder / "*.journal")

    def __enter__(self) -> Self:
        self.write([])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()

    def write(self, messages: Iterable[str | bytes], **fields: str) -> None:
        """Append entries; one is in the file soon, of many the last ones only after `settle`: the writer keeps
        what came together with others until more comes."""
        writer = self._writer
        if writer is None:
            if self.path.exists() and not APPENDS:
                self.path.rename(self.folder / f"a@{self._count}.journal")
            environment = {**os.environ, **libraries(self._remote)}
            argv = [self._remote, "-o", str(self.path), "-"]
            quiet = subprocess.DEVNULL
            writer = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=quiet, env=environment)
            self._writer = writer
            deadline = time.monotonic() + 20
            while not self.path.exists() or not self.path.stat().st_size:
                assert time.monotonic() < deadline
                assert writer.poll() is None
                time.sleep(0.005)
        assert writer.stdin is not None
        for message in messages:
            writer.stdin.write(self._entry(message, fields))
        writer.stdin.flush()

    def raw(self, data: bytes) -> None:
        """Bytes in the export format, as they are."""
        self.write([])
        assert self._writer is not None
        assert self._writer.stdin is not None
        self._writer.stdin.write(data)
        self._writer.stdin.flush()

    def settle(self) -> None:
        """Close the file: all that was written is in it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            assert writer.stdin is not None
            writer.stdin.close()
            assert writer.wait(30) == 0

    def rotate(self, name: str) -> None:
        """Give the file another name; what comes next goes into a new one."""
        self.settle()
        self.path.rename(self.folder / name)

    def _entry(self, message: str | bytes, fields: dict[str, str]) -> bytes:
        self._count += 1
        data = message.encode() if isinstance(message, str) else message
        now = time.time_ns() // 1000
        named = {
            "__REALTIME_TIMESTAMP": str(now),
            "__MONOTONIC_TIMESTAMP": str(time.monotonic_ns() // 1000),
            "_BOOT_ID": BOOT,
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "web",
            "_PID": "42",
            "_HOSTNAME": "h1",
            "_SYSTEMD_UNIT": "web.service",
            **fields,
        }
        head = "".join(f"{name}={value}\n" for name, value in named.items() if value).encode()
        return head + b"MESSAGE\n" + struct.pack("<Q", len(data)) + data + b"\n\n"
