"""Where reading of a journal stands, and journalctl's output turned into blocks of lines."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from backends.api.logs import LogBlock
from backends.logs import journal_entry
from backends.logs.pipe import Splitter

GAP = "the journal no longer holds the entry after which to go on: some may be missing before {first}"


class Place(Struct, frozen=True):
    """Where to go on: after the entry with this cursor; while there is none yet, from `since` on (unix
    seconds)."""

    cursor: str = ""
    since: float = 0.0

    def arguments(self) -> tuple[str, ...]:
        """What journalctl is to print, the entry of the cursor included.

        Not `--after-cursor`: where that entry was vacuumed away, it skips the first one that is left and says
        nothing (systemd 252).
        """
        start = f"--cursor={self.cursor}" if self.cursor else f"--since=@{self.since:.6f}"
        return (start, "--no-tail")


class Reader:
    """Blocks out of the output of one journalctl. `place` is after the last whole entry, all that a restart
    needs: what was cut off by the end of the process is read anew."""

    def __init__(self, place: Place) -> None:
        self.place = place
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
        return tuple(_blocks(lines)), tuple(notes)


def _blocks(lines: list[tuple[str, bytes]]) -> list[LogBlock]:
    blocks = []
    for origin, run in groupby(lines, itemgetter(0)):
        raws = [raw for _, raw in run]
        blocks.append(LogBlock(origin, b"\n".join(raws), len(raws)))
    return blocks
