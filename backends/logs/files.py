"""Log files: many names and globs, followed through every way in which logs are rotated."""

from __future__ import annotations

import asyncio
import glob
import os
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated, Any, ClassVar, cast

import msgspec

from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import Logs
from backends.api.errors import Denied, Unreachable
from backends.api.models import LogBatch, LogBlock, LogRecord, Seen
from backends.api.settings import Settings
from backends.logs.follow import CHUNK, Follower, Look, Mark
from backends.logs.formats import Formats

INTERVAL = 0.25
"""Seconds between two looks."""
PROVE = 1.0
"""Seconds after which a look that found nothing is told as well: the files were there and had no news."""
DEFAULTS = ("/var/log/syslog", "/var/log/messages", "/var/log/*.log")


class FilesSettings(Settings, frozen=True):
    """`paths`: files and globs (`~`, `*`, `**`)."""

    paths: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Files(Backend, Logs):
    kind: ClassVar[str] = "files"
    Settings: ClassVar[type[Settings]] = FilesSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._follower = Follower(settings.paths)
        self._formats = Formats(self.source)

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        found = await asyncio.to_thread(lambda: [path for item in DEFAULTS for path in glob.glob(item)])
        readable = tuple(path for path in found if os.access(path, os.R_OK))
        if readable:
            return (Found("/var/log", FilesSettings(paths=readable)),)
        reason = "none of its files may be read by this user; its group is often adm" if found else "no log files"
        return (Found("/var/log", None, reason),)

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        marks = None if last is None else cast("tuple[Mark, ...]", last.cursor)
        told = float("-inf")
        while True:
            look = await self._look(marks)
            marks = look.marks
            news = bool(look.blocks or look.notes)
            if news or time.monotonic() - told >= PROVE:
                told = time.monotonic()
                yield Seen(LogBatch(look.blocks, marks, look.notes), None if news else frozenset())
            await asyncio.sleep(0 if look.more else INTERVAL)

    async def history(self) -> AsyncGenerator[LogBatch, None]:
        loop = asyncio.get_running_loop()
        paths = await loop.run_in_executor(self._pool, self._follower.paths)
        marks: tuple[Mark, ...] = ()
        for path in paths:
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                yield LogBatch((), marks, (f"{path}: {error.strerror}",))
                continue
            try:
                info = os.fstat(handle)
                mark = Mark(path, info.st_dev, info.st_ino, 0)
                while True:
                    block, mark = await loop.run_in_executor(self._pool, _chunk, handle, mark)
                    if block is None:
                        break
                    yield LogBatch((block,), (*marks, mark))
                marks = (*marks, mark)
            finally:
                os.close(handle)
        missing = [item for item in self.settings.paths if not glob.has_magic(item) and item not in paths]
        yield LogBatch((), marks, tuple(f"{path}: no such file" for path in missing))

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    async def check(self) -> tuple[Check, ...]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._check)

    def _check(self) -> tuple[Check, ...]:
        checks = []
        for pattern in self.settings.paths:
            paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
            closed = [path for path in paths if not os.access(path, os.R_OK)]
            if not paths:
                checks.append(Check(pattern, False, "no such file", hint="it is read as soon as it comes"))
            elif closed:
                text = f"{len(closed)} of {len(paths)} files may not be read by this user"
                checks.append(Check(pattern, False, text, hint="often the group adm may"))
            else:
                size = sum(os.path.getsize(path) for path in paths)
                checks.append(Check(pattern, True, f"{len(paths)} files, {size:,} bytes"))
        return tuple(checks)

    def ask_logs(self) -> tuple[str, ...]:
        """The command that would show the same."""
        return ("tail", "-F", *self.settings.paths)

    async def close(self) -> None:
        self._pool.submit(self._follower.close)
        self._pool.shutdown(wait=False)

    async def _look(self, marks: tuple[Mark, ...] | None) -> Look:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._follower.look, marks)
        except PermissionError as error:
            where = str(error.filename or "")
            raise Denied("not readable by this user", where=where, hint="often the group adm may") from error
        except OSError as error:
            raise Unreachable(error.strerror or str(error), where=str(error.filename or "")) from error


def _chunk(handle: int, mark: Mark) -> tuple[LogBlock | None, Mark]:
    """The next whole records of a file, its last one also without its LF; None at the end."""
    data = os.pread(handle, CHUNK // 4, mark.offset)
    if not data:
        return None, replace(mark, head=os.pread(handle, min(64, mark.offset), 0))
    end = data.rfind(b"\n") + 1 or len(data)
    lines = data[:end].removesuffix(b"\n")
    block = LogBlock(mark.path, lines, lines.count(b"\n") + 1, mark.offset)
    return block, replace(mark, offset=mark.offset + end, tail=(mark.tail + data[:end])[-64:])
