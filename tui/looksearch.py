"""A search in several files beyond the lines that are shown: a part of its own, which nobody sees, is read on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backends.api.logs import LogBlock
from tui.lookback import Lookback
from widgets.logfeeder import MASK
from widgets.loglines import LogLines
from widgets.logsearch import Pattern
from widgets.logseek import Seek
from widgets.logstretch import START

Found = tuple[int, tuple[bytes, str] | None]
"""When a line happened, in microseconds since 1970, and what it says."""


async def search(
    part: Lookback,
    known: Sequence[Sequence[LogBlock]],
    shown: LogLines,
    pattern: Pattern | None,
    *,
    back: bool,
) -> Found | None:
    """The next line beyond those `shown` that matches (no pattern: an error) and passes their filter; None where
    there is none in what can be read.

    `part` is a fresh one of the same streams, which leaves out what does not match; `known` are each stream's
    blocks from which it is read on. Where those shown are in memory, what is older than they are is looked for.
    """
    for stream, blocks in zip(part.streams, known, strict=True):
        stream.stretch.grow(blocks, back=False)
        # Nothing is wanted on the other side.
        stream.ended[not back] = True
    lines = LogLines()
    lines.set_filter(shown.keep, None, shown.only)
    lines.show(part.feeders, part.settled)
    while True:
        while lines.filtering:
            await asyncio.sleep(0)
            lines.go_on()
        found = await _next(lines, shown.settled, pattern, back=back)
        if found is not None or part.stuck(back=back):
            return found
        await part.more(back=back)
        lines.grew(part.settled)


async def _next(
    lines: LogLines, settled: tuple[int, int] | None, pattern: Pattern | None, *, back: bool
) -> Found | None:
    step, rows = -1 if back else 1, lines.rows
    if settled is None:
        start = len(rows) - 1
    else:
        start = lines.first_from(settled[0]) - 1 if back else lines.first_from(settled[1] + 1)
    while (found := await _seek(Seek(lines, start, step, pattern))) >= 0:
        row = rows[found]
        if settled is not None or row & MASK < START:
            return lines.when(row), lines.records.raw(row)
        start = found + step
    return None


async def _seek(seek: Seek) -> int:
    try:
        found = seek.go_on()
        while found is None:
            await asyncio.sleep(0)
            found = seek.go_on()
        return found
    finally:
        seek.close()
