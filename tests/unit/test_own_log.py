"""midwatch's own log is read with `cat`, and holds the words of servers."""

from __future__ import annotations

import logging
from pathlib import Path

from tests.hostile import EVIL, unsafe
from tests.waiting import wait_until
from tui.own_log_file import file_handler


def logged(path: Path, *words: object, error: Exception | None = None) -> str:
    handler = file_handler(path)
    info = None if error is None else (type(error), error, None)
    handler.handle(logging.LogRecord("midwatch.x", logging.ERROR, "", 0, "said %s", words, info))
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text()


def test_nothing_in_it_acts_on_a_terminal(tmp_path: Path) -> None:
    text = logged(tmp_path / "own.log", EVIL + "\ud800\0", error=ValueError(EVIL))
    assert not unsafe(text)
    assert text.count("EVIL") == 2


def test_nobody_outside_writes_a_line_that_looks_like_ours(tmp_path: Path) -> None:
    forged = "x\n2026-11-24 02:13:20,000 INFO midwatch.door all is well\n"
    text = logged(tmp_path / "own.log", forged, error=ValueError(forged))
    assert [line for line in text.splitlines() if not line.startswith("  ")] == text.splitlines()[:1]
    assert text.count("all is well") == 2
