"""Log files: many names and globs, followed through every way in which logs are rotated."""

from __future__ import annotations

import asyncio
import glob
import os
import stat
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import Logs
from backends.api.logs import Beside, LogBatch, LogRecord, Sieve
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.logs.paths import Patterns, readable, refusal
from backends.logs.serial_calls import Lane

if TYPE_CHECKING:
    from backends.logs.followed_files import FollowedFiles
    from backends.logs.formats import Formats

DEFAULTS = ("/var/log/syslog", "/var/log/messages", "/var/log/*.log")
"""Where Debian's, Red Hat's and most others' syslog writes."""


class FilesSettings(Settings, frozen=True):
    """`paths`: files and globs; `~` is a home directory, `**` any depth. A FIFO is followed where it is named
    without a wildcard."""

    paths: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Files(Backend, Logs):
    """Files on this host. Each origin is a path; a generation that lost its name keeps its path's origin."""

    kind: ClassVar[str] = "files"
    Settings: ClassVar[type[Settings]] = FilesSettings
    example: ClassVar[str] = """\
[context.lab.files.app]
paths = ["/var/log/*.log"]
"""

    @cached_property
    def _files(self) -> FollowedFiles:
        # Here: the first frame does not wait for what reads its lines.
        from backends.logs.followed_files import FollowedFiles

        return FollowedFiles()

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        try:
            return await asyncio.wait_for(Lane("files-discover").run(_discover), timeout)
        except TimeoutError:
            return (Found(", ".join(DEFAULTS), None, f"no answer from the file system within {timeout:g} s"),)

    def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        return self._files.follow(self.settings.paths, None if last is None else last.cursor)

    def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if beside is not None:
            return self._files.beside(beside, sieve, since, self.parse)
        return self._files.history(self.settings.paths, sieve, since, self.parse)

    @cached_property
    def _formats(self) -> Formats:
        # Imported with the first line that is looked at: a start has a dozen sources, and no line yet.
        from backends.logs.formats import Formats

        return Formats(self.source)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    async def check(self) -> tuple[Check, ...]:
        try:
            return await asyncio.wait_for(self._files.run(self._check), self.timeout)
        except TimeoutError:
            where = ", ".join(self.settings.paths)
            return (Check(where, False, f"no answer from the file system within {self.timeout:g} s"),)

    def _check(self) -> tuple[Check, ...]:
        patterns = Patterns(self.settings.paths)
        return tuple(_check_pattern(pattern) for pattern in patterns.all)


def _check_pattern(pattern: str) -> Check:
    started = time.monotonic()
    paths = glob.glob(pattern, recursive=True) if glob.has_magic(pattern) else [pattern]
    count = size = 0
    closed: list[str] = []
    for path in paths:
        try:
            info = os.stat(path)
        except PermissionError:
            count += 1
            closed.append(path)
            continue
        except OSError:
            continue
        if stat.S_ISDIR(info.st_mode):
            continue
        count, size = count + 1, size + info.st_size
        if not readable(path):
            closed.append(path)
    spent = (time.monotonic() - started) * 1000
    if closed:
        reason, hint = refusal(closed[0])
        return Check(pattern, False, f"{len(closed)} of {count} unreadable; {closed[0]}: {reason}", spent, hint)
    if not count:
        hint = "it is read as soon as it is there"
        if not glob.has_magic(pattern) and os.path.isdir(pattern):
            return Check(pattern, False, "is a directory", spent, f"name its files: {pattern.rstrip('/')}/*")
        return Check(pattern, False, "no such file" if pattern in paths else "no file matches", spent, hint)
    return Check(pattern, True, f"{count} file{'s' if count > 1 else ''}, {size:,} bytes, readable", spent)


def _discover() -> tuple[Found, ...]:
    found = sorted({path for item in DEFAULTS for path in glob.glob(item) if os.path.isfile(path)})
    tried = ", ".join(DEFAULTS)
    if any(map(readable, found)):
        paths = tuple(item for item in DEFAULTS if any(map(readable, glob.glob(item))))
        return (Found(tried, FilesSettings(paths=paths)),)
    if not found:
        return (Found(tried, None, "no such files"),)
    reason, hint = refusal(found[0])
    return (Found(tried, None, f"{found[0]}: {reason}; {hint}"),)
