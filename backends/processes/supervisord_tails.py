"""Logs followed over the wire, where the files themselves can't be read: the last 1,024 bytes, and what comes.

There are no offsets: after a pause the seam is found by the bytes themselves. Where it is not found, lines are
missing, and a note says so; so it does where the lines are too much alike to find it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from msgspec import Struct
from msgspec.structs import replace

from backends.api.errors import BackendError, NotFound
from backends.api.logs import LogBlock
from backends.processes.supervisord_programs import Info
from backends.processes.supervisord_rpc import Rpc

WINDOW = 1024
"""Bytes that supervisord sends of what was there before (supervisor/http.py, logtail_handler)."""
SETTLED = 0.3
"""Seconds without a byte after which the window has come whole: it may be shorter."""
SEAM = 32
"""Bytes that must agree at least, for a seam within what was seen."""
QUEUE = 16
"""Chunks that wait to be taken; then supervisord waits."""
LINE = 1 << 20
"""Bytes after which a line is shown in pieces."""
UNSURE = (
    "{}: connected again, and its lines are too much alike to know how many came meanwhile: some may be missing"
)
AGAIN = 1.0
"""Seconds until a log that broke off, or is not there yet, is asked for again."""
TRUNCATED = b"==> File truncated <=="
"""What supervisord puts among the lines where the file became shorter."""
UNREADABLE = ("/dev/", "/proc/")
"""Where what is written can't be read back: a terminal, a pipe, nothing at all."""

_Came = asyncio.Queue[bytes | Exception]


class Stream(Struct, frozen=True):
    """One log of one program: `channel` is `stdout` or `stderr`, `path` where supervisord writes it."""

    program: str
    channel: str
    path: str

    @property
    def origin(self) -> str:
        return self.program if self.channel == "stdout" else f"{self.program} stderr"


def streams_of(infos: list[Info]) -> list[Stream]:
    """The logs that there are: a program may write none, or none that can be read back (`/dev/null`, syslog)."""
    found = [
        Stream(info.full_name, channel, path)
        for info in infos
        for channel, path in (("stdout", info.stdout_logfile), ("stderr", info.stderr_logfile))
    ]
    return [stream for stream in found if stream.path.startswith("/") and not stream.path.startswith(UNREADABLE)]


class Tail(Struct, frozen=True):
    """How far one log was read: its last bytes, and what of them is the beginning of a line."""

    seen: bytes = b""
    partial: bytes = b""


class Piece(Struct, frozen=True):
    """What came of one log, how far it is read with that, and what the reader must know."""

    stream: Stream
    tail: Tail
    blocks: tuple[LogBlock, ...]
    notes: tuple[str, ...] = ()


async def window(rpc: Rpc, stream: Stream) -> Piece | None:
    """What can be had of a log without following it; None where it is not there."""
    try:
        async with rpc.tail(stream.program, stream.channel) as chunks, _pumped(chunks) as came:
            data = await _window(came)
    except NotFound:
        return None
    notes: tuple[str, ...] = ()
    if len(data) >= WINDOW:
        notes = (f"{stream.origin}: over the wire only the last {WINDOW:,} bytes can be read",)
    piece = begin(stream, data)
    # The last line counts without its LF, too; what is written on to it later is a record of its own.
    last = _blocks(stream, [piece.tail.partial] if piece.tail.partial else [])
    return Piece(stream, Tail(piece.tail.seen), (*piece.blocks, *last), (*notes, *piece.notes))


async def follow(rpc: Rpc, stream: Stream, tail: Tail | None) -> AsyncGenerator[Piece, None]:
    """Follow one log for ever, over every end of the connection. Raises `BackendError` where supervisord does
    not answer at all: whoever asks for the programs hears of it too."""
    while True:
        try:
            async with aclosing(_follow_once(rpc, stream, tail)) as pieces:
                async for piece in pieces:
                    tail = piece.tail
                    yield piece
        except NotFound:
            pass
        except BackendError:
            if tail is None:
                raise
        await asyncio.sleep(AGAIN)


async def _follow_once(rpc: Rpc, stream: Stream, tail: Tail | None) -> AsyncGenerator[Piece, None]:
    async with rpc.tail(stream.program, stream.channel) as chunks, _pumped(chunks) as came:
        first = await _window(came)
        piece = begin(stream, first) if tail is None else resume(stream, tail, first)
        yield piece
        while data := await _next(came):
            piece = take(stream, piece.tail, data)
            yield piece


@asynccontextmanager
async def _pumped(chunks: AsyncIterator[bytes]) -> AsyncIterator[_Came]:
    """The chunks through a short queue: waiting for one may then end, and nothing is lost by it."""
    came: _Came = asyncio.Queue(QUEUE)

    async def pump() -> None:
        end: bytes | Exception = b""
        try:
            async for chunk in chunks:
                if chunk:
                    await came.put(chunk)
        except Exception as error:  # Raised again where the chunks are taken.
            end = error
        await came.put(end)

    task = asyncio.create_task(pump())
    try:
        yield came
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _next(came: _Came) -> bytes:
    """The next chunk; empty at the end."""
    item = await came.get()
    if isinstance(item, Exception):
        raise item
    return item


async def _window(came: _Came) -> bytes:
    """What comes at once."""
    data = b""
    while len(data) < WINDOW:
        try:
            async with asyncio.timeout(SETTLED):
                chunk = await _next(came)
        except TimeoutError:
            break
        if not chunk:
            break
        data += chunk
    return data


def take(stream: Stream, tail: Tail, data: bytes) -> Piece:
    """Bytes that follow on what was read."""
    *lines, rest = (tail.partial + data).split(b"\n")
    notes: tuple[str, ...] = ()
    if len(rest) > LINE:
        lines, rest = [*lines, rest], b""
        notes = (f"{stream.origin}: a record longer than {LINE >> 20} MiB is shown in pieces",)
    kept = [line for line in lines if line != TRUNCATED]
    if len(kept) != len(lines):
        notes += (f"{stream.origin}: was truncated: lines may be lost",)
    return Piece(stream, Tail((tail.seen + data)[-WINDOW:], rest), _blocks(stream, kept), notes)


def begin(stream: Stream, first: bytes) -> Piece:
    """What a connection sends first, where nothing was read before: of a window the whole lines."""
    cut = first.find(b"\n") + 1 if len(first) >= WINDOW else 0
    return take(stream, Tail(first[:cut]), first[cut:])


def resume(stream: Stream, tail: Tail, first: bytes) -> Piece:
    """What a new connection sends first, joined to what was read before it."""
    found = seam(tail.seen, first)
    if found is not None:
        piece = take(stream, tail, first[found.count :])
        return piece if found.sure else replace(piece, notes=(UNSURE.format(stream.origin), *piece.notes))
    piece = begin(stream, first)
    blocks = (*_blocks(stream, [tail.partial] if tail.partial else []), *piece.blocks)
    note = f"{stream.origin}: connected again, and its log had gone on too far: lines are missing"
    return Piece(stream, piece.tail, blocks, (note, *piece.notes))


class Seam(Struct, frozen=True):
    """How many of the first bytes were seen already, the most that may be. `sure`: it can't be fewer."""

    count: int
    sure: bool


def seam(seen: bytes, first: bytes) -> Seam | None:
    """Where what came first goes on from what was seen; None where too few bytes agree.

    Less than a window is a whole file, and then it is certain. In a text that repeats itself there are several
    such places, and how much of it is new can't be known.
    """
    if len(seen) < WINDOW and len(first) < WINDOW and first.startswith(seen):
        return Seam(len(seen), True)
    most = min(len(seen), len(first))
    counts = (count for count in range(most, 0, -1) if seen.endswith(first[:count]))
    longest = next(counts, 0)
    if longest < min(SEAM, most) or not longest:
        return None
    half = seen[-(longest // 2) :]
    alike = next(counts, 0) >= min(SEAM, longest / 2) or first.find(half, first.find(half) + 1) >= 0
    return Seam(longest, longest >= SEAM and not alike)


def _blocks(stream: Stream, lines: list[bytes]) -> tuple[LogBlock, ...]:
    return (LogBlock(stream.origin, b"\n".join(lines), len(lines)),) if lines else ()
