"""`midwatch …`: parses, then imports only what the verb needs."""

from __future__ import annotations

import argparse
import os
import sys

from tui import __version__

# Not out of typing, whose import takes a tenth of what `--help` may.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import NoReturn, Protocol

    class Verb(Protocol):
        """Adds a verb with its help; `by` is the module of `tui.verbs`, and the function in it, that runs it."""

        def __call__(self, name: str, help: str, by: str = "") -> argparse.ArgumentParser: ...


USAGE, UNREACHABLE, INTERRUPTED = 2, 3, 130


class Usage(Exception):
    """The words of a command line are wrong; said in one line, exit 2."""


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


def parser(*, verbs: bool = True, words: Container[str] = ()) -> argparse.ArgumentParser:
    """The command line; without its verbs for the dashboard, which starts a little sooner so. Of the verbs only
    those among `words` take the common flags, for the same reason.

    Flags stand before or after the verb: each verb takes the common ones again, without defaults, so that what
    stood before is kept.
    """
    top = _Parser(
        prog="midwatch",
        description="The 2 a.m. watch over production in one terminal. Without a verb it opens the dashboard.",
        epilog="Exit: 0 done, 1 an action failed, 2 wrong usage or configuration, 3 a source is unreachable or "
        "an outcome unknown, 4 refused, 130 ctrl-c.",
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
    if not verbs:
        top.set_defaults(verb=None)
        return top
    added = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def verb(name: str, help: str, by: str = "") -> argparse.ArgumentParser:
        made = added.add_parser(name, help=help, description=help, allow_abbrev=False)
        made.set_defaults(by=by or name)
        if name in words:
            _common(made)
        return made

    _looking(verb)
    _acting(verb)
    verb("doctor", "try every source and say what was reached, and why not")
    config = verb(
        "config", "the configuration: where it is, an example, whether it is right, what it says", "configuration"
    )
    each = "where it is; write an example there; find mistakes; print it, every secret masked"
    config.add_argument("what", choices=("path", "init", "check", "show"), help=each)
    demo_parser = added.add_parser("demo", help="a small production of real servers on loopback")
    if "demo" in words:
        from tui.demo.cli import add_arguments

        add_arguments(demo_parser)
    return top


def _looking(verb: Verb) -> None:
    """The verbs that only look."""
    members = verb("members", "members of the clusters, and the instances registered in them", "listing")
    members.add_argument("--group", metavar="G", help="only the instances of this application group")
    verb("processes", "processes of this host", "listing")
    of_one = [
        members,
        verb("units", "what supervisors keep running", "listing"),
        verb("targets", "what metrics servers scrape, and what they could not reach", "listing"),
        verb("alerts", "alerts that fire, or are about to", "listing"),
        verb("deploys", "what can be rolled out, and how it went the last time", "listing"),
        verb("runs", "what was rolled out, and what is being rolled out now", "listing"),
    ]
    query = verb("query", "the present value of each series of a PromQL query, or its values over a range")
    query.add_argument("expression", metavar="EXPR", help="PromQL, in quotes")
    query.add_argument("--range", metavar="SPAN", type=_span, help="values of this span back from now (1h)")
    query.add_argument("--step", metavar="SPAN", type=_span, help="the time between two of them (15s)")
    for made in (*of_one, query):
        made.add_argument("--source", metavar="SOURCE", help="ask only this one")
    verb("events", "what changes from now on, each event once (with --watch)")
    logs = verb("logs", "log lines of configured sources, of files, or of standard input")
    logs.add_argument("sources", nargs="*", metavar="SOURCE", help="a source's name, a path with a slash, or -")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("--since", metavar="WHEN", help="a duration (15m, 1h30m) or an RFC 3339 time")
    logs.add_argument("--level", metavar="L", help="at least this level: fatal error warn info debug trace")
    logs.add_argument("--grep", metavar="RE", help="only lines that match this regular expression")
    logs.add_argument("--field", metavar="K=V", action="append", default=[], help="only records with this field")
    logs.add_argument("--patterns", action="store_true", help="count the shapes of messages instead")
    watch = verb("watch", "the changes of keys below a prefix, one a line")
    watch.add_argument("source", metavar="SOURCE", help="an etcd or a ZooKeeper, as etcd/main")
    watch.add_argument("prefix", metavar="PREFIX", help="as /services/")
    audit = verb("audit", "what was tried, by whom, on what, and how it ended")
    audit.add_argument("what", nargs="?", choices=("verify",), help="find damage and edits instead")
    audit.add_argument("--since", metavar="WHEN", help="a duration (15m, 1h30m) or an RFC 3339 time")


def _acting(verb: Verb) -> None:
    """The verbs that change something, and `run`, which follows a change."""
    signal = verb("signal", "send a signal to one process, and say what became of it")
    signal.add_argument("target", metavar="TARGET", help="an id (processes -o json), a pid, HOST:PID, or a name")
    signal.add_argument("signal", metavar="SIG", help="TERM, HUP, …; with or without SIG")
    _changing(signal)
    for name, means in (
        ("start", "start a unit by its supervisor, and follow it until it is up"),
        ("stop", "stop a unit by its supervisor, and follow it until it has ended"),
        ("restart", "stop a unit and start it again; GROUP:* does so one by one"),
    ):
        supervise = verb(name, means, "supervise")
        supervise.add_argument(
            "unit", metavar="UNIT", help="a name (units), GROUP:NAME, or GROUP:* for all of a group"
        )
        _changing(supervise)
    deploy = verb("deploy", "roll something out, by a process of its own; prints the id of its run")
    deploy.add_argument("name", metavar="NAME", help="which one (deploys)")
    deploy.add_argument("params", nargs="*", metavar="K=V", help="its parameters")
    deploy.add_argument("--plan", action="store_true", help="say what it would do, and do nothing")
    deploy.add_argument("--follow", action="store_true", help="stay, print what it prints, and end as it ends")
    _changing(deploy)
    run = verb("run", "one run: follow it from its first line to its end, or end it")
    run.add_argument("what", choices=("attach", "abort"), help="follow it to its end, or end it")
    run.add_argument("id", metavar="ID", help="which one (runs)")
    _changing(run)


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
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds from 0 to 3600")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code, or raises SystemExit (`--help`, `--version`)."""
    try:
        words = sys.argv[1:] if argv is None else list(argv)
        options = _parse(words)
        return _run(options)
    except Usage as error:
        return _fail(_hint(str(error)), USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # What reads us has gone (`| head`); nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _bug(error)


def _parse(words: list[str]) -> argparse.Namespace:
    if not words[:1] or (words[0].startswith("-") and not {"-h", "--help"} & set(words)):
        try:
            options = parser(verbs=False).parse_args(words)
        except Usage:
            pass  # A wrong verb, perhaps: the whole parser says it better.
        else:
            return _with_a_format(options)
    options = parser(words=words).parse_args(words)
    return _with_a_format(options)


def _with_a_format(options: argparse.Namespace) -> argparse.Namespace:
    """The same, once its format is one that the verb takes; `-o` may stand before the verb."""
    formats = [*FORMATS, *(("text",) if options.verb in LINEWISE else ())]
    if options.output is not None and options.output not in formats:
        from difflib import get_close_matches

        near = get_close_matches(options.output, formats, 1, 0.6)
        hint = f"; nearest is {near[0]}" if near and options.output != "text" else ""
        raise Usage(f"-o {options.output}: {options.verb or 'midwatch'} takes {', '.join(formats)}{hint}")
    return options


def _run(options: argparse.Namespace) -> int:
    if options.verb is None:
        return _dashboard(options)
    if options.verb == "demo":
        from tui.demo.cli import run

        return int(run(options))
    from tui.verbs.dispatch import run_verb

    return run_verb(options)


def _dashboard(options: argparse.Namespace) -> int:
    lacking = [name for name, end in (("input", sys.stdin), ("output", sys.stdout)) if not end.isatty()]
    if lacking:
        what = "standard " + " and ".join(lacking) + (" is" if len(lacking) == 1 else " are")
        text = f"{what} no terminal; over ssh: ssh -t HOST midwatch; without a screen: midwatch members"
        return _fail(text, USAGE)
    if os.environ.get("TERM", "dumb") == "dumb":
        return _fail("TERM=dumb can't show a dashboard; without a screen: midwatch members", USAGE)
    from tui.start import dashboard

    return dashboard(options)


def _hint(message: str) -> str:
    """argparse's own words, with the nearest valid one for a wrong verb or choice."""
    if "invalid choice: '" in message:
        wrong = message.split("invalid choice: '")[1].split("'")[0]
        choices = message.partition("(choose from ")[2].rstrip(")").replace("'", "").split(", ")
        from difflib import get_close_matches

        near = get_close_matches(wrong, choices, 1, 0.4)
        expected = f"expected one of {', '.join(choices)}"
        return f"{wrong!r} is not known, {expected}" + (f"; nearest is {near[0]}" if near else "")
    return message


def _bug(error: Exception) -> int:
    """A bug of our own: one line for the user, the traceback for our log."""
    import logging

    from tui.log import start_log

    path = start_log(os.environ)
    logging.getLogger("midwatch").error("a verb ended on an exception", exc_info=error)
    logging.shutdown()
    return _fail(f"a bug of its own ({type(error).__name__}); {path} has the rest", 1)


def _fail(text: str, status: int) -> int:
    from backends.clean import clean

    sys.stderr.write(clean(f"midwatch: {text}") + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
