"""Log files: many names and globs, followed through every way in which logs are rotated."""

from __future__ import annotations

import asyncio
import glob
import os
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import Logs
from backends.api.errors import Denied, Unreachable
from backends.api.models import LogBatch, LogRecord, Seen
from backends.api.settings import Settings
from backends.logs.follow import Follower
from backends.logs.formats import Formats
from backends.logs.history import History
from backends.logs.paths import Patterns, newest, readable, refusal
from backends.logs.position import Cursor

INTERVAL = 0.25
"""Seconds between two looks."""
PROVE = 1.0
"""Seconds after which a look that found nothing is told as well: the files were there and had no news."""
DEFAULTS = ("/var/log/syslog", "/var/log/messages", "/var/log/*.log")
"""Where Debian's, Red Hat's and most others' syslog writes."""

T = TypeVar("T")


class FilesSettings(Settings, frozen=True):
    """`paths`: files and globs; `~` is a home directory, `**` any depth. A FIFO is followed where it is named
    without a wildcard."""

    paths: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Files(Backend, Logs):
    """Files on this host. Each origin is a path; a generation that lost its name keeps its path's origin.

    All file I/O happens in one thread for following and one for everything else: a file system that hangs
    makes the feed stale and costs no further thread.
    """

    kind: ClassVar[str] = "files"
    Settings: ClassVar[type[Settings]] = FilesSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._following = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="files-read")
        self._formats = Formats(self.source)

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        try:
            return await asyncio.wait_for(asyncio.to_thread(_discover), timeout)
        except TimeoutError:
            return (Found(", ".join(DEFAULTS), None, f"no answer from the file system within {timeout:g} s"),)

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """Follow from the tails on (256 KiB or 2,000 lines of each file), or from `last.cursor`.

        Raises `Denied` where there are files and none of them may be read. A pattern that leads to nothing yet
        is a note, and is waited for.
        """
        cursor = last.cursor if last is not None and isinstance(last.cursor, Cursor) else None
        follower = await _run(self._following, lambda: Follower(self.settings.paths, cursor))
        files: int | None = None
        told = float("-inf")
        try:
            while True:
                with _mapped():
                    look = await _run(self._following, follower.look)
                if look.files == 0 and not look.blocks and follower.refused:
                    raise _denied(follower.refused)
                news = bool(look.blocks or look.notes) or look.files != files
                if news or time.monotonic() - told >= PROVE:
                    files, told = look.files, time.monotonic()
                    batch = LogBatch(look.blocks, look.cursor, look.notes, look.files)
                    yield Seen(batch, None if news else frozenset())
                await asyncio.sleep(0 if look.more else INTERVAL)
        finally:
            # In its own thread, after a look that may still run there.
            _submit(self._following, follower.close)

    async def history(self, since: datetime | None = None) -> AsyncGenerator[LogBatch, None]:
        """Every record of every file, oldest file first, in batches of about 1 MiB; then it ends.

        A last record without its LF is given out too, and not again by `logs`: what is written on to it later
        is a record of its own. Raises `Denied` where there are files and none of them may be read.
        """
        history = await _run(self._reading, lambda: History(self.settings.paths))
        try:
            with _mapped():
                await _run(self._reading, history.open)
                if history.files == 0 and history.refused:
                    raise _denied(history.refused)
                while True:
                    blocks = await _run(self._reading, history.read)
                    cursor = history.cursor()
                    yield LogBatch(tuple(blocks or ()), cursor, history.notes(), history.files)
                    if blocks is None:
                        return
        finally:
            _submit(self._reading, history.close)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    async def check(self) -> tuple[Check, ...]:
        try:
            return await asyncio.wait_for(_run(self._reading, self._check), self.timeout)
        except TimeoutError:
            where = ", ".join(self.settings.paths)
            return (Check(where, False, f"no answer from the file system within {self.timeout:g} s"),)

    def ask_logs(self) -> tuple[str, ...]:
        """The command (an argv list) that would show the same: `tail -F` on the files that there are now, and
        on the paths that are still waited for. Looks at the file system: call it in a thread."""
        patterns = Patterns(self.settings.paths)
        paths = [path for path in patterns.expand() if path in patterns.literal or os.path.isfile(path)]
        return ("tail", "-F", "--", *newest(paths)) if paths else ("tail", "-F", "--", *patterns.all)

    async def close(self) -> None:
        self._following.shutdown(wait=False)
        self._reading.shutdown(wait=False)

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


def _denied(refused: Mapping[str, tuple[str, str]]) -> Denied:
    path, (reason, hint) = next(iter(refused.items()))
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return Denied(f"{reason}{more}", where=path, hint=hint)


async def _run(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, call)


def _submit(pool: ThreadPoolExecutor, call: Callable[[], None]) -> None:
    try:
        pool.submit(call)
    except RuntimeError:
        call()  # The pool is closed: nothing runs in it any more.


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise Denied(error.strerror or "permission denied", where=str(error.filename or "")) from error
    except OSError as error:
        raise Unreachable(error.strerror or str(error), where=str(error.filename or "")) from error
