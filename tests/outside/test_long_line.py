"""A log with lines of ten million bytes: what it costs to look at it."""

from __future__ import annotations

import base64
from pathlib import Path

import psutil
import pytest

from tests.outside.program import run
from tests.outside.pty_program import Dashboard

LONG = {
    "plain": b"x",
    "wide": "漢字".encode(),
    "escapes": b"\x1b[31mred\x1b[0m",
    "json": b'{"a":',
    "words": b"k=v ",
}
SIZE = 10_000_000


@pytest.fixture(params=LONG)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    piece = LONG[request.param]
    line = b"first " + piece * (SIZE // len(piece))
    path.write_bytes(b"before\n" + line + b"\n" + line + b"\nERROR the last one\n")
    return path


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def test_it_is_shown_and_walked_through_at_little_cost(log: Path, tmp_path: Path) -> None:
    config, whole = tmp_path / "config.toml", log.read_bytes()
    log.write_bytes(b"before\n")
    config.write_text(f'[context.a]\nlocal = false\n[context.a.files.app]\npaths = ["{log}"]\n')
    with Dashboard("--config", str(config), "-c", "logs app") as board:
        board.until("before", 30)
        process = psutil.Process(board.process.pid)
        before, memory = spent(process), process.memory_info().rss
        with log.open("ab") as file:
            file.write(whole)
        board.until("the last one")
        board.read(0.5)
        shown = spent(process)
        for key in ("k", "k", "k", "j", "j", "w", "w", "k"):
            board.send(key)
            board.read(0.2)
        walked = spent(process)
        grown = process.memory_info().rss - memory
        assert "first" in board.text
        board.send("\r")
        board.until("log record")
        board.send(":q\r")
        assert board.ended() == 0
    # An eighth of it, and a fourth of the memory, on the machine that it was written on.
    assert shown - before < 3
    assert walked - shown < 3
    assert grown < 200 << 20


def test_no_byte_of_it_is_lost_in_print(log: Path) -> None:
    """Of a record that is given out in pieces one may end within a letter."""
    ran = run("logs", str(log), "-o", "jsonl", seconds=60)
    assert ran.status == 0
    raws = [
        base64.b64decode(item["raw"]) if item["encoding"] == "base64" else item["raw"].encode()
        for item in ran.items
    ]
    assert b"".join(raws) == log.read_bytes().replace(b"\n", b"")
