"""The terminal: what is sent to it, and that it is given back on every way out."""

from __future__ import annotations

import os
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from tests.outside.pty_program import Dashboard, restored
from tests.waiting import wait_until

BARE = "[context.bare]\n"


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(f'[context.bare]\n[context.bare.files.app]\npaths = ["{tmp_path}/*.log"]\n')
    return str(path)


def test_a_command_typed_ahead_in_one_burst_counts_from_the_first_frame_on(config: str) -> None:
    with Dashboard("--config", config) as board:
        board.until(lambda: b"\x1b[?1049h" in board.raw)
        board.send(":processes\r/python\r")
        board.until("filter python")
        board.send(":q\r")
        assert board.ended() == 0
        assert restored(board)


def test_a_first_command(config: str) -> None:
    with Dashboard("--config", config, "-c", "logs app", size=(80, 24)) as board:
        board.until("logs  files/app")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=["SIGTERM", "SIGHUP", "SIGQUIT"]
)
@pytest.mark.parametrize("moment", ["skeleton", "dashboard"])
def test_signals_give_the_terminal_back(config: str, number: signal.Signals, moment: str) -> None:
    """In the half second in which the skeleton stands and Python imports, too."""
    with Dashboard("--config", config) as board:
        board.until((lambda: b"\x1b[?1049h" in board.raw) if moment == "skeleton" else "2 memb")
        board.signal(number)
        assert board.ended() == 128 + number
        assert restored(board)


def test_an_exception_gives_the_terminal_back_and_prints_no_locals(config: str, tmp_path: Path) -> None:
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import tui.keys\n"
        "def boom(*words):\n    secret = 'hunter2'\n    raise RuntimeError('broken on purpose')\n"
        "tui.keys.Keys.press = boom\n"
    )
    with Dashboard("--config", config, "-c", "members", env={"PYTHONPATH": str(tmp_path)}) as board:
        board.until("members  –")
        board.send("U")
        assert board.ended() == 1
        assert restored(board)
        assert b"bug of its own" in board.raw
        assert b"hunter2" not in board.raw


def test_a_vanished_terminal_ends_the_program(config: str) -> None:
    with Dashboard("--config", config) as board:
        board.until("2 memb")
        board.hang_up()
        began = time.monotonic()
        board.process.wait(5)
        assert time.monotonic() - began < 2.5


def test_a_vanished_terminal_ends_the_program_also_where_hang_ups_are_ignored(config: str) -> None:
    with Dashboard("--config", config, ignore_hangup=True) as board:
        board.until("2 memb")
        board.hang_up()
        board.process.wait(5)


def test_hostile_processes_and_lines_send_no_escape_of_theirs(config: str, tmp_path: Path) -> None:
    word = f"EVIL{os.getpid()}"  # Other tests have such processes too, at the same time.
    evil = f"\x1b]52;c;ZXZpbA==\x07\x1b[2J{word}\x9b31m\u202e[@click=app.leave]x[/]"
    (tmp_path / "a.log").write_bytes(evil.encode() + b"\xff\x00 line\n")
    sleeper = subprocess.Popen(["sh", "-c", "read x", evil], stdin=subprocess.PIPE)
    try:
        with Dashboard("--config", config, "-c", "logs app", size=(180, 40)) as board:
            board.until(word)
            board.send(f":processes\r/{word}\r")
            board.until("1 of")
            board.until("[@click=app.leave]x[/]")
            board.send("\r")
            board.until("same with")
            for sequence in (b"\x1b]52;c;ZXZp", f"\x1b[2J{word}".encode(), b"\xc2\x9b", b"\xe2\x80\xae", b"\x00"):
                assert sequence not in board.raw
    finally:
        sleeper.communicate()


def test_copying_sends_one_osc_52_of_our_own(config: str) -> None:
    with Dashboard("--config", config, "-c", "processes") as board:
        board.until("LIVE")
        board.send("c")
        board.until("copied 1 line")
        assert board.raw.count(b"\x1b]52;c;") == 1


def test_without_mouse_the_terminal_keeps_it(config: str) -> None:
    with Dashboard("--config", config, "--no-mouse") as board:
        board.until("2 memb")
        assert b"\x1b[?1003h" not in board.raw


def test_an_idle_screen_sends_nothing(config: str) -> None:
    with Dashboard("--config", config, "-c", "members") as board:
        board.until("NO SOURCE")
        board.read(1.5)
        sent = board.read(3.0)
        # The clock may change its minute once.
        assert len(sent) < 200


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (300, 100)])
def test_sizes(config: str, size: tuple[int, int]) -> None:
    with Dashboard("--config", config, "-c", "processes", size=size) as board:
        board.until("LIVE")
        board.until(lambda: "?" in board.screen.display[-1])
        assert "bare" in board.screen.display[0]


def test_a_terminal_that_does_not_know_its_size_is_taken_for_80x24(config: str) -> None:
    with Dashboard("--config", config, "-c", "processes", size=(0, 0)) as board:
        board.until("LIVE")
        board.send(":q\r")
        assert board.ended() == 0


def test_without_job_control_ctrl_z_says_so_instead_of_stopping_for_ever(config: str) -> None:
    with Dashboard("--config", config, "-c", "processes") as board:
        board.until("LIVE")
        board.send("\x1a")
        board.until("no shell to go to")
        board.send(":q\r")
        assert board.ended() == 0


def test_stopped_and_continued_it_reads_the_terminal_once_and_quits(config: str) -> None:
    """By SIGSTOP, which nobody can prepare for."""
    with Dashboard("--config", config, "-c", "processes") as board:
        board.until("LIVE")

        def threads() -> int:
            return len(list(Path(f"/proc/{board.process.pid}/task").iterdir()))

        before = threads()
        for _ in range(3):
            board.signal(signal.SIGSTOP)
            wait_until(lambda: "T (stopped)" in Path(f"/proc/{board.process.pid}/status").read_text())
            # What a shell does that has its prompt on the terminal meanwhile.
            termios.tcsetattr(board.master, termios.TCSANOW, board.before)
            board.screen.reset()
            board.signal(signal.SIGCONT)
            board.until("LIVE")
        wait_until(lambda: board.attributes[3] & (termios.ECHO | termios.ICANON) == 0)
        word = "".join(chr(ord("a") + n % 26) for n in range(60))
        board.send(f"/{word}")
        board.until(word)
        assert threads() <= before + 1
        board.send("\r:q\r")
        assert board.ended() == 0
        assert restored(board)
