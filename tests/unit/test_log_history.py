"""History of several streams: what is shown of them is all that there is of that time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.errors import TimedOut, Unsupported
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.tail import Tail
from backends.logs.formats import Formats
from backends.logs.moments import moments
from tests.clock import START
from tui.screens.logs import history as module
from tui.screens.logs.history import LoadedHistory
from tui.screens.logs.history_search import search_one
from widgets.logs.anchors import Anchor
from widgets.logs.feeder import WHEN, Feeder
from widgets.logs.history_buffer import START as MIDDLE
from widgets.logs.history_buffer import HistoryBuffer
from widgets.logs.lines import LogLines
from widgets.logs.locate import find_in_tails
from widgets.logs.search_pattern import compiled

NOW = START + timedelta(days=1)


class Source:
    """A file in memory, in blocks of a few lines."""

    def __init__(self, name: str, seconds: list[float], each: int = 3, broken: bool = False) -> None:
        self.name, self.broken = name, broken
        self.asked = 0
        """How many blocks were looked at, to choose and to date their lines."""
        self._formats = Formats(name)
        self.lines = [
            f"{(START + timedelta(seconds=at)).isoformat()} {name} {i}".encode() for i, at in enumerate(seconds)
        ]
        self.blocks: list[LogBlock] = []
        first = 0
        for low in range(0, len(self.lines), each):
            those = self.lines[low : low + each]
            self.blocks.append(LogBlock(name, b"\n".join(those), len(those), first))
            first += sum(len(line) + 1 for line in those)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    def moments(self, block: LogBlock) -> list[int | None]:
        self.asked += 1
        return moments(block, self.parse)

    def shown(self, data: bytes) -> bytes:
        self.asked += 1
        return data

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        assert beside is not None
        if self.broken:
            raise Unsupported("nothing older is kept", where=self.name)
        at = len(self.blocks) if beside.back else -1
        if beside.block is not None:
            at = self.blocks.index(beside.block)
        those = self.blocks[:at][::-1] if beside.back else self.blocks[at + 1 :]
        for block in those:
            passes = sieve is None or sieve(block.data, len(block.data))
            yield LogBatch((block,) if passes else (), None)


class Hanging(Source):
    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        await asyncio.Event().wait()
        yield LogBatch((), None)


def of(*sources: Source, keep: str = "") -> LoadedHistory:
    return LoadedHistory([(f"s/{s.name}", s.name, s) for s in sources], NOW, compiled(keep))


def shown(part: LoadedHistory, keep: str = "") -> list[bytes]:
    lines = LogLines()
    lines.keep = compiled(keep)
    lines.show(part.feeders, part.settled)
    while lines.filtering:
        lines.go_on()
    raws = [lines.records.raw(row) for row in lines.rows]
    assert not lines.merged or all(a >> WHEN <= b >> WHEN for a, b in pairwise(lines.rows))
    return [raw[0] for raw in raws if raw is not None]


SECONDS = st.lists(st.floats(0, 1_000), min_size=1, max_size=60).map(sorted)


@settings(max_examples=60, deadline=None)
@given(st.lists(SECONDS, min_size=1, max_size=4))
async def test_from_the_beginning_on_nothing_is_left_out(times: list[list[float]]) -> None:
    sources = [Source(f"f{i}", seconds) for i, seconds in enumerate(times)]
    every = sorted((at, i, n) for i, seconds in enumerate(times) for n, at in enumerate(seconds))
    part = of(*sources)
    page, module.BYTES_AT_ONCE = module.BYTES_AT_ONCE, 200
    try:
        await part.begin()
        while True:
            found = shown(part)
            expected = {sources[i].lines[n] for _, i, n in every[: len(found)]}
            micros = {line.split()[0] for line in found} if len(found) < len(every) else set()
            # Two of one moment may stand either way.
            assert {line.split()[0] for line in expected} == micros or set(found) == expected
            if part.at_end(back=False):
                break
            await part.more(back=False)
    finally:
        module.BYTES_AT_ONCE = page
    assert sorted(shown(part)) == sorted(line for source in sources for line in source.lines)


async def test_far_from_its_beginning_it_holds_no_more_and_comes_back() -> None:
    sources = [Source("a", [n * 1.0 for n in range(3_000)]), Source("b", [n * 1.0 + 0.5 for n in range(3_000)])]
    part = of(*sources)
    for stream in part.streams:
        stream.buffer.bound(4_000)
    page, module.BYTES_AT_ONCE = module.BYTES_AT_ONCE, 1_000
    try:
        await part.begin()
        head = shown(part)
        assert head[:4] == [sources[0].lines[0], sources[1].lines[0], sources[0].lines[1], sources[1].lines[1]]
        for back in (False, True):
            before: list[bytes] = []
            while not part.at_end(back=back):
                await part.more(back=back)
                held = sum(len(block.data) for stream in part.streams for _, block in stream.buffer.blocks())
                assert held < 20_000
                found = shown(part)
                assert found
                assert not before or set(found) & set(before), "what is read next joins what was there"
                before = found
            assert part.at_end(back=not back) is False
        assert shown(part)[: len(head) // 2] == head[: len(head) // 2]
    finally:
        module.BYTES_AT_ONCE = page


async def test_of_one_stream_only_what_is_kept_is_read() -> None:
    source = Source("a", [n * 1.0 for n in range(3_000)])
    part = of(source, keep="a .?99$")
    await part.begin()
    assert part.at_end(back=False)
    assert [line.split()[-1] for line in shown(part, "a .?99$")] == [b"99", *(b"%d99" % n for n in range(1, 10))]
    assert sum(1 for _ in part.streams[0].buffer.blocks()) == 10
    last, wanted = part.streams[0].beside(back=False), compiled("a .99")
    assert wanted is not None
    found = await search_one(part, Beside("a", last.block, back=True), wanted)
    assert found is not None
    assert found[0].lines()[found[1]].split()[-1] == b"899"
    assert await search_one(part, last, wanted) is None


async def test_a_source_that_can_not_says_so_and_the_others_are_read() -> None:
    part = of(Source("a", [1.0, 2.0]), Source("b", [1.5], broken=True))
    await part.begin()
    assert part.said == ["s/b: b: nothing older is kept"]
    assert len(shown(part)) == 2
    assert part.stuck(back=False)
    assert not part.at_end(back=False), "what is there is not known"


async def test_what_all_files_of_a_source_fail_with_is_said_once() -> None:
    source = Source("a", [1.0], broken=True)
    part = LoadedHistory([("s/a", origin, source) for origin in ("one", "two")], NOW)
    await part.begin()
    assert part.said == ["s/a: a: nothing older is kept"]


@pytest.mark.parametrize("back", [True, False])
async def test_what_failed_once_has_not_ended_and_is_read_when_it_is_tried_again(back: bool) -> None:
    sources = [Source("a", [n * 1.0 for n in range(30)]), Source("b", [n * 1.0 + 0.5 for n in range(30)])]
    for those in (sources[:1], sources):
        part = of(*those)
        for stream, source in zip(part.streams, those, strict=True):
            stream.buffer.grow(source.blocks[5:6], back=False)
        those[-1].broken = True
        await part.more(back=back)
        assert part.stuck(back=back)
        assert not part.at_end(back=back)
        those[-1].broken = False
        await part.more(back=back)
        assert part.stuck(back=back), "not before it is wanted"
        await part.retry(back=back)
        await part.more(back=back)
        assert part.at_end(back=back)
        found = shown(part)
        for source in those:
            assert (source.lines[0] if back else source.lines[-1]) in found


async def test_what_is_shown_stays_when_what_failed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have ended before it goes so far back, each at a time of its own."""
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 300)
    sources = [
        Source(name, [n * 1.0 for n in range(first, 60)]) for name, first in (("a", 45), ("b", 30), ("c", 0))
    ]
    part = of(*sources)
    for stream, source in zip(part.streams, sources, strict=True):
        stream.buffer.grow(source.blocks[-1:], back=False)
    sources[2].broken = True
    while not part.stuck(back=True):
        await part.more(back=True)
    before = set(shown(part))
    assert sources[1].lines[0] in before
    sources[2].broken = False
    await part.retry(back=True)
    assert before <= set(shown(part))
    assert not part.at_end(back=True), "no further than that"


@pytest.mark.parametrize("keep", ["", "a"])
async def test_a_file_that_was_empty_and_is_not_any_more_is_read_anew(keep: str) -> None:
    source, other = Source("a", []), Source("b", [1.0])
    part = of(source, other, keep=keep)
    await part.begin()
    assert not await part.is_renewed()
    source.blocks = Source("a", [0.5]).blocks
    assert await part.is_renewed()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.lists(st.booleans(), max_size=40), st.sampled_from(["", "f. .?[13579]$"]))
async def test_rows_that_grow_are_those_of_a_view_that_is_opened_now(
    count: int, ways: list[bool], keep: str
) -> None:
    """And cost what is new of them, in time and in memory."""
    sources = [Source(f"f{i}", [n * (1.0 + i) + i / 7 for n in range(600 // (1 + i))]) for i in range(count)]
    part = of(*sources, keep=keep)
    for stream in part.streams:
        stream.buffer.bound(3_000)
    page, module.BYTES_AT_ONCE = module.BYTES_AT_ONCE, 800
    try:
        await part.begin()
        lines = LogLines()
        lines.keep = compiled(keep)
        lines.show(part.feeders, part.settled)
        while lines.filtering:
            lines.go_on()
        cursor = Anchor(len(lines.rows) // 2)
        lines.anchors.add(cursor)
        for back in ways:
            on = lines.records.raw(lines.rows[cursor.index])
            before = {(n, first) for n, f in enumerate(part.feeders) for first, _ in f.tail.blocks()}
            await part.more(back=back)
            now = {(n, first) for n, f in enumerate(part.feeders) for first, _ in f.tail.blocks()}
            asked = sum(source.asked for source in sources)
            lines.grew(part.settled)
            assert sum(source.asked for source in sources) - asked <= 2 * len(now - before)
            known = {(n, first) for n, those in enumerate(lines._stamps._known) for first in those}
            assert known <= now
            found = [lines.records.raw(row) for row in lines.rows]
            assert [raw[0] for raw in found if raw is not None] == shown(part, keep)
            if on in found:
                assert found[cursor.index] == on
            cursor.index = min(cursor.index, len(lines.rows) - 1)
    finally:
        module.BYTES_AT_ONCE = page


def test_a_line_that_is_like_others_is_found_by_its_offset() -> None:
    kept = Tail()
    for first in (100, 120):
        kept.take(LogBatch((LogBlock("a", b"tick\ntick\ntick\ntick", 4, first),), None))
    feeders = [Feeder("s/other", kept, Source("x", [])), Feeder("s/a", kept, Source("a", []))]
    again = LogBlock("a", b"tick\ntick\ntick", 3, 105)
    assert [find_in_tails(feeders, "s/a", again, line) for line in range(3)] == [(1, 1), (1, 2), (1, 3)]
    assert find_in_tails(feeders, "s/a", LogBlock("a", b"tick", 1, 95), 0) is None
    assert find_in_tails(feeders, "s/a", LogBlock("a", b"tick", 1, 140), 0) is None
    assert find_in_tails(feeders, "s/a", LogBlock("b", b"tick", 1, 105), 0) is None
    assert find_in_tails(feeders, "s/a", LogBlock("a", b"tock", 1, 105), 0) is None
    assert find_in_tails(feeders, "s/a", LogBlock("a", b"ick", 1, 106), 0) is None
    assert find_in_tails(feeders, "s/a", LogBlock("a", b"tick", 1), 0) == (1, 7), (
        "the newest, where nothing says which"
    )


async def test_a_source_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT", 0.05)
    part = of(Source("a", [1.0, 2.0]), Hanging("b", [1.5]))
    await part.begin()
    assert part.said == ["s/b: no answer within 0.05 s"]
    assert len(shown(part)) == 2
    alone = of(Hanging("b", [1.5]))
    with pytest.raises(TimedOut):
        await search_one(alone, Beside("b"), None)


def test_a_stretch_keeps_the_numbers_of_its_lines() -> None:
    buffer = HistoryBuffer(1 << 20, NOW)
    buffer.grow([LogBlock("a", b"m0\nm1", 2, 100)], back=False)
    buffer.grow([LogBlock("a", b"k0\nk1\nk2", 3, 50), LogBlock("a", b"l0", 1, 90)], back=True)
    buffer.grow([LogBlock("a", b"n0", 1, 200)], back=False)
    lines = buffer.lines(0, 1 << 41)
    assert [line.raw for line in lines] == [b"k0", b"k1", b"k2", b"l0", b"m0", b"m1", b"n0"]
    assert [line.raw for line in buffer.lines(MIDDLE, 1 << 41)] == [b"m0", b"m1", b"n0"]
    assert buffer.span.dropped == 0
    buffer.bound(1)
    assert buffer.lines(0, 1 << 41)[-1].raw == b"n0"


class About(Source):
    """One that begins about a time, as files do."""

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if since is not None and beside is not None and beside.block is None:
            older = [b for b in self.blocks if b.data < since.isoformat().encode()]
            beside = Beside(self.name, older[-2] if older else None, beside.back)
        async for batch in super().history(None, sieve, beside):
            yield batch


@pytest.mark.parametrize("each", [10, 40])
async def test_about_a_time_the_lines_of_it_are_here_however_many_streams_there_are(
    monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    """Also where a block is about all that may be loaded of a stream."""
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 4_000)
    monkeypatch.setattr(module, "BYTES_MOST", 20 * 2_000)
    long = About("long", [n * 1.0 for n in range(600)], each=each)
    others = [About(f"f{number}", [1000.0 + n for n in range(600)], each=each) for number in range(19)]
    part = of(long, *others)
    await part.begin(START + timedelta(seconds=300))
    assert long.lines[300] in shown(part)
