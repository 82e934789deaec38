"""`midwatch demo up|down|status|run`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from itertools import chain
from pathlib import Path

from tui.demo.foreground import in_foreground
from tui.demo.owner import Interrupted, Ownership, fetch, ignore_signals, raise_on_signals, say
from tui.demo.probe import answers
from tui.demo.process import Identity, end, members
from tui.demo.request import Request
from tui.demo.servers import servers
from tui.demo.state import Demo, Part, Refused, clean_dead, clean_up, known

STOPPING = 30.0
"""Seconds that `down` waits for a keeper."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "A small production of real servers on loopback: nothing is installed, nothing is left."
    what = parser.add_subparsers(dest="what", metavar="up|down|status|run", required=True)
    up = what.add_parser("up", help="start one in the background")
    run = what.add_parser("run", help="start one, open the dashboard on it, and stop it afterwards")
    for verb in (up, run):
        verb.add_argument("--quiet", action="store_true", help="no traffic and no crashes, for measuring")
        verb.add_argument(
            "--only",
            metavar="SERVER,…",
            type=_servers,
            default=(),
            help=f"start only some of the servers: {', '.join(_names())}",
        )
    # The dashboard's own flags; before the verb they are there already.
    absent = argparse.SUPPRESS
    run.add_argument("-c", dest="command", metavar="COMMAND", default=absent, help="begin with this : command")
    run.add_argument("--no-mouse", action="store_true", default=absent, help="leave the mouse to the terminal")
    run.add_argument("--read-only", action="store_true", default=absent, help="nothing can be changed")
    down = what.add_parser("down", help="stop the one that `up` started; every one with --all")
    down.add_argument("--all", action="store_true", help="stop all of them, those of open dashboards too")
    status = what.add_parser("status", help="what runs, with pids and addresses")
    for verb in (up, run, down, status):
        verb.add_argument("--dir", metavar="DIR", help="the demo's folder, new or empty for up and run")


def run(options: argparse.Namespace) -> int:
    """Returns the exit code: 0 done, 1 something could not be started or stopped, 2 wrong use."""
    if options.what == "run" and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _wrong("the demo's dashboard needs a terminal; without one: midwatch demo up")
    for folder in clean_dead(options.dir):
        say(f"cleared away what was left in {folder}")
    if options.what == "down":
        return _down(options)
    if options.what == "status":
        return _status(options)
    return _start(options)


def _start(options: argparse.Namespace) -> int:
    """`up` and `run`: what was begun is cleared away on every way out but the good one of `up`."""
    raise_on_signals()
    owned: Ownership | None = None
    status = 1
    try:
        say("1 of 2  getting the servers")
        missing = fetch(options.only)
        say("2 of 2  starting them")
        owned = Ownership(Request(options.dir, options.quiet, options.only, missing))
        if not owned.follow() or owned.folder is None:
            sys.stderr.write("midwatch: the demo did not come up\n")
        elif options.what == "up":
            owned.detach()
            _tell(owned.folder)
            return 0
        else:
            status = in_foreground(_dashboard(owned.folder / "config.toml", options))
    except Refused as error:
        status = _wrong(str(error))
    except Interrupted as error:
        status = error.status
    ignore_signals()
    if owned is not None and owned.folder is not None:
        say("stopping the demo")
    if owned is not None and not owned.end():
        sys.stderr.write(
            f"midwatch: not everything could be stopped; midwatch demo status --dir {owned.folder}\n"
        )
        return status or 1
    return status


def _names() -> list[str]:
    return [server.name for server in chain.from_iterable(servers())]


def _servers(text: str) -> tuple[str, ...]:
    """The names of `--only`. Raises what argparse tells the user."""
    named = tuple(filter(None, (word.strip() for word in text.split(","))))
    unknown = sorted({*named} - {*_names()})
    if unknown or not named:
        what = f"no such server: {', '.join(unknown)}" if unknown else "no server is named"
        raise argparse.ArgumentTypeError(f"{what}; there are {', '.join(_names())}")
    return named


def _tell(folder: Path) -> None:
    say(f"demo    {folder}")
    say(f"config  {folder}/config.toml")
    say(f"look    midwatch --config {folder}/config.toml")
    say(f"stop    midwatch demo down --dir {folder}")


def _dashboard(config: Path, options: argparse.Namespace) -> list[str]:
    argv = [sys.executable, "-P", "-m", "tui.cli", "--config", str(config), "--context", "demo"]
    command = getattr(options, "command", None)
    if command:
        argv += ["-c", command]
    for flag in ("no_mouse", "read_only"):
        if getattr(options, flag, False):
            argv.append("--" + flag.replace("_", "-"))
    return argv


def _down(options: argparse.Namespace) -> int:
    if options.dir:
        demos = _named(options.dir)
        if not demos:
            return _wrong(f"{options.dir} holds no demo")
    else:
        demos = [demo for demo in _here() if options.all or not demo.owned]
        if not demos:
            say("no demo is running" + (", but those of open dashboards" if _here() else ""))
            return 0
        if len(demos) > 1 and not options.all:
            names = ", ".join(str(demo.folder) for demo in demos)
            return _wrong(f"several demos run, expected --dir DIR or --all: {names}")
    status = 0
    for demo in demos:
        if _stop(demo):
            say(f"stopped {demo.folder}")
        else:
            sys.stderr.write(f"midwatch: {demo.folder}: not everything could be stopped\n")
            status = 1
    return status


def _stop(demo: Demo) -> bool:
    """Ask the keeper; what it leaves, or what it left when it was killed, is ended here."""
    gone = end([demo.keeper], STOPPING)
    left = Demo.load(demo.folder)
    return gone and (left is None or clean_up(left))


def _status(options: argparse.Namespace) -> int:
    demos = _named(options.dir) if options.dir else _here()
    if options.dir and not demos:
        return _wrong(f"{options.dir} holds no demo")
    if not demos:
        say("no demo is running; midwatch demo up starts one")
    for demo in demos:
        state = "up" if demo.ready else "starting"
        whose = ", with its dashboard" if demo.owned else ""
        say(f"{demo.folder}  {state}{whose}, keeper {demo.keeper.pid}, config {demo.config}")
        pids = dict(members(demo.folder))
        names = max((len(part.name) for part in demo.parts), default=0)
        places = max((len(part.address) for part in demo.parts), default=0)
        for part in demo.parts:
            identity = pids.get(part.name)
            pid = "-" if identity is None else str(identity.pid)
            say(f"  {part.name:<{names}} {pid:>8}  {part.address:<{places}} {_state(part, identity)}")
        for reason in demo.left_out:
            say(f"  left out: {reason}")
    return 0


def _state(part: Part, identity: Identity | None) -> str:
    if identity is None:
        return "down"
    return "up" if answers(part.ready) else "no answer"


def _here() -> list[Demo]:
    """This user's demos on this machine; a home may be shared with others."""
    return [demo for demo in known() if demo.is_kept()]


def _named(folder: str) -> list[Demo]:
    demo = Demo.load(Path(os.path.realpath(folder)))
    return [demo] if demo is not None and demo.is_kept() else []


def _wrong(text: str) -> int:
    sys.stderr.write(f"midwatch: {text}\n")
    return 2


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _parser = argparse.ArgumentParser(prog="midwatch demo")
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))
