"""Logs that real programs write and rotate themselves: Python, supervisord, and logrotate where it is there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.api.logs import Level
from backends.logs.files import Files
from tests.servers.files_followed import Collected, collect, source
from tests.servers.getting import program
from tests.servers.log_writer import STEADY, numbers, writer
from tui.demo.fetch import LOGROTATE

ROTATING = """
import logging, logging.handlers, sys
handler = logging.handlers.RotatingFileHandler(sys.argv[1], maxBytes=40_000, backupCount=1_000)
handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
logging.basicConfig(level=logging.DEBUG, handlers=[handler])
for number in range(int(sys.argv[2])):
    logging.getLogger("demo.part").log([10, 20, 30, 40, 50][number % 5], "line %08d", number)
"""


async def test_pythons_own_rotation_and_format(tmp_path: Path) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")
    async with source(log) as files:
        await collect(files, got, lambda: True)
        with writer(ROTATING, log, 5_000) as process:
            await collect(files, got, lambda: process.poll() is not None)
        records = [files.parse(line, str(log)) for line in got.lines[1:]]
    assert sorted(record.message for record in records) == [f"line {number:08d}" for number in range(5_000)]
    expected = [Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL]
    assert all(record.level is expected[int(record.message.split()[1]) % 5] for record in records)
    assert {record.fields["logger"] for record in records} == {"demo.part"}
    assert all(abs(record.time - datetime.now(UTC)) < timedelta(minutes=5) for record in records if record.time)
    assert all(record.time is not None for record in records)


SUPERVISORD = """
[supervisord]
nodaemon=true
logfile={folder}/s.log
pidfile={folder}/s.pid
childlogdir={folder}
[program:web]
command={python} -c "import time; time.sleep(60)"
startsecs=0
"""


@pytest.mark.server
async def test_supervisords_own_log(tmp_path: Path) -> None:
    pytest.importorskip("supervisor")
    conf = tmp_path / "s.conf"
    conf.write_text(SUPERVISORD.format(folder=tmp_path, python=sys.executable))
    argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
    got = Collected()
    async with source(tmp_path / "s.log") as files:
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                await until(files, got, lambda: any(b"spawned: 'web'" in line for line in got.lines))
                process.terminate()
                await until(files, got, lambda: any(b"stopped: web" in line for line in got.lines))
            finally:
                process.terminate()
        records = [files.parse(line, "s.log") for line in got.lines]
    spawned = next(record for record in records if record.message.startswith("spawned: 'web'"))
    assert spawned.level is Level.INFO
    assert spawned.time is not None
    stopping = next(record for record in records if "SIGTERM" in record.message)
    assert stopping.level is Level.WARN
    assert all(record.level is not None and record.time is not None for record in records)


async def until(files: Files, into: Collected, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20), aclosing(files.logs(into.last)) as seens:
        async for seen in seens:
            into.take(seen.value)
            if condition():
                return


@pytest.mark.server
@pytest.mark.parametrize("how", ["create", "copytruncate", "create\n  dateext\n  dateformat -%Y%m%d-%s"])
async def test_logrotate_itself(tmp_path: Path, how: str) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")
    conf = tmp_path / "rotate.conf"
    conf.write_text(f"{log} {{\n  rotate 50\n  size 1\n  {how}\n}}\n")
    conf.chmod(0o644)

    logrotate = Path(await asyncio.to_thread(program, LOGROTATE))
    # Unpacked, not installed: its library lies beside it.
    libraries = ":".join(str(folder) for folder in logrotate.parents[2].glob("usr/lib/*-linux-gnu"))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else dict(os.environ)

    async def rotate(running: Callable[[], bool]) -> None:
        while running():
            argv = [str(logrotate), "-f", "-s", str(tmp_path / "state"), str(conf)]
            await asyncio.to_thread(subprocess.run, argv, check=False, capture_output=True, env=environment)
            await asyncio.sleep(0.3)

    async with source(log) as files:
        await collect(files, got, lambda: True)
        with writer(STEADY, log, 40_000) as process:
            rotating = asyncio.create_task(rotate(lambda: process.poll() is None))
            await collect(files, got, lambda: process.poll() is not None and rotating.done())
        await rotating
    found = numbers(got.lines)
    # With a date in seconds for a name, a busy machine may rotate only once.
    assert len(list(tmp_path.glob("app.log?*"))) >= (1 if "dateext" in how else 2)
    assert any("copytruncate" in note for note in got.notes) is (how == "copytruncate")
    assert len(found) == len(set(found))
    if how != "copytruncate":
        assert set(found) == set(range(40_000))
