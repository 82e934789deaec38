"""What a `:` line could become: the words of commands, and what may follow each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from backends.api.models import EventKind
from backends.watch import Watch
from tui.commands import COMMANDS, Command, for_word


def completions(
    text: str,
    offers: Callable[[Command], bool],
    contexts: Iterable[str],
    watching: Watch | None,
    of_metrics: Callable[[str, str], list[str]],
) -> list[str]:
    """Whole lines; `of_metrics` knows pages and queries."""
    word, space, rest = text.partition(" ")
    if not space:
        offered = [command.word for command in COMMANDS if command.word and offers(command)]
        return [name for name in offered if name.startswith(word)]
    command = for_word(word)
    takes = command.takes if command is not None else ""
    if takes in ("page", "query"):
        return [f"{word} {found}" for found in of_metrics(takes, rest)]
    return [f"{word} {name}" for name in _names(watching, contexts).get(takes, ()) if rest in name]


def _names(watching: Watch | None, contexts: Iterable[str]) -> Mapping[str, Iterable[str]]:
    """By what a command takes."""
    deploys = () if watching is None else (key.source.partition("/")[2] for key in watching.feeds("deploys"))
    sources = () if watching is None else (key.source for key in watching.feeds("logs"))
    return {
        "context": sorted(contexts),
        "deploy": sorted(deploys),
        "filter": [kind.value for kind in EventKind],
        "source": sorted(sources),
    }
