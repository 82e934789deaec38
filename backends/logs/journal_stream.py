"""Where reading of a journal stands, and journalctl's output turned into blocks of lines."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from backends.api.errors import Unsupported
from backends.api.logs import Beside, LogBlock
from backends.logs import journal_entry
from backends.logs.splitter import Splitter

GAP = "the journal no longer holds the entry after which to go on: some may be missing before {first}"


class Place(Struct, frozen=True):
    """Where to go on: after the entry with this cursor; while there is none yet, from `since` on (unix
    seconds)."""

    cursor: str = ""
    since: float = 0.0

    def arguments(self, *, back: bool = False) -> tuple[str, ...]:
        """What journalctl is to print, the entry of the cursor included; `back`: what is before it.

        Not `--after-cursor`: where that entry was vacuumed away, it skips the first one that is left and says
        nothing (systemd 252).
        """
        if back:
            return (f"--cursor={self.cursor}", "--reverse") if self.cursor else ("--reverse",)
        start = f"--cursor={self.cursor}" if self.cursor else f"--since=@{self.since:.6f}"
        return (start, "--no-tail")


def place_beside(beside: Beside) -> Place:
    """The entry at that end of a block. Raises `Unsupported` where none of its lines is an entry."""
    if beside.block is None:
        return Place()
    lines = beside.block.lines()
    for raw in lines if beside.back else reversed(lines):
        entry = journal_entry.read(raw)
        if entry is not None and entry.cursor:
            return Place(entry.cursor)
    raise Unsupported("a line that is no entry of the journal has no place in it", where=beside.block.origin)


class JournalReader:
    """Blocks out of the output of one journalctl. `place` is after the last whole entry, all that a restart
    needs: what was cut off by the end of the process is read anew."""

    def __init__(self, place: Place, *, back: bool = False) -> None:
        """`back`: the newest entry comes first, and is given out as the last one of its blocks."""
        self.place = place
        self._back = back
        self._splitter = Splitter("")
        self._known = place.cursor
        """The entry that the output begins with if it is still there; empty once that is settled."""

    def take(self, data: bytes) -> tuple[tuple[LogBlock, ...], tuple[str, ...]]:
        """The entries that are whole now, those of one origin after another in a block, and notes."""
        block = self._splitter.feed(data)
        if block is None:
            return (), ()
        notes: list[str] = []
        lines: list[tuple[str, bytes]] = []
        cursor = ""
        for raw in block.lines():
            entry = journal_entry.read(raw)
            if entry is None:
                if not raw.startswith(b"-- "):  # "-- No entries --"
                    lines.append((journal_entry.UNKNOWN, raw))
                continue
            cursor = entry.cursor or cursor
            if self._known:
                known, self._known = self._known, ""
                if entry.cursor == known:
                    continue
                moment = entry.time
                first = "the first" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
                notes.append(GAP.format(first=first))
            lines.append((entry.origin, raw))
        if cursor:
            self.place = Place(cursor, self.place.since)
        if self._back:
            lines.reverse()
        return tuple(_blocks(lines)), tuple(notes)


def _blocks(lines: list[tuple[str, bytes]]) -> list[LogBlock]:
    blocks = []
    for origin, run in groupby(lines, itemgetter(0)):
        raws = [raw for _, raw in run]
        blocks.append(LogBlock(origin, b"\n".join(raws), len(raws)))
    return blocks
