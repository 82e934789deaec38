"""The command line's words: its verbs, and what each of them takes."""

from __future__ import annotations

import argparse
import os

from tui import __version__
from tui.kinds.named import NAMED

# Not out of typing, whose import takes a tenth of what `--help` may.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import NoReturn, Protocol

    Takes = Callable[[argparse.ArgumentParser], None]
    """Adds arguments."""

    class Verb(Protocol):
        """Adds a verb with its help and what it takes; `by` is the module of `tui.verbs`, and the function in it,
        that runs it."""

        def __call__(self, name: str, help: str, *takes: Takes, by: str = "") -> None: ...


class Usage(Exception):
    """The words of a command line are wrong; said in one line, exit 2."""


def _formatter(prog: str) -> argparse.HelpFormatter:
    """As wide as the terminal. By itself argparse has shutil measure that for each argument that is added, whose
    import takes a tenth of what `--help` may."""
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 80
    return argparse.HelpFormatter(prog, width=max(columns, 20) - 2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        start, _, names = message.partition("arguments are required: ")
        lacking = names.split(", ") if start == "the following " else []
        raise Usage(self._expected(lacking) if lacking else message)

    def _expected(self, names: list[str]) -> str:
        """What belongs where something is lacking: argparse names it, but not what it may be."""
        choices = {action.metavar or action.dest: action.choices for action in self._actions}
        what = [f"one of {', '.join(may)}" if (may := choices.get(name)) else name for name in names]
        return f"{self.prog.removeprefix('midwatch ')}: expected {', then '.join(what)}"


FORMATS = ("table", "json", "jsonl")
LINEWISE = ("logs", "events", "watch")
"""Verbs that print lines as they came with `-o text`."""


GOING_ON = ("listing", "processes", "logs", "events", "watch")
"""What runs verbs that go on with `--watch`; the others answer once."""


def _top() -> _Parser:
    """What stands before a verb, or without one."""
    top = _Parser(
        prog="midwatch",
        description="The 2 a.m. watch over production in one terminal. Without a verb it opens the dashboard.",
        epilog="Exit: 0 done, 1 an action failed, 2 wrong usage or configuration, 3 a source is unreachable or "
        "an outcome unknown, 4 refused, 130 ctrl-c.",
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"midwatch {__version__}")
    _common(top, first=True)
    top.add_argument(
        "-c",
        dest="command",
        metavar="COMMAND",
        help="open the dashboard with this : command",
    )
    top.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    top.set_defaults(verb=None)
    return top


def parser(words: Container[str] | None = None, *, every: bool = True) -> argparse.ArgumentParser:
    """The command line. Of its verbs those among `words` take their arguments, and without `every` the others are
    not even known: most of what parsing takes is to build what nobody asked for. All of it without `words`.

    Flags stand before or after the verb: each verb takes the common ones again, without defaults, so that what
    stood before is kept.
    """
    top = _top()
    added: argparse._SubParsersAction[_Parser] | None = None

    def verb(name: str, help: str, *takes: Takes, by: str = "") -> None:
        nonlocal added
        asked = words is None or name in words
        if not (asked or every):
            return
        if added is None:
            added = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
        made = added.add_parser(name, help=help, description=help, formatter_class=_formatter, allow_abbrev=False)
        made.set_defaults(by=by or name)
        for add in takes if asked else ():
            add(made)

    _looking(verb)
    _acting(verb)
    verb("doctor", "try every source and say what was reached, and why not", _common)
    about = "the configuration: where it is, an example, whether it is right, what it says"
    verb("config", about, _common, _config, by="configuration")
    verb("demo", "a small production of real servers on loopback", _demo)
    return top


def _looking(verb: Verb) -> None:
    """The verbs that only look."""

    for kind in NAMED:
        if kind.name == "processes":
            verb("processes", "processes of this host", _common)
        elif kind.listed:
            group = (_of_a_group,) if kind.grouped else ()
            verb(kind.name, kind.listed, _common, *group, _of_one_source, by="listing")
    query = "the present value of each series of a PromQL query, or its values over a range"
    verb("query", query, _common, _query, _of_one_source)
    verb("events", "what changes from now on, each event once (with --watch)", _common)
    verb("logs", "log lines of configured sources, of files, or of standard input", _common, _logs)
    verb("watch", "the changes of keys below a prefix, one a line", _common, _watch)
    verb("audit", "what was tried, by whom, on what, and how it ended", _common, _audit)


def _acting(verb: Verb) -> None:
    """The verbs that change something, and `run`, which follows a change."""

    def changing(name: str, help: str, takes: Takes, by: str = "") -> None:
        verb(name, help, _common, takes, _changing, by=by)

    changing("signal", "send a signal to one process, and say what became of it", _signal)
    for name, means in (
        ("start", "start a unit by its supervisor, and follow it until it is up"),
        ("stop", "stop a unit by its supervisor, and follow it until it has ended"),
        ("restart", "stop a unit and start it again; GROUP:* does so one by one"),
    ):
        changing(name, means, _unit, "supervise")
    changing("deploy", "roll something out, by a process of its own; prints the id of its run", _deploy)
    changing("run", "one run: follow it from its first line to its end, or end it", _run_of)


def _of_a_group(members: argparse.ArgumentParser) -> None:
    members.add_argument("--group", metavar="G", help="only the instances of this application group")


def _of_one_source(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("--source", metavar="SOURCE", help="ask only this one")


def _query(query: argparse.ArgumentParser) -> None:
    query.add_argument("expression", metavar="EXPR", help="PromQL, in quotes")
    query.add_argument("--range", metavar="SPAN", type=_span, help="values of this span back from now (1h)")
    query.add_argument("--step", metavar="SPAN", type=_span, help="the time between two of them (15s)")


def _logs(logs: argparse.ArgumentParser) -> None:
    logs.add_argument("sources", nargs="*", metavar="SOURCE", help="a source's name, a path with a slash, or -")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("--since", metavar="WHEN", help="a duration (15m, 1h30m) or an RFC 3339 time")
    logs.add_argument("--level", metavar="L", help="at least this level: fatal error warn info debug trace")
    logs.add_argument("--grep", metavar="RE", help="only lines that match this regular expression")
    logs.add_argument("--field", metavar="K=V", action="append", default=[], help="only records with this field")
    logs.add_argument("--patterns", action="store_true", help="count the shapes of messages instead")


def _watch(watch: argparse.ArgumentParser) -> None:
    watch.add_argument("source", metavar="SOURCE", help="an etcd or a ZooKeeper, as etcd/main")
    watch.add_argument("prefix", metavar="PREFIX", help="as /services/")


def _audit(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("what", nargs="?", choices=("verify",), help="find damage and edits instead")
    audit.add_argument("--since", metavar="WHEN", help="a duration (15m, 1h30m) or an RFC 3339 time")


def _signal(signal: argparse.ArgumentParser) -> None:
    signal.add_argument("target", metavar="TARGET", help="an id (processes -o json), a pid, HOST:PID, or a name")
    signal.add_argument("signal", metavar="SIG", help="TERM, HUP, …; with or without SIG")


def _unit(supervise: argparse.ArgumentParser) -> None:
    name = "a name (units), GROUP:NAME, or GROUP:* for all of a group"
    supervise.add_argument("unit", metavar="UNIT", help=name)


def _deploy(deploy: argparse.ArgumentParser) -> None:
    deploy.add_argument("name", metavar="NAME", help="which one (deploys)")
    deploy.add_argument("params", nargs="*", metavar="K=V", help="its parameters")
    deploy.add_argument("--plan", action="store_true", help="say what it would do, and do nothing")
    deploy.add_argument("--follow", action="store_true", help="stay, print what it prints, and end as it ends")


def _run_of(run: argparse.ArgumentParser) -> None:
    run.add_argument("what", choices=("attach", "abort"), help="follow it to its end, or end it")
    run.add_argument("id", metavar="ID", help="which one (runs)")


def _config(config: argparse.ArgumentParser) -> None:
    each = "where it is; write an example there; find mistakes; print it, every secret masked"
    config.add_argument("what", choices=("path", "init", "check", "show"), help=each)


def _demo(demo: argparse.ArgumentParser) -> None:
    from tui.demo.cli import add_arguments

    add_arguments(demo)


def _changing(to: argparse.ArgumentParser) -> None:
    """What every verb takes that changes something."""
    to.add_argument("--yes", action="store_true", help="do it without asking")
    to.add_argument("--reason", metavar="TEXT", help="why; lets this one through in a guarded context")


def _common(to: argparse.ArgumentParser, *, first: bool = False) -> None:
    def default(value: object) -> object:
        return value if first else argparse.SUPPRESS

    to.add_argument("--config", metavar="FILE", default=default(None), help="the configuration file")
    to.add_argument("--context", metavar="NAME", default=default(None), help="which of its contexts")
    to.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=default(5.0),
        help="seconds that one source may take to answer (5); what is done is followed for as long as it says",
    )
    to.add_argument(
        "--read-only",
        action="store_true",
        default=default(False),
        help="nothing can be changed, and nothing lifts that",
    )
    to.add_argument(
        "-o",
        dest="output",
        metavar="FORMAT",
        default=default(None),
        help="table, json or jsonl; for logs, events and watch also text",
    )
    to.add_argument("--watch", action="store_true", default=default(False), help="go on and print every change")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seconds, more than 0 and at most 3600")
    return value


def _span(text: str) -> float:
    from widgets.quantities import duration

    try:
        value = duration(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no span, expected 90s, 15m, 1h30m or 2d")
    return value
