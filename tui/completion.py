"""What a `:` line could become: the words of commands, and what may follow each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from backends.api.events import EventKind
from backends.api.nouns import called
from backends.clean import clean
from backends.watch import Watch
from tui.commands import COMMANDS, Command, for_word

_SPECIAL = re.compile(r"[][\\^$*+?{}()|]|^!")


def completions(
    text: str,
    offers: Callable[[Command], bool],
    contexts: Iterable[str],
    watching: Watch | None,
    of_metrics: Callable[[str, str], list[str]],
) -> list[str]:
    """Whole lines; after a whole word those with what may follow it. `of_metrics` knows pages and queries."""
    word, space, rest = text.partition(" ")
    if not space:
        offered = [command.word for command in COMMANDS if command.word and offers(command)]
        begun = [name for name in offered if name.startswith(word)]
        if begun != [word]:
            return begun
    command = for_word(word)
    takes = command.takes if command is not None else ""
    if takes in ("page", "query"):
        found: Iterable[str] = of_metrics(takes, rest)
    elif takes == "filter" and command is not None:
        found = (name for name in _rows(watching, command.do.split()[-1]) if rest in name)
    else:
        found = (name for name in _names(watching, contexts).get(takes, ()) if rest in name)
    return [f"{word} {name}" for name in found]


def _rows(watching: Watch | None, kind: str) -> Iterable[str]:
    """The names of a kind's rows as they are known now; of events their kinds, each of which is a filter too."""
    if kind == "events":
        return [kind.value for kind in EventKind]
    from tui.kinds.known import KINDS

    feeds = {} if watching is None else watching.feeds(*KINDS[kind].nouns)
    rows = (row for feed in feeds.values() for row in feed.reading.rows.values())
    return sorted({_literally(called(row)) for row in rows})


def _literally(name: str) -> str:
    """A filter that finds this name: whatever is in it stands for itself."""
    return _SPECIAL.sub(r"\\\g<0>", clean(name))


def _names(watching: Watch | None, contexts: Iterable[str]) -> Mapping[str, Iterable[str]]:
    """By what a command takes."""
    deploys = () if watching is None else (key.source.partition("/")[2] for key in watching.feeds("deploys"))
    sources = () if watching is None else (key.source for key in watching.feeds("logs"))
    return {
        "context": sorted(contexts),
        "deploy": sorted(deploys),
        "source": sorted(sources),
    }
