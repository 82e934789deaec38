"""Acting where no audit takes a line: only who types the target's name gets through, and the line is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.program import run
from tests.outside.pty_program import Dashboard
from tests.servers.zoo import Zoo
from widgets.dialog import READING

NO_SYSLOG = "import backends.changes.audit\nbackends.changes.audit.SYSLOG = ()\n"
CONFIG = '[context.lab]\narm = "always"\n'


class Lab:
    def __init__(self, folder: Path, zoo: Zoo) -> None:
        self.pid = zoo.mortal()
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG)
        (folder / "sitecustomize.py").write_text(NO_SYSLOG)
        state = folder / "state"
        state.write_text("a file in the place of the state folder")
        self.env = {"PYTHONPATH": str(folder), "XDG_STATE_HOME": str(state)}

    @property
    def alive(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Zoo() as zoo:
        yield Lab(tmp_path, zoo)


def test_without_a_terminal_it_is_refused_and_its_lines_are_shown(lab: Lab) -> None:
    ran = run("signal", str(lab.pid), "TERM", "--yes", "--config", str(lab.config), env=lab.env)
    assert (ran.status, ran.out) == (4, "")
    first, *held = ran.err.splitlines()
    assert first.startswith("refused: the audit can't be written: ")
    assert "type its name, sleep, to act all the same" in first
    lines = [json.loads(line.removeprefix("midwatch: in no audit: ")) for line in held]
    assert [line["outcome"] for line in lines] == ["asked", "refused"]
    assert lab.alive


@pytest.mark.parametrize(("typed", "status"), [("slep\n", 4), ("\n", 4), ("sleep\n", 0)])
def test_on_a_terminal_its_name_is_asked_for(lab: Lab, typed: str, status: int) -> None:
    words = ("signal", str(lab.pid), "TERM", "--yes", "--config", str(lab.config))
    with Dashboard(*words, env=lab.env) as terminal:
        terminal.until("type its name, sleep, to do it all the same:")
        assert "the audit can't be written" in terminal.text
        assert lab.alive
        terminal.send(typed)
        assert terminal.ended(10) == status
        assert "in no audit" in terminal.text
    assert lab.alive is (status != 0)


HANGS = "import time\nbackends.changes.audit.Audit._write_held = lambda audit: time.sleep(600)\n"


def test_an_audit_that_hangs_is_waited_for_only_so_long_and_never_at_the_end(lab: Lab, tmp_path: Path) -> None:
    with (tmp_path / "sitecustomize.py").open("a") as file:
        file.write(HANGS)
    ran = run("signal", str(lab.pid), "TERM", "--yes", "--config", str(lab.config), env=lab.env)
    assert ran.status == 4
    first, *held = ran.err.splitlines()
    assert first.startswith("refused: the audit can't be written: it has not taken a line for 5 s")
    lines = [json.loads(line.removeprefix("midwatch: in no audit: ")) for line in held]
    assert [line["outcome"] for line in lines] == ["asked", "refused"]
    assert lab.alive


def test_what_the_dashboard_still_holds_at_its_end_is_printed_where_it_can_be_kept(lab: Lab) -> None:
    with Dashboard("--config", str(lab.config), "-c", "processes", env=lab.env) as board:
        board.until("sort cpu")
        board.send(f"/{lab.pid}\r")
        board.until("sleep")
        board.send("x")
        board.until("SIGTERM")
        board.send("\r")
        board.until("[ Cancel ]")
        board.until(" old ")
        time.sleep(READING + 0.1)  # What comes sooner was typed before the question: it confirms nothing.
        board.send("\x1b[C")
        board.until("[ SIGTERM ]")
        time.sleep(READING + 0.1)  # Nobody presses two keys at once.
        board.send("\r")
        board.until("the audit can't be written", 30)
        board.until("2 lines in no audit: see :log")
        board.send("\x1b")
        board.until(lambda: "[ Cancel ]" not in board.text)
        board.send("\x03\x03")
        assert board.ended() == 130
        # After the terminal is as it was, so that it stays in its scrollback.
        left = board.raw.rpartition(b"\x1b[?1049l")[2].decode("ascii")
        held = [line for line in left.splitlines() if "in no audit" in line]
        lines = [json.loads(line.partition("midwatch: in no audit: ")[2]) for line in held]
        assert [line["outcome"] for line in lines] == ["asked", "refused"]
    assert lab.alive
