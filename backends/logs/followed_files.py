"""Files, followed and read in threads: what every source of logs that are files on this host does with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from backends.api.errors import Denied, NotFound
from backends.api.logs import Beside, LogBatch, Sieve
from backends.api.pace import looked_at
from backends.api.readings import Seen
from backends.file_errors import file_errors
from backends.logs.file_pages import FilePages
from backends.logs.follow import Follower, Look
from backends.logs.position import Cursor
from backends.logs.serial_calls import Lane
from backends.logs.since import Parse, offset_of
from backends.logs.whole_files import WholeFiles

INTERVAL, BUSY, UNSEEN = 0.25, 0.1, 1.0
"""Seconds between two looks: as a rule, where something came, and while nobody looks at the lines, but of FIFOs,
whose writers would have to wait."""
PROVE = 1.0
"""Seconds after which a look that found nothing is told as well: the files were there and had no news."""

UNSORTED = timedelta(minutes=1)
"""How far a line may stand behind younger ones: several threads or processes write into one file."""

T = TypeVar("T")


class FollowedFiles:
    """All file I/O happens in one thread for following and one for everything else: a file system that hangs
    makes the feed stale and costs no further thread. Origins are paths; cursors are a `Cursor`."""

    def __init__(self) -> None:
        self._following = Lane("files")
        self._reading = Lane("files-read")

    async def follow(self, paths: tuple[str, ...], cursor: object) -> AsyncGenerator[Seen[LogBatch], None]:
        """From the tails on (256 KiB or 2,000 lines of each file), or from a cursor.

        Raises `Denied` where there are files and none of them may be read. A pattern that leads to nothing yet
        is a note, and is waited for; where it led to a file before, that is a trouble.
        """
        start = cursor if isinstance(cursor, Cursor) else None
        follower = await self._following.run(lambda: Follower(paths, start))
        before: tuple[int, str] | None = None
        told = float("-inf")
        try:
            while True:
                with file_errors():
                    look = await self._following.run(follower.look)
                if look.files == 0 and not look.blocks and follower.refused:
                    raise _denied(follower.refused)
                now = look.files, look.missing
                news = bool(look.blocks or look.notes) or now != before
                if news or time.monotonic() - told >= PROVE:
                    before, told = now, time.monotonic()
                    troubles = (NotFound(look.missing),) if look.missing else ()
                    batch = LogBatch(look.blocks, look.cursor, look.notes, look.files, troubles)
                    yield Seen(batch, None if news else frozenset())
                await asyncio.sleep(0 if look.more else _pause(look))
        finally:
            # In its own thread, after a look that may still run there.
            self._following.submit(follower.close)

    async def history(
        self,
        paths: tuple[str, ...],
        sieve: Sieve | None = None,
        since: datetime | None = None,
        parse: Parse | None = None,
    ) -> AsyncGenerator[LogBatch, None]:
        """Every record of every file, oldest file first, in batches of about 1 MiB; then it ends. Blocks that do
        not pass the sieve are left out, and what is older than `since`, which `parse` finds in a file whose lines
        are in order of time to within `UNSORTED`.

        A last record without its LF is given out too, and not again by `follow`: what is written on to it later
        is a record of its own. Raises `Denied` where there are files and none of them may be read.
        """

        def begin(handle: int) -> int:
            return 0 if since is None or parse is None else offset_of(handle, since - UNSORTED, parse)

        history = await self._reading.run(lambda: WholeFiles(paths, begin))
        try:
            with file_errors():
                await self._reading.run(history.open)
                if history.files == 0 and history.refused:
                    raise _denied(history.refused)
                while True:
                    blocks = await self._reading.run(lambda: history.read(sieve))
                    cursor = history.cursor()
                    told = history.notes(), history.files, history.troubles()
                    yield LogBatch(tuple(blocks or ()), cursor, *told)
                    if blocks is None:
                        return
        finally:
            self._reading.submit(history.close)

    async def beside(
        self, place: Beside, sieve: Sieve | None, since: datetime | None, parse: Parse, *, ended: bool = False
    ) -> AsyncGenerator[LogBatch, None]:
        """The records of the file `place.origin` from a place on, in one direction, in batches of about a block;
        where the place names no block, from about `since` on, if there is one, which `parse` finds.
        A last record without its LF is left out, as `follow` does, but of a file that is `ended` or rotated.
        Raises `NotFound` where the file is gone, also from beside the one that has its name now."""
        pages = FilePages(place, since, parse, ended=ended)
        try:
            with file_errors():
                await self._reading.run(pages.open)
                while (blocks := await self._reading.run(lambda: pages.read(sieve))) is not None:
                    yield LogBatch(tuple(blocks), None, pages.notes(), read=pages.passed, left=pages.left)
        finally:
            self._reading.submit(pages.close)

    async def run(self, call: Callable[[], T]) -> T:
        """Anything else that looks at files, in the thread for everything else."""
        return await self._reading.run(call)


def _pause(look: Look) -> float:
    """Until the next look."""
    if not (look.pipes or looked_at.get()()):
        return UNSEEN
    return BUSY if look.blocks else INTERVAL


def _denied(refused: Mapping[str, tuple[str, str]]) -> Denied:
    path, (reason, hint) = next(iter(refused.items()))
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return Denied(f"{reason}{more}", where=path, hint=hint)
