"""What supervisord's programs write: by files, over the wire, with hostile bytes, over rotations."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from backends.api.errors import Unsupported
from backends.api.feed import Feed
from backends.api.logs import Beside, LogBatch
from backends.api.pace import Pace
from backends.api.readings import Seen, State
from backends.processes import supervisord
from backends.processes.supervisord import Supervisord
from tests.servers.supervisord_server import SupervisordServer
from tests.waiting import until

pytestmark = pytest.mark.server

COUNT = """command=sh -c 'n=0; while :; do n=$((n+1)); echo "line $n"; sleep 0.005; done'
startsecs=0
stdout_logfile=%(here)s/count.log
stdout_logfile_maxbytes=4KB
stdout_logfile_backups=3
"""
HOSTILE = """command=sh -c 'printf "a\\\\033[2Jb \\\\377 c\\\\n"; echo oops >&2; exec sleep 600'
startsecs=0
"""
WITHOUT = "command=sleep 600\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=/dev/null\n"


@pytest.fixture
def server() -> Iterator[Callable[..., SupervisordServer]]:
    made: list[SupervisordServer] = []

    def start(**programs: str) -> SupervisordServer:
        made.append(SupervisordServer(programs))
        made[-1].start()
        return made[-1]

    yield start
    for item in made:
        item.__exit__(None, None, None)


class Seens:
    """What a feed of logs has given: lines by origin, and notes."""

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {}
        self.notes: list[str] = []

    def take(self, batch: LogBatch) -> int:
        for block in batch.blocks:
            self.lines.setdefault(block.origin, []).extend(block.lines())
        self.notes += batch.notes
        return len(batch.blocks)


@asynccontextmanager
async def followed(backend: Supervisord) -> AsyncIterator[tuple[Feed[LogBatch, int], Seens]]:
    seens = Seens()
    feed: Feed[LogBatch, int] = Feed("logs", backend.logs, pace=Pace(first=6, quiet=5), fold=seens.take)
    feed.watch(lambda new, before: None)
    try:
        yield feed, seens
    finally:
        await feed.close()
        await backend.close()


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if supervisord ran on another host: its files can't be read."""
    monkeypatch.setattr(supervisord, "_runs_here", lambda pid: False)


@pytest.mark.parametrize("over", ["files", "wire"])
async def test_hostile_bytes_come_as_they_are(
    server: Callable[..., SupervisordServer], monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    running = server(odd=HOSTILE, quiet=WITHOUT)
    if over == "wire":
        elsewhere(monkeypatch)
    async with followed(running.over_http()) as (feed, seens):
        await until(lambda: seens.lines.get("odd") and seens.lines.get("odd stderr"))
        assert seens.lines["odd"] == [b"a\x1b[2Jb \xff c"]
        assert seens.lines["odd stderr"] == [b"oops"]
        assert set(seens.lines) == {"odd", "odd stderr"}
        # Quiet logs are confirmed, not stale.
        looks = feed.looks
        await until(lambda: feed.looks > looks + 1)
        assert feed.reading.state is State.LIVE
    backend = running.backend()
    history = [batch async for batch in backend.history()]
    place = Beside("odd")
    if over == "wire":
        with pytest.raises(Unsupported, match="only its end"):
            await anext(backend.history(beside=place))
    else:
        beside = [block async for batch in backend.history(beside=place) for block in batch.blocks]
        assert [(block.origin, block.data) for block in beside] == [("odd", b"a\x1b[2Jb \xff c")]
    await backend.close()
    assert b"a\x1b[2Jb \xff c" in [line for batch in history for block in batch.blocks for line in block.lines()]


def numbers(lines: list[bytes]) -> list[int]:
    return [int(found.group(1)) for line in lines if (found := re.fullmatch(rb"line (\d+)", line))]


async def in_attempts(backend: Supervisord, attempts: int, lines_each: int) -> list[int]:
    """The numbers of the lines that so many attempts give, each begun after the last batch of the one before."""
    lines: list[bytes] = []
    last: LogBatch | None = None
    for _ in range(attempts):
        source = backend.logs(last)
        enough = len(lines) + lines_each
        async with asyncio.timeout(20):
            async for seen in source:
                last = seen.value
                lines += [line for block in last.blocks for line in block.lines()]
                if len(lines) >= enough:
                    break
        await source.aclose()
    await backend.close()
    return numbers(lines)


def assert_without_hole(found: list[int]) -> None:
    """Counted on from the first one, each once."""
    assert found == list(range(found[0], found[0] + len(found)))


async def test_files_lose_and_repeat_nothing_over_rotations_and_restarts_of_the_source(
    server: Callable[..., SupervisordServer],
) -> None:
    running = server(count=COUNT)
    assert_without_hole(await in_attempts(running.backend(), 4, 150))
    assert len(list(running.folder.glob("count.log.*"))) >= 1


async def test_over_the_wire_a_reconnection_finds_the_seam(
    server: Callable[..., SupervisordServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    running = server(count=COUNT.replace("4KB", "0").replace("0.005", "0.05"))
    assert_without_hole(await in_attempts(running.backend(), 3, 20))


async def test_over_the_wire_a_gap_is_said(
    server: Callable[..., SupervisordServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    running = server(count=COUNT.replace("4KB", "0"))
    backend = running.backend()
    source = backend.logs(None)
    async with asyncio.timeout(20):
        seen: Seen[LogBatch] = await anext(source)
        while not seen.value.blocks:
            seen = await anext(source)
    await source.aclose()
    log = running.folder / "count.log"
    size = log.stat().st_size
    await until(lambda: log.stat().st_size > size + 2048, 30)
    source = backend.logs(seen.value)
    notes: list[str] = []
    async with asyncio.timeout(20):
        while not notes:
            notes += (await anext(source)).value.notes
    assert "lines are missing" in notes[0]
    await source.aclose()
    await backend.close()


async def test_logs_of_a_killed_supervisord_say_so_and_go_on(server: Callable[..., SupervisordServer]) -> None:
    running = server(count=COUNT)
    async with followed(running.backend()) as (feed, seens):
        await until(lambda: seens.lines.get("count"))
        running.kill()
        await until(lambda: feed.reading.state is State.UNREACHABLE)
        had = len(seens.lines["count"])
        running.start()
        await until(lambda: len(seens.lines["count"]) > had + 5, 20)
        # The program began to count anew: each run is there without a hole.
        found = numbers(seens.lines["count"])
        again = found.index(1, 1)
        assert_without_hole(found[:again])
        assert_without_hole(found[again:])


async def test_a_program_that_comes_later_is_followed_too(server: Callable[..., SupervisordServer]) -> None:
    running = server(one=HOSTILE, later=HOSTILE + "autostart=false\n")
    async with followed(running.backend()) as (_, seens):
        await until(lambda: seens.lines.get("one"))
        assert "later" not in seens.lines
        await asyncio.to_thread(running.control, "start", "later")
        await until(lambda: seens.lines.get("later"), 15)


async def test_what_is_no_file_is_not_read(server: Callable[..., SupervisordServer]) -> None:
    """Asking supervisord for a FIFO would stop it: it would wait in open()."""
    import os

    running = SupervisordServer()
    os.mkfifo(running.folder / "pipe")
    running._programs["p"] = f"command=sleep 600\nautostart=false\nstdout_logfile={running.folder}/pipe\n"
    with running:
        backend: Any = running.backend()
        batches = [batch async for batch in backend.history()]
        assert any("is not a file" in note for batch in batches for note in batch.notes)
        (check,) = await backend.check()
        assert check.ok
        await backend.close()


async def test_a_program_that_is_added_costs_the_others_no_line(server: Callable[..., SupervisordServer]) -> None:
    running = server(count=COUNT)
    async with followed(running.backend()) as (_, seens):
        await until(lambda: len(seens.lines.get("count", ())) > 50)
        running._programs["new"] = HOSTILE
        (running.folder / "s.conf").write_text(running._conf())
        await asyncio.to_thread(running.control, "update")
        await until(lambda: seens.lines.get("new"), 20)
        had = len(seens.lines["count"])
        await until(lambda: len(seens.lines["count"]) > had + 20)
        assert_without_hole(numbers(seens.lines["count"]))
