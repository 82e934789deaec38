"""Inside tmux, which says in which modes a program has left its terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.outside.program import PROGRAM
from tests.waiting import wait_until

TMUX = shutil.which("tmux")
MODES = (
    "alternate_on=#{alternate_on} cursor=#{cursor_flag} mouse=#{mouse_any_flag}#{mouse_sgr_flag} "
    "wrap=#{wrap_flag} keypad=#{keypad_flag}"
)

pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")


class Pane:
    """One window of a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._tmux = [TMUX or "tmux", "-S", str(folder / "socket"), "-f", os.devnull]

    def run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    @property
    def text(self) -> str:
        return self.run("capture-pane", "-p")

    @property
    def modes(self) -> str:
        return self.run("display-message", "-p", MODES).strip()

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.text, 15.0)


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    made = Pane(tmp_path)
    made.run("new-session", "-d", "-x", "90", "-y", "24", "env PS1='ready> ' sh")
    made.shows("ready>")
    yield made
    made.run("kill-server")


@pytest.mark.parametrize("end", ["quit", "SIGTERM"])
def test_a_pane_is_as_it_was(pane: Pane, tmp_path: Path, end: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[context.lab.etcd.main]\nendpoints = ["127.0.0.1:1"]\n')
    before = pane.modes
    pane.run("send-keys", shlex.join([PROGRAM, "--config", str(config)]), "Enter")
    pane.shows("✖ etcd/main")
    pane.shows("guarded")
    assert pane.modes != before
    if end == "quit":
        pane.run("send-keys", ":q", "Enter")
    else:
        shell = psutil.Process(int(pane.run("display-message", "-p", "#{pane_pid}")))
        shell.children()[0].terminate()
    wait_until(lambda: pane.modes == before, 10.0)
    wait_until(lambda: pane.text.rstrip().endswith("ready>"))
    assert "guarded" not in pane.text
