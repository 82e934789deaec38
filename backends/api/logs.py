"""The nouns of logs: records, and how they travel: in blocks and batches, never one by one.

`None` is always "unknown". Lines come from outside and are hostile: they are kept as they came, byte by byte, and
made safe where they are drawn or printed (`backends.clean`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from backends.api.details import Trouble
from backends.api.errors import BackendError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the times of many lines are told."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(when: int) -> datetime:
    """The moment so many microseconds after 1970. Raises `OverflowError`."""
    return _EPOCH + when * _MICROSECOND


class Level(enum.IntEnum):
    """Severity of a log record, ordered: `level >= Level.WARN` reads as it says."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FATAL = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class LogRecord(Struct, frozen=True):
    """One log line, parsed as far as it could be. `raw` is the record's bytes exactly, without its final LF."""

    source: str
    raw: bytes
    message: str
    time: datetime | None = None
    level: Level | None = None
    format: str = "raw"
    fields: Mapping[str, str] = field(default_factory=dict)


class LogBlock(Struct, frozen=True):
    """Lines that arrived together from one origin (a file, a unit).

    `data` holds `count` records, joined by LF, without a final one. Parsing waits until a line is looked at.
    `first` is the byte offset of the block in its origin, None where the origin has none; `prior` are the bytes
    right before that, a few of them, by which the block's place is known again; empty where nobody looked.
    """

    origin: str
    data: bytes
    count: int
    first: int | None = None
    prior: bytes = b""

    @property
    def stop(self) -> int:
        """The byte offset of its end, without the LF there; as if it began its origin where that has none."""
        return (self.first or 0) + len(self.data)

    def lines(self) -> list[bytes]:
        return self.data.split(b"\n") if self.count else []


Sieve = Callable[[bytes, int], bool]
"""Says of the first so many bytes, which are whole lines, in any thread, whether one of them may be wanted."""


class Beside(Struct, frozen=True):
    """A place in a source's records, and the direction in which they are read from there.

    `origin` is whose records; empty where blocks have no `first`: those stand in the source's own order. `block`
    is known already: what comes after it is wanted or, with `back`, what is before it. None: from the oldest
    record on; with `back` from the newest.
    """

    origin: str = ""
    block: LogBlock | None = None
    back: bool = False


class LogBatch(Struct, frozen=True):
    """What a log source yields: the blocks since its last yield, and where to go on after them.

    `cursor` is the source's own (offsets, inodes, a journal cursor), immutable, and all that a restart needs.
    `notes` are sentences that the reader must see ("app.log was truncated; lines may be lost"). `files` is how
    many files are followed now, None where the source has no such thing. `troubles`: parts of the source that
    could not be read; each is one of the notes as well. `read` is how many bytes were looked at for it, those
    that did not pass the sieve included, and `left` how many are still to be looked at in that direction; 0 and
    None where a source does not know.
    """

    blocks: tuple[LogBlock, ...]
    cursor: object
    notes: tuple[str, ...] = ()
    files: int | None = None
    troubles: tuple[BackendError, ...] = ()
    read: int = 0
    left: int | None = None


class LogSpan(Struct, frozen=True):
    """What a log feed's reading holds: numbers only. Lines are pulled from its Tail by sequence number.

    Sequence numbers `first` (inclusive) to `end` (exclusive) are kept; `dropped` lines came before `first`
    and are gone from memory. `trouble` is what the source lacks although it answers.
    """

    first: int
    end: int
    dropped: int
    files: int | None = None
    trouble: Trouble | None = None
