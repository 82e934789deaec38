"""Hostile texts through the real backends: every screen, every verb, everything that leaves the program."""

from __future__ import annotations

import base64
import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import BYTES, EVIL, NAME, foreign, unsafe
from tests.outside.hostile_lab import Lab, hostile_lab, put
from tests.outside.program import PROGRAM, run
from tests.outside.pty_program import Dashboard
from tests.servers.runs import until_gone
from tests.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with hostile_lab(tmp_path_factory.mktemp("hostile")) as made:
        yield made


def left(raw: bytes) -> list[str]:
    """The texts that were sent to the clipboard."""
    return [base64.b64decode(found).decode() for found in re.findall(rb"\x1b\]52;c;([^\x07]*)\x07", raw)]


def settled(board: Dashboard) -> None:
    """Until it says nothing more for a moment, a few seconds at most: some screens go on for ever."""
    end = time.monotonic() + 3.0
    while board.read(0.15) and time.monotonic() < end:
        pass


def pressed(board: Dashboard, *keys: str) -> None:
    """One after the other, so that an escape is not taken for the beginning of a sequence."""
    for key in keys:
        board.send(key)
        settled(board)


SCREENS = (
    (("overview", "overview"), ("members EVIL", "members"), ("processes EVIL", "processes")),
    (("units", "units"), ("targets", "targets"), ("alerts", "alerts"), ("metrics", "metrics")),
    (("query evil_metric", "metrics  query"), ("logs", "logs"), ("events", "events"), ("deploys", "deploys")),
)
"""What opens each, and a word of its title."""


def opened(board: Dashboard, words: str, title: str) -> None:
    board.send(f":{words}\r")
    board.until(lambda: title in board.screen.display[1])
    settled(board)


@pytest.mark.parametrize("screens", SCREENS, ids=["first", "then", "last"])
def test_no_screen_sends_anything_that_is_not_ours(
    lab: Lab, tmp_path: Path, screens: tuple[tuple[str, str], ...]
) -> None:
    with Dashboard("--config", str(lab.config), "-c", "members", size=(200, 50)) as board:
        board.until("? help", 30)
        board.until("all live", 20)
        for number, (words, title) in enumerate(screens):
            opened(board, words, title)
            pressed(board, "x", "\x1b")
            board.read(0.5)  # What is typed right after a dialog was left counts as typed into it.
            for key in ("d", "y", "l", "\r"):
                opened(board, words, title)
                pressed(board, key)
            opened(board, words, title)
            pressed(board, "c")
            board.send(f":w {tmp_path}/saved-{number}\r")
            board.until(" lines to ")
        pressed(board, ":log\r")
        board.send(":q\r")
        assert board.ended() == 0
    assert not foreign(board.raw)
    copies = left(board.raw)
    assert any("EVIL" in text for text in copies)
    assert not [found for text in copies if (found := unsafe(text))]
    saved = [(tmp_path / f"saved-{number}").read_text() for number in range(len(screens))]
    assert not [found for text in saved if (found := unsafe(text))]
    for path in (tmp_path / "xdg_state_home").rglob("*"):
        if path.suffix in (".log", ".txt", ".jsonl"):
            assert not unsafe(path.read_text()), path


def test_a_run_is_safe_where_it_is_seen_and_where_it_is_saved(lab: Lab, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    with Dashboard("--config", str(lab.config), "-c", "deploys", size=(200, 50)) as board:
        board.until("? help", 30)
        board.until("EVIL-run")
        pressed(board, "D", "\t", "\t", "\x1b")
        ran = run("deploy", "--config", str(lab.config), "EVIL-run", "--yes", "--follow", "--reason", EVIL)
        assert ran.status == 0, ran.err
        assert "EVIL" in ran.out
        assert not unsafe(ran.out + ran.err)
        for words in (("audit",), ("audit", "-o", "json"), ("audit", "verify")):
            told = run(*words)
            assert told.status == 0
            assert not unsafe(told.out + told.err)
        board.send(":runs\r")
        board.until("done")
        board.send("\r")
        board.until("1 ")
        board.send("l")
        board.until("EVIL")
        board.send(f":w {saved}\r")
        board.until(" lines to ")
        board.send(":q\r")
        assert board.ended() == 0
    until_gone()
    assert not foreign(board.raw)
    assert "EVIL" in saved.read_text()
    assert not unsafe(saved.read_text())
    kept = [path for path in (tmp_path / "xdg_state_home").rglob("*.jsonl") if "audit" in path.name]
    assert kept
    assert all(path.read_text().isascii() and not unsafe(path.read_text()) for path in kept)


VERBS = (
    *(("members",), ("processes",), ("units",), ("targets",), ("alerts",), ("deploys",), ("runs",), ("doctor",)),
    *(
        ("query", "evil_metric"),
        ("query", "evil_metric", "--range", "1m"),
        ("query", 'EVIL("\x1b[66m'),
        ("logs",),
    ),
    *(("logs", "--patterns"), ("config", "check"), ("config", "show"), ("audit",), ("signal", "EVIL", "TERM")),
)
PLAIN = (("config", "check"),)
"""These print no JSON."""


@pytest.mark.parametrize("words", VERBS, ids=[" ".join(words)[:20] for words in VERBS])
@pytest.mark.parametrize("output", ["table", "json"])
def test_no_verb_prints_anything_that_acts(lab: Lab, words: tuple[str, ...], output: str) -> None:
    ran = run(*words, "-o", output, "--config", str(lab.config))
    assert not unsafe(ran.out + ran.err)
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err
    if output == "json" and ran.out and words not in PLAIN:
        assert ran.out.isascii()
        assert ran.document


STREAMS = (("watch", f"etcd/{NAME}", "/services/"), ("events", "--watch"), ("members", "--watch"))


@pytest.mark.parametrize("words", STREAMS, ids=[words[0] for words in STREAMS])
def test_what_changes_is_streamed_safely(lab: Lab, words: tuple[str, ...], tmp_path: Path) -> None:
    argv, out, numbers = [PROGRAM, *words, "--config", str(lab.config)], tmp_path / "out", itertools.count()

    def told() -> bool:
        """Whether a key that comes now is told, once it listens."""
        key = f"/services/web/new-{words[0]}-{next(numbers)}-{EVIL}"
        put(lab.etcd, key.encode(), BYTES.replace(b"\0", b""))
        return f"new-{words[0]}".encode() in out.read_bytes()

    with out.open("wb") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, env=os.environ)
    try:
        wait_until(told, 20)
    finally:
        process.terminate()
        process.wait()
    text = out.read_text()
    assert "EVIL" in text
    assert not unsafe(text)
