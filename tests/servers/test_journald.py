"""The journal as a backend, against a real one: nothing lost, nothing twice, and what may go wrong said."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from backends.api.errors import BackendError, Denied, NotFound, Unsupported
from backends.api.feed import Feed
from backends.api.logs import Beside, Level, LogBatch, LogBlock, LogRecord, LogSpan
from backends.api.pace import Pace
from backends.api.readings import Seen, State
from backends.api.registry import load
from backends.api.tail import Tail
from backends.logs import journald as module
from backends.logs.journald import Journald, JournaldSettings
from tests.servers.journal import Journal, journalctl
from tests.waiting import until
from tui.demo.getting import find, libraries
from tui.screens.logs.history import LoadedHistory
from widgets.logs.lines import LogLines

pytestmark = pytest.mark.server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    folder = tmp_path / "journal"
    folder.mkdir()
    with Journal(folder) as made:
        yield made


@asynccontextmanager
async def source(journal: Journal, **settings: Any) -> AsyncIterator[Journald]:
    backend = Journald("main", JournaldSettings(program=journalctl(), files=(journal.pattern,), **settings))
    try:
        yield backend
    finally:
        await backend.close()
        assert children() == set(), "every journalctl is ended and reaped"


def children() -> set[int]:
    """The children of this process that are a journalctl, zombies included."""
    found = set()
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            head, _, rest = (entry / "stat").read_text().rpartition(")")
            if rest.split()[1] == str(os.getpid()) and "(journalctl" in head:
                found.add(int(entry.name))
    return found


def messages(backend: Journald, batch: LogBatch) -> list[str]:
    return [record.message for record in records(backend, batch)]


def records(backend: Journald, batch: LogBatch) -> list[LogRecord]:
    return [backend.parse(raw, block.origin) for block in batch.blocks for raw in block.lines()]


async def history(backend: Journald, since: datetime | None = None) -> list[LogRecord]:
    return [record async for batch in backend.history(since) for record in records(backend, batch)]


class Follow:
    """Takes from a source until enough has come; remembers the last batch, as a feed does."""

    def __init__(self, backend: Journald) -> None:
        self._backend = backend
        self.last: LogBatch | None = None
        self.notes: list[str] = []

    async def take(self, count: int, seconds: float = 20.0) -> list[str]:
        """The next `count` messages, of one attempt that begins after the last one."""
        async with asyncio.timeout(seconds), aclosing(self._backend.logs(self.last)) as seens:
            return await self.some(seens, count)

    async def some(self, seens: AsyncGenerator[Seen[LogBatch], None], count: int = 1) -> list[str]:
        """The next messages, at least so many of them."""
        found: list[str] = []
        while len(found) < count:
            found += await self.one(seens)
        return found

    async def one(self, seens: AsyncGenerator[Seen[LogBatch], None]) -> list[str]:
        self.last = (await anext(seens)).value
        self.notes += self.last.notes
        return messages(self._backend, self.last)


def test_the_registry_finds_it() -> None:
    assert load("journald") is Journald


async def test_the_tail_then_what_comes(journal: Journal) -> None:
    journal.write(f"line {number}" for number in range(1_500))
    journal.settle()
    async with source(journal) as backend, asyncio.timeout(20), aclosing(backend.logs(None)) as seens:
        follow = Follow(backend)
        assert await follow.some(seens, 1_000) == [f"line {number}" for number in range(500, 1_500)]
        journal.write(["and one more"])
        assert await follow.some(seens) == ["and one more"]


async def test_a_restart_loses_nothing_and_repeats_nothing(journal: Journal) -> None:
    async with source(journal) as backend:
        follow = Follow(backend)
        expected = 0
        for _ in range(3):
            journal.write(f"line {number}" for number in range(expected, expected + 50))
            journal.settle()
            found = await follow.take(50)
            assert found == [f"line {number}" for number in range(expected, expected + 50)]
            expected += 50
        assert follow.notes == []


async def test_what_came_before_a_reboot_is_followed_too(journal: Journal) -> None:
    """journalctl's own `--follow` shows the last boot only, even where its cursor is in the one before."""
    async with source(journal) as backend:
        follow = Follow(backend)
        journal.write(["one"])
        assert await follow.take(1) == ["one"]
        journal.write(["two: going down"])
        journal.write(["three: up again"], _BOOT_ID="cd" * 16)
        journal.settle()
        assert await follow.take(2) == ["two: going down", "three: up again"]
        assert await Follow(backend).take(3) == ["one", "two: going down", "three: up again"]
        assert follow.notes == []


async def test_an_empty_journal_is_live_and_its_first_entry_comes(journal: Journal) -> None:
    async with source(journal) as backend, asyncio.timeout(20), aclosing(backend.logs(None)) as seens:
        follow = Follow(backend)
        assert await follow.one(seens) == []
        await seens.aclose()
        journal.write(f"line {number}" for number in range(2_000))
        journal.settle()
        assert await follow.take(2_000) == [f"line {number}" for number in range(2_000)]


async def test_a_cursor_that_was_vacuumed_away_is_a_gap(journal: Journal) -> None:
    async with source(journal) as backend:
        follow = Follow(backend)
        journal.write(["old"])
        assert await follow.take(1) == ["old"]
        journal.write(["lost"])
        journal.rotate("b.journal")
        (journal.folder / "b.journal").unlink()
        journal.write(["new", "newer"])
        journal.settle()
        assert await follow.take(2) == ["new", "newer"]
        (note,) = follow.notes
        assert "no longer holds" in note


async def test_a_rotation_under_the_follower_is_followed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journalctl that was given files never looks at a new one (it opens no others): it is replaced."""
    monkeypatch.setattr(module, "PROVE", 0.3)
    monkeypatch.setattr(module, "LATE", 0.3)
    async with source(journal) as backend, asyncio.timeout(30), aclosing(backend.logs(None)) as seens:
        follow = Follow(backend)
        journal.write(["one"])
        assert await follow.some(seens) == ["one"]
        journal.rotate("b.journal")
        journal.write(["two", "three"])
        journal.settle()
        assert await follow.some(seens, 2) == ["two", "three"]
        assert follow.notes == []


async def test_a_stopped_follower_is_replaced(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROVE", 0.3)
    monkeypatch.setattr(module, "LATE", 0.3)
    async with source(journal) as backend, asyncio.timeout(30), aclosing(backend.logs(None)) as seens:
        follow = Follow(backend)
        journal.write(["one"])
        assert await follow.some(seens) == ["one"]
        (child,) = children()
        os.kill(child, signal.SIGSTOP)
        assert await follow.one(seens) == []  # Nothing was written: that is true without it as well.
        journal.write(["two"])
        assert await follow.some(seens) == ["two"]
        assert child not in children()


async def test_a_journal_that_nobody_writes_to_is_proved_without_another_journalctl(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROVE", 0.1)
    calls, script = tmp_path / "calls", tmp_path / "journalctl"
    script.write_text(f'#!/bin/sh\necho >> {calls}\nexec {journalctl()} "$@"\n')
    script.chmod(0o755)
    backend = Journald("main", JournaldSettings(program=str(script), files=(journal.pattern,)))
    async with asyncio.timeout(30), aclosing(backend.logs(None)) as seens:
        follow = Follow(backend)
        journal.write(["one"])
        assert await follow.some(seens) == ["one"]
        for _ in range(3):  # Until the writer has touched its file for the last time.
            assert await follow.one(seens) == []
        before = calls.read_text()
        for _ in range(4):
            assert await follow.one(seens) == []
        assert calls.read_text() == before
        journal.write(["two"])
        assert await follow.some(seens) == ["two"]


async def test_a_journalctl_that_never_answers_is_silent(journal: Journal, tmp_path: Path) -> None:
    """Neither a follower nor anybody else says anything: that is not live."""
    stuck = tmp_path / "journalctl"
    stuck.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    stuck.chmod(stuck.stat().st_mode | stat.S_IXUSR)
    backend = Journald("main", JournaldSettings(program=str(stuck)), timeout=0.5)
    with pytest.raises(BackendError, match="no answer from journalctl"):
        async with asyncio.timeout(20), aclosing(backend.logs(None)) as seens:
            await anext(seens)
    (check,) = await backend.check()
    assert (check.ok, check.text) == (False, "no answer from journalctl within 0.5 s")


async def test_a_killed_follower_is_started_anew_by_the_feed(journal: Journal) -> None:
    tail = Tail()
    async with source(journal) as backend:
        feed: Feed[LogBatch, LogSpan] = Feed("journal", backend.logs, pace=Pace(quiet=5), fold=tail.take)
        leave = feed.watch(lambda new, before: None)
        try:
            journal.write(f"line {number}" for number in range(10))
            journal.settle()
            await until(lambda: tail.span.end == 10, 20)
            (child,) = children()
            os.kill(child, signal.SIGKILL)
            await until(lambda: feed.reading.state is State.UNREACHABLE, 20)
            assert feed.reading.error is not None
            assert "journalctl ended" in feed.reading.error.reason
            journal.write(f"line {number}" for number in range(10, 20))
            journal.settle()
            await until(lambda: tail.span.end >= 20, 20)
            assert feed.reading.state is State.LIVE
            found = [backend.parse(line.raw, line.origin).message for line in tail.lines(0, 100)]
            assert found == [f"line {number}" for number in range(20)]
        finally:
            leave()
            await feed.close()


async def test_a_burst_loses_nothing(journal: Journal) -> None:
    tail = Tail()
    worst = 0.0
    async with source(journal) as backend:
        feed: Feed[LogBatch, LogSpan] = Feed("journal", backend.logs, pace=Pace(quiet=5), fold=tail.take)
        leave = feed.watch(lambda new, before: None)
        try:
            await until(lambda: feed.reading.state is State.LIVE, 20)

            def burst() -> None:
                for number in range(0, 20_000, 100):
                    unit = f"{number // 100 % 7}.service"
                    journal.write((f"line {n}" for n in range(number, number + 100)), _SYSTEMD_UNIT=unit)
                journal.settle()

            writing = asyncio.create_task(asyncio.to_thread(burst))
            before = time.monotonic()
            while tail.span.end < 20_000:
                await asyncio.sleep(0.001)
                now = time.monotonic()
                worst, before = max(worst, now - before), now
                assert feed.reading.state is State.LIVE
            await writing
            found = [backend.parse(line.raw, line.origin).message for line in tail.lines(0, 30_000)]
            assert found == [f"line {number}" for number in range(20_000)]
            assert {line.origin for line in tail.lines(0, 30_000)} == {f"{n}.service" for n in range(7)}
            assert worst < 0.5, "the loop has its turn while a burst comes in"
        finally:
            leave()
            await feed.close()


async def test_bytes_of_every_kind_are_records(journal: Journal) -> None:
    long = "x" * 200_000
    journal.write(["two\nlines", b"bad \xff\x1b[2J", b"nul\0in", "x" * 6_000, long, ""])
    journal.settle()
    async with source(journal) as backend:
        found = await history(backend)
        shown = [backend.shown(record.raw) for record in found]
    assert [record.message for record in found[:5]] == [
        "two\nlines",
        "bad \ufffd\x1b[2J",
        "nul\0in",
        "x" * 6_000,
        long,
    ]
    assert all(b"\n" not in line for line in shown)
    assert "two ⏎ lines" in shown[0].decode()


async def test_a_record_says_who_when_and_how_bad(journal: Journal) -> None:
    before = datetime.now(UTC)
    for priority in range(8):
        journal.write([f"p{priority}"], PRIORITY=str(priority))
    journal.write(["none"], PRIORITY="", _SYSTEMD_UNIT="", _PID="")
    journal.write(["ERROR in what a service prints"], _TRANSPORT="stdout")
    journal.write(["Started web."], _PID="1", _SYSTEMD_UNIT="init.scope", UNIT="web.service")
    journal.write(["lies"], _SYSTEMD_UNIT="evil.service", UNIT="web.service")
    journal.settle()
    async with source(journal) as backend:
        found = await history(backend)
        assert [record.level for record in found] == [
            *(
                Level.FATAL,
                Level.FATAL,
                Level.FATAL,
                Level.ERROR,
                Level.WARN,
                Level.INFO,
                Level.INFO,
                Level.DEBUG,
            ),
            *(None, Level.ERROR, Level.INFO, Level.INFO),
        ]
        assert found[0].fields == {"unit": "web.service", "identifier": "web", "pid": "42", "host": "h1"}
        assert found[0].format == "journald"
        assert found[8].fields == {"identifier": "web", "host": "h1"}
        assert [record.fields["unit"] for record in found[10:]] == ["web.service", "evil.service"]
        assert found[0].time is not None
        assert before - timedelta(seconds=1) < found[0].time <= datetime.now(UTC)
        blocks = [block async for batch in backend.history() for block in batch.blocks]
        assert [origin for origin, _ in groupby(block.origin for block in blocks)] == [
            "web.service",
            "web",
            "web.service",
            "evil.service",
        ]


async def test_units_priority_and_boot_choose(journal: Journal) -> None:
    journal.write(["a"], _SYSTEMD_UNIT="a.service", PRIORITY="3")
    journal.write(["b"], _SYSTEMD_UNIT="b.service", PRIORITY="6")
    journal.write(["c"], _SYSTEMD_UNIT="c.service", PRIORITY="4")
    journal.settle()
    for settings, expected in (
        ({"units": ("a.service", "c.service")}, ["a", "c"]),
        ({"priority": "err"}, ["a"]),
        ({"priority": 4}, ["a", "c"]),
        ({"units": ("*.service",), "priority": "warning..info"}, ["b", "c"]),
        ({"boot": "ab" * 16}, ["a", "b", "c"]),
        ({"units": ("none.service",)}, []),
    ):
        async with source(journal, **settings) as backend:
            assert [record.message for record in await history(backend)] == expected, settings


async def test_a_filter_that_nothing_passes_stays_live(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROVE", 0.2)
    async with (
        source(journal, units=("b.service",)) as backend,
        asyncio.timeout(20),
        aclosing(backend.logs(None)) as seens,
    ):
        follow = Follow(backend)
        assert await follow.one(seens) == []
        journal.write(["not asked for"])
        assert await follow.one(seens) == []
        journal.write(["asked for"], _SYSTEMD_UNIT="b.service")
        assert await follow.some(seens) == ["asked for"]


async def test_history_from_a_time_on_leads_into_logs(journal: Journal) -> None:
    journal.write(["old"])
    await asyncio.sleep(0.01)
    now = datetime.now(UTC)
    async with source(journal) as backend:
        batches = [batch async for batch in backend.history(now)]
        assert [text for batch in batches for text in messages(backend, batch)] == []
        follow = Follow(backend)
        follow.last = batches[-1]
        journal.write(["new"])
        assert await follow.take(1) == ["new"]
        journal.settle()
        assert [record.message for record in await history(backend, now)] == ["new"]
        assert len(await history(backend)) == 2


async def test_beside_a_block_is_all_the_rest_in_both_directions(journal: Journal) -> None:
    expected = [f"entry {number}" for number in range(300)]
    for number in range(300):
        journal.write([expected[number]], _SYSTEMD_UNIT=f"{'ab'[number % 2]}.service")
    journal.settle()
    async with source(journal) as backend:

        async def beside(place: Beside) -> list[str]:
            batches = [batch async for batch in backend.history(beside=place)]
            return [text for batch in batches[:: -1 if place.back else 1] for text in messages(backend, batch)]

        blocks = [block async for batch in backend.history() for block in batch.blocks]
        assert await beside(Beside()) == expected
        assert await beside(Beside(back=True)) == expected
        assert await beside(Beside("", blocks[100], back=True)) == expected[:100]
        assert await beside(Beside("", blocks[100])) == expected[101:]
        middle = backend.parse(blocks[150].lines()[0], "").time
        assert [
            text
            for batch in [b async for b in backend.history(middle, beside=Beside())]
            for text in messages(backend, batch)
        ] == expected[150:]
        with pytest.raises(Unsupported, match="no place in it"):
            await beside(Beside("", LogBlock("journal", b"no entry", 1)))


async def test_it_is_looked_back_through_in_its_own_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.logs.journalctl.CHUNK", 4096)
    monkeypatch.setattr("tui.screens.logs.history.BYTES_AT_ONCE", 8192)
    expected = [f"entry {number}" for number in range(300)]
    for number in range(300):
        journal.write([expected[number]], _SYSTEMD_UNIT=f"{'ab'[number % 2]}.service")
    journal.settle()

    def shown(part: LoadedHistory) -> list[str]:
        lines = LogLines()
        lines.show(part.feeders, part.settled)
        while lines.filtering:
            lines.go_on()
        return [record.message for row in lines.rows if (record := lines.records.of(row)) is not None]

    async with source(journal) as backend:
        moment = (await history(backend))[150].time
        for since in (None, moment):
            part = LoadedHistory([(backend.source, "", backend)], datetime.now(UTC))
            await part.begin(since)
            assert len(shown(part)) < 200
            assert shown(part)[0] == expected[0] or since is not None
            while not (part.at_end(back=True) and part.at_end(back=False)):
                await part.more(back=True)
                await part.more(back=False)
            assert shown(part) == expected
            assert part.said == []


async def test_what_is_not_there_says_so(tmp_path: Path) -> None:
    backend = Journald("main", JournaldSettings(program=journalctl(), files=(str(tmp_path / "no.journal"),)))
    with pytest.raises(NotFound, match="No such file"):
        await history(backend)
    async with asyncio.timeout(20), aclosing(backend.logs(None)) as seens:
        with pytest.raises(NotFound):
            await anext(seens)
    (check,) = await backend.check()
    assert not check.ok
    assert "No such file" in check.text
    backend = Journald("main", JournaldSettings(program=str(tmp_path / "journalctl")))
    with pytest.raises(Unsupported, match="no journalctl") as caught:
        await history(backend)
    assert "package systemd" in caught.value.hint


async def test_a_journal_that_may_not_be_read(journal: Journal) -> None:
    journal.write(["secret"])
    journal.settle()
    nobody = 65534
    if os.geteuid():
        journal.path.chmod(0)
        backend = Journald("main", JournaldSettings(program=journalctl(), files=(str(journal.path),)))
        with pytest.raises(Denied):
            await history(backend)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "a.journal"
        path.write_bytes(journal.path.read_bytes())
        path.chmod(0)
        script = Path(folder) / "journalctl"
        become = f"import os, sys\nos.setuid({nobody})\nos.execv({journalctl()!r}, sys.argv)\n"
        if libraries(find("journalctl") or ""):
            # Unpacked into root's own cache, where nobody can't run it: what it would say.
            become = "import sys\nsys.exit('Failed to open files: Permission denied')\n"
        script.write_text(f"#!{sys.executable}\n{become}")
        script.chmod(0o755)
        backend = Journald("main", JournaldSettings(program=str(script), files=(str(path),)))
        with pytest.raises(Denied, match="ermission") as caught:
            await history(backend)
        assert "systemd-journal" in caught.value.hint
        (check,) = await backend.check()
        assert not check.ok
        assert "systemd-journal" in check.hint


async def test_what_journalctl_complains_of_is_told_once(journal: Journal, tmp_path: Path) -> None:
    """The hint to a user outside its groups can't be had as root: a journalctl says it before the real one."""
    script = tmp_path / "journalctl"
    hint = "Hint: You are currently not seeing messages from other users and the system."
    script.write_text(f"#!/bin/sh\necho '{hint}' >&2\nexec {journalctl()} \"$@\"\n")
    script.chmod(0o755)
    journal.write(["mine"])
    journal.settle()
    backend = Journald("main", JournaldSettings(program=str(script), files=(journal.pattern,)))
    notes = [note async for batch in backend.history() for note in batch.notes]
    (note,) = notes
    assert "not seeing messages" in note
    assert "systemd-journal" in note
    assert [note async for batch in backend.history() for note in batch.notes] == []
    (check,) = await backend.check()
    assert not check.ok
    assert "systemd-journal" in check.hint


async def test_doctor_tells_the_newest_entry(journal: Journal) -> None:
    async with source(journal) as backend:
        (check,) = await backend.check()
        assert (check.ok, check.text) == (True, "no entry")
        journal.write(["one"])
        journal.settle()
        (check,) = await backend.check()
        assert check.ok
        assert check.text.startswith("newest entry of 20")


def test_it_goes_when_midwatch_is_killed(journal: Journal, tmp_path: Path) -> None:
    """The follower polls its output, and nobody reads that any more."""
    journal.write(["one"])
    journal.settle()
    code = (
        "import asyncio, sys\n"
        "from backends.logs.journald import Journald, JournaldSettings\n"
        "async def main():\n"
        "    settings = JournaldSettings(program=sys.argv[1], files=(sys.argv[2],))\n"
        "    async for seen in Journald('main', settings).logs(None):\n"
        "        print('live', flush=True)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, journalctl(), journal.pattern], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and _parent(entry) == process.pid
        ]
        assert found
        process.kill()
    deadline = time.monotonic() + 10
    while any(_is_journalctl(pid) for pid in found):
        assert time.monotonic() < deadline, "an orphan is left"
        time.sleep(0.02)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _is_journalctl(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return "(journalctl" in stat and stat.rpartition(")")[2].split()[0] not in "ZX"


async def test_discovery_finds_a_journal_that_may_be_read(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"PATH": os.path.dirname(journalctl())}
    monkeypatch.setattr(module, "JOURNALS", (f"{journal.folder}/none/*",))
    (found,) = await Journald.discover(env, 5)
    assert (found.settings, found.reason) == (None, "no journal")
    monkeypatch.setattr(module, "JOURNALS", (journal.pattern,))
    (found,) = await Journald.discover(env, 5)
    assert found.settings == JournaldSettings()
    (found,) = await Journald.discover({"PATH": "/nowhere"}, 5)
    assert found.settings is None
    assert "no journalctl" in found.reason
