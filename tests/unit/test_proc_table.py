"""The process table between two looks, on a /proc that the test makes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.api.errors import Unsupported
from backends.api.processes import ProcessState
from backends.processes import local
from backends.processes.local import Local, LocalSettings
from backends.processes.proc import PAGE, TICKS
from backends.processes.table import REREAD, Table
from tests.unit.fake_proc import BOOTED, FakeProc

KEY = "box/7/100/0badcafe"


@pytest.fixture
def fake(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path / "proc")


@pytest.fixture
def table(fake: FakeProc) -> Table:
    return Table(str(fake.root), "box", "local/host")


def test_a_row_has_every_fact(fake: FakeProc, table: Table) -> None:
    fake.add(7, ticks=250, start=12345)
    row = table.look()["box/7/12345/0badcafe"]
    assert (row.key, row.source, row.host, row.pid, row.ppid) == (
        "box/7/12345/0badcafe",
        "local/host",
        "box",
        7,
        1,
    )
    assert (row.name, row.user, row.state, row.command) == (
        "worker",
        "root",
        ProcessState.SLEEPING,
        "worker --all",
    )
    assert (row.cpu, row.rss, row.threads) == (None, 10 * PAGE, 3)
    assert row.cpu_seconds == 250 / TICKS
    assert row.started == datetime.fromtimestamp(BOOTED + 12345 / TICKS, UTC)


def test_what_is_the_same_is_the_same_object(fake: FakeProc, table: Table) -> None:
    fake.add(7)
    fake.add(8, comm=b"busy")
    first = table.look()
    second = table.look()
    assert first[KEY].cpu is None
    assert second[KEY].cpu == 0.0
    for number in range(2 * REREAD):
        fake.add(8, comm=b"busy", ticks=number + 1)
        rows = table.look()
        assert rows[KEY] is second[KEY]
        assert rows["box/8/100/0badcafe"] is not second["box/8/100/0badcafe"]


@pytest.mark.parametrize(
    "change",
    [{"ticks": 1}, {"rss": 11}, {"state": "D"}, {"comm": b"other"}, {"ppid": 2}],
    ids=lambda change: next(iter(change)),
)
def test_each_fact_that_changes_makes_a_new_row(fake: FakeProc, table: Table, change: dict[str, int]) -> None:
    fake.add(7)
    table.look()
    before = table.look()[KEY]
    fake.add(7, **change)  # type: ignore[arg-type]
    after = table.look()[KEY]
    assert after is not before
    assert after != before


def test_a_title_is_seen_at_once_with_a_new_name_and_soon_without(fake: FakeProc, table: Table) -> None:
    fake.add(7)
    table.look()
    fake.add(7, comm=b"renamed", argv=b"renamed: idle\0")
    assert table.look()[KEY].command == "renamed: idle"
    fake.add(7, comm=b"renamed", argv=b"renamed: busy\0", uid=1)
    for _ in range(REREAD):
        row = table.look()[KEY]
    assert (row.command, row.user) == ("renamed: busy", "daemon")


def test_of_one_that_has_not_run_at_all_nothing_is_read_again(
    fake: FakeProc, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.processes.listening.COST", 0)
    fake.add(7, threads=1, ran=b"900 10 3\n", argv=b"idle\0")
    for _ in range(3 * REREAD):
        assert table.look()[KEY].command == "idle"
    # No process's title becomes another one so: what is shown is that this one is not asked.
    fake.add(7, threads=1, ran=b"900 10 3\n", argv=b"busy\0")
    for _ in range(2 * REREAD):
        assert table.look()[KEY].command == "idle"
    fake.add(7, threads=1, ran=b"950 10 4\n", argv=b"busy\0")
    for _ in range(REREAD):
        row = table.look()[KEY]
    assert row.command == "busy"


def test_of_one_with_several_threads_the_first_does_not_tell(fake: FakeProc, table: Table) -> None:
    fake.add(7, threads=2, ran=b"900 10 3\n", argv=b"idle\0")
    for _ in range(3 * REREAD):
        table.look()
    fake.add(7, threads=2, ran=b"900 10 3\n", argv=b"busy\0")
    for _ in range(REREAD):
        row = table.look()[KEY]
    assert row.command == "busy"


def test_every_title_is_read_again_but_not_all_at_one_look(fake: FakeProc, table: Table) -> None:
    pids = range(100, 100 + 3 * REREAD)
    for pid in pids:
        fake.add(pid)
    table.look()
    for pid in pids:
        fake.add(pid, argv=b"new\0")
    seen = [sum(row.command == "new" for row in table.look().values()) for _ in range(REREAD)]
    assert seen == [3 * (number + 1) for number in range(REREAD)]


def test_a_pid_that_was_given_out_again_is_another_process(fake: FakeProc, table: Table) -> None:
    fake.add(7, ticks=500)
    table.look()
    fake.remove(7)
    fake.add(7, ticks=510, start=200, argv=b"other\0")
    rows = table.look()
    assert list(rows) == ["box/7/200/0badcafe"]
    assert (rows["box/7/200/0badcafe"].cpu, rows["box/7/200/0badcafe"].command) == (None, "other")


def test_a_process_that_ends_while_we_look_costs_nobody_else(fake: FakeProc, table: Table) -> None:
    fake.add(7)
    (fake.root / "8").mkdir()
    (fake.root / "9").mkdir()
    (fake.root / "9/stat").write_bytes(b"9 (cut) S 1 1")
    assert list(table.look()) == [KEY]


def test_a_process_whose_files_are_gone_but_for_stat_is_still_there(fake: FakeProc, table: Table) -> None:
    fake.add(7, argv=None, uid=None)
    row = table.look()[KEY]
    assert (row.command, row.user) == ("[worker]", None)


def test_a_zombie_keeps_the_command_line_that_it_had(fake: FakeProc, table: Table) -> None:
    fake.add(7)
    table.look()
    fake.add(7, state="Z", argv=b"", rss=0)
    for _ in range(REREAD):
        row = table.look()[KEY]
    assert (row.state, row.command) == (ProcessState.ZOMBIE, "worker --all")


def test_a_kernel_thread_has_its_name_in_brackets(fake: FakeProc, table: Table) -> None:
    fake.add(7, comm=b"kworker/0:1-ev", kernel=True, state="I", argv=b"")
    row = table.look()[KEY]
    assert (row.command, row.state) == ("[kworker/0:1-ev]", ProcessState.SLEEPING)


def test_a_state_that_we_have_no_word_for_is_unknown_and_the_letter_is_kept(fake: FakeProc, table: Table) -> None:
    fake.add(7, state="X")
    row = table.look()[KEY]
    assert row.state is None
    assert row.details[0].value == "X"


def test_an_unknown_user_is_a_number(fake: FakeProc, table: Table) -> None:
    fake.add(7, uid=54321)
    assert table.look()[KEY].user == "54321"


def test_without_proc_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="no such file"):
        Table(str(tmp_path / "nothing"), "box", "local/host").look()


class Stuck:
    """A Local on a /proc where one process holds whoever asks for its command line."""

    def __init__(self, fake: FakeProc) -> None:
        fake.add(7)
        fake.add(8)
        self._fake, self._path = fake, fake.hold(8)

    def let_go(self) -> None:
        # Opened for both, a FIFO waits for nobody, and its readers go on.
        os.close(os.open(self._path, os.O_RDWR | os.O_NONBLOCK))

    def read_well(self) -> None:
        held = self._path.with_name("held")
        self._path.rename(held)
        self._path = held
        self._fake.add(8)
        self.let_go()


@pytest.fixture
def stuck(fake: FakeProc, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    monkeypatch.setattr(local, "PROC", str(fake.root))
    monkeypatch.setattr(local, "PATIENCE", 0.1)
    monkeypatch.setattr(local, "INTERVAL", 0.01)
    holder = Stuck(fake)
    yield holder
    holder.let_go()


async def test_a_process_that_holds_its_reader_costs_only_itself(stuck: Stuck) -> None:
    backend = Local("host", LocalSettings())
    source = backend.processes(None)
    async with asyncio.timeout(5):
        seen = await anext(source)
        rows = {row.pid: row for row in seen.value.values()}
        assert rows[7].trouble is None
        assert rows[7].command == "worker --all"
        assert rows[8].trouble is not None
        assert rows[8].command == "[worker]"
        for _ in range(2 * REREAD):
            seen = await anext(source)
        assert len(seen.value) == 2
    await source.aclose()
    async with asyncio.timeout(1):
        await backend.close()


async def test_it_is_read_again_when_it_lets_go(stuck: Stuck) -> None:
    backend = Local("host", LocalSettings())
    source = backend.processes(None)
    async with asyncio.timeout(5):
        await anext(source)
        await asyncio.to_thread(stuck.read_well)
        while True:
            rows = {row.pid: row for row in (await anext(source)).value.values()}
            if rows[8].trouble is None:
                break
    assert rows[8].command == "worker --all"
    await source.aclose()
    await backend.close()


async def test_a_proc_that_hides_processes_is_told(fake: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PROC", str(fake.root))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    await asyncio.to_thread(fake.add, 7)
    backend = Local("host", LocalSettings())
    (plain,) = await backend.check()
    assert plain.ok
    assert "1 processes, boot 0badcafe" in plain.text
    assert "hidden" not in plain.text
    await asyncio.to_thread(fake.mounts, "rw,hidepid=2,gid=4")
    (hiding,) = await backend.check()
    assert "hidepid=2" in hiding.text
    assert "gid=" in hiding.hint
    source = backend.hosts(None)
    host = next(iter((await anext(source)).value.values()))
    assert "hidepid=2" in str(host.details[0].value)
    await source.aclose()
    await backend.close()


async def test_an_idle_host_is_the_same_object(fake: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PROC", str(fake.root))
    monkeypatch.setattr(local, "INTERVAL", 0.01)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    backend = Local("host", LocalSettings())
    source = backend.hosts(None)
    first = await anext(source)
    host = next(iter(first.value.values()))
    assert (host.memory_total, host.memory_available, host.cpu) == (2 << 20, 1 << 20, None)
    await asyncio.to_thread((fake.root / "meminfo").write_text, "MemTotal: 2048 kB\nMemAvailable: 1530 kB\n")
    second = await anext(source)
    assert second.changed == frozenset()
    assert next(iter(second.value.values())) is host
    await asyncio.to_thread((fake.root / "stat").write_text, "cpu  150 0 100 850 0 0 0 0 0 0\nbtime 1\n")
    third = await anext(source)
    assert next(iter(third.value.values())).cpu == 50.0
    await source.aclose()
    await backend.close()


async def test_a_check_does_not_disturb_the_percentages(fake: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PROC", str(fake.root))
    monkeypatch.setattr(local, "INTERVAL", 0.01)
    await asyncio.to_thread(fake.add, 7)
    backend = Local("host", LocalSettings())
    source = backend.processes(None)
    await anext(source)
    await asyncio.to_thread(fake.add, 7, ticks=10)
    await backend.check()
    row = next(iter((await anext(source)).value.values()))
    assert row.cpu
    await source.aclose()
    await backend.close()
