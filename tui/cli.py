"""`midwatch …`: parses, then imports only what the verb needs."""

from __future__ import annotations

import argparse
import os
import sys

from tui.arguments import FORMATS, GOING_ON, LINEWISE, Usage, parser

# Not out of typing, whose import takes a tenth of what `--help` may.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE, INTERRUPTED = 2, 130


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
    if not {"-h", "--help"} & set(words):
        try:
            options = parser(words, every=False).parse_args(words)
        except Usage:
            pass  # A wrong verb, perhaps: with all of them known it is said better.
        else:
            return _checked(options)
    return _checked(parser(words).parse_args(words))


def _checked(options: argparse.Namespace) -> argparse.Namespace:
    """The same, once its format is one that the verb takes, and each flag has an effect: flags may stand before
    the verb, and a script that gives one in vain takes what is printed for something else."""
    verb = " ".join(filter(None, (options.verb or "the dashboard", getattr(options, "what", None))))
    plain = options.verb in (None, "demo") or verb in ("config path", "config init", "config check")
    formats = ["table"] if plain else [*FORMATS, *(("text",) if options.verb in LINEWISE else ())]
    if options.output is not None and options.output not in formats:
        from backends.nearest import nearest

        near = nearest(options.output, formats)
        raise Usage(f"-o {options.output}: {verb} takes {', '.join(formats)}{near}")
    if options.watch and getattr(options, "by", "") not in GOING_ON:
        raise Usage(f"--watch: {verb} does not go on by it")
    if options.command and verb not in ("the dashboard", "demo run"):
        raise Usage(f"-c: only for the dashboard, not for {verb}")
    if getattr(options, "step", None) and not options.range:
        raise Usage("--step: only with --range")
    if verb == "audit verify" and options.since:
        raise Usage("--since: audit verify looks at all of it")
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
        from backends.nearest import one_of

        return f"{wrong!r} is not known{one_of(wrong, choices)}"
    return message


def _bug(error: Exception) -> int:
    """A bug of our own: one line for the user, the traceback for our log."""
    import logging

    from tui.own_log import start_log

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
