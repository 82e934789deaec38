"""`midwatch demo up|down|status|run`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import IO, Any

from tui.demo.keeper import clean_up
from tui.demo.process import end, start_tied
from tui.demo.state import Demo, known
from tui.terminal import LEAVE

SOCKET_MOST = 80
"""Characters of a folder in which a unix socket's path still fits (107 in all)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "A small production of real servers on loopback: nothing is installed, nothing is left."
    what = parser.add_subparsers(dest="what", metavar="up|down|status|run", required=True)
    up = what.add_parser("up", help="start one in the background")
    run = what.add_parser("run", help="start one, open the dashboard on it, and stop it afterwards")
    for verb in (up, run):
        verb.add_argument("--quiet", action="store_true", help="no traffic and no crashes, for measuring")
    down = what.add_parser("down", help="stop one; every one with --all")
    down.add_argument("--all", action="store_true", help="stop all of them")
    status = what.add_parser("status", help="what runs, with pids and addresses")
    for verb in (up, run, down, status):
        verb.add_argument("--dir", metavar="DIR", help="the demo's folder")


def run(options: argparse.Namespace) -> int:
    """Returns the exit code: 0 done, 1 something could not be stopped, 2 wrong use."""
    if options.what == "up":
        return _up(options)
    if options.what == "down":
        return _down(options)
    if options.what == "status":
        return _status(options)
    return _run(options)


def _up(options: argparse.Namespace) -> int:
    keeper = _start_keeper(_folder(options), quiet=options.quiet, owned=False)
    if keeper is None:
        return 1
    folder, process, output = keeper
    if not _follow(process, output):
        return 1
    say(f"demo in {folder}")
    say(f"look:  midwatch --config {folder}/config.toml")
    say(f"stop:  midwatch demo down --dir {folder}")
    return 0


def _run(options: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write("midwatch: the demo's dashboard needs a terminal; without one: midwatch demo up\n")
        return 2
    keeper = _start_keeper(_folder(options), quiet=options.quiet, owned=True)
    if keeper is None:
        return 1
    folder, process, output = keeper
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, frame: ended.append(number))
    before = termios.tcgetattr(0)
    try:
        if not _follow(process, output, ended):
            return 128 + ended[0] if ended else 1
        return _dashboard(folder / "config.toml", before, ended)
    finally:
        _let_go(process)


def _dashboard(config: Path, before: list[Any], ended: list[int]) -> int:
    """The dashboard in the foreground; the terminal is restored even when it was killed."""
    argv = [sys.executable, "-P", "-m", "tui.cli", "--config", str(config)]
    child = start_tied(argv, output=None, stdin=None, on_parent_death=signal.SIGHUP)
    while child.poll() is None:
        if ended:
            child.send_signal(ended[0] if ended[0] != signal.SIGINT else signal.SIGTERM)
        try:
            child.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    if child.returncode < 0:
        try:
            termios.tcsetattr(0, termios.TCSANOW, before)
            sys.stdout.write(LEAVE)
            sys.stdout.flush()
        except (OSError, termios.error):
            pass  # The terminal went first.
        return 128 - child.returncode
    return child.returncode


def _start_keeper(
    folder: Path, *, quiet: bool, owned: bool
) -> tuple[Path, subprocess.Popen[bytes], IO[bytes]] | None:
    """Start the keeper in a session of its own: neither ctrl-c nor a hang-up of our terminal reaches it. An
    owned one ends when our end of its standard input closes."""
    if len(str(folder)) > SOCKET_MOST:
        sys.stderr.write(f"midwatch: {folder} is too long a path for a unix socket; set TMPDIR or --dir\n")
        return None
    for other in known():
        demo = Demo.load(other)
        if demo is not None and not demo.keeper.is_alive():
            clean_up(demo)
    words = [*(["quiet"] if quiet else []), *(["owned"] if owned else [])]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui.demo.keeper", str(folder), *words],
        stdin=subprocess.PIPE if owned else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(folder / "keeper.err").open("wb"),
        start_new_session=True,
    )
    assert process.stdout is not None
    return folder, process, process.stdout


def _follow(process: subprocess.Popen[bytes], output: IO[bytes], ended: list[int] | None = None) -> bool:
    """Repeat what the keeper says until it is ready; False when it ended instead, or we were told to end."""
    for line in output:
        text = line.decode("utf-8", "replace").rstrip()
        if text == "READY":
            return True
        say(f"  {text}")
        if ended:
            return False
    process.wait()
    sys.stderr.write("midwatch: the demo did not come up\n")
    return False


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Close our end of the keeper's pipe and wait until it has cleared everything away."""
    say("stopping the demo …")
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _down(options: argparse.Namespace) -> int:
    folders = _chosen(options)
    if not folders:
        say("no demo is running")
        return 0
    if len(folders) > 1 and not options.all:
        names = ", ".join(map(str, folders))
        sys.stderr.write(f"midwatch: several demos run, expected --dir DIR or --all: {names}\n")
        return 2
    status = 0
    for folder in folders:
        demo = Demo.load(folder)
        if demo is None:
            continue
        if demo.keeper.is_alive():
            os.kill(demo.keeper.pid, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while demo.keeper.is_alive() and time.monotonic() < deadline:
                time.sleep(0.05)
        gone = end(demo.keeper, 0.5)
        whole = clean_up(Demo.load(folder) or demo) and gone
        say(f"stopped {folder}" if whole else f"{folder}: not everything could be stopped")
        status = status or (0 if whole else 1)
    return status


def _status(options: argparse.Namespace) -> int:
    folders = _chosen(options)
    if not folders:
        say("no demo is running; midwatch demo up starts one")
    for folder in folders:
        demo = Demo.load(folder)
        if demo is None:
            continue
        state = (
            "up"
            if demo.ready and demo.keeper.is_alive()
            else "starting"
            if demo.keeper.is_alive()
            else "keeper is gone"
        )
        say(f"{folder}  {state}  keeper {demo.keeper.pid}")
        for running in demo.servers:
            alive = "up" if running.identity.is_alive() else "down"
            say(f"  {running.name:<14} {running.identity.pid:>8}  {running.address:<22} {alive}")
        for reason in demo.left_out:
            say(f"  left out: {reason}")
    return 0


def _chosen(options: argparse.Namespace) -> list[Path]:
    if options.dir:
        return [Path(options.dir).absolute()]
    return [folder for folder in known() if Demo.load(folder) is not None]


def _folder(options: argparse.Namespace) -> Path:
    if options.dir:
        folder = Path(options.dir).absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder
    return Path(tempfile.mkdtemp(prefix="midwatch-"))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
