"""Which of a context's sources a word of the command line means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from backends.config.context import sources_meant
from backends.watch import Watch
from tui.verbs.words import WrongUse

A = TypeVar("A")


class WrongSource(WrongUse):
    """A word that means no source, or several; in words for the user."""


def find_source(opened: Watch, name: str, known: Iterable[str]) -> str | None:
    """A source by `kind/name`, or by its name alone where one of the `known` ones has it, else one of all. Raises
    `WrongSource` where it may be any of those that are known."""
    found = sources_meant(name, dict.fromkeys(known))
    if len(found) > 1:
        raise WrongSource(f"{name} may be any of {', '.join(found)}")
    found = found or sources_meant(name, opened.sources)
    return found[0] if len(found) == 1 else None


def able(opened: Watch, protocol: type[Any]) -> list[str]:
    """The sources that can do something."""
    return [source for source in opened.sources if opened.able(source, protocol) is not None]


def choose(opened: Watch, name: str | None, protocol: type[A], what: str) -> tuple[str, A]:
    """The one source that is named and can do `protocol`; without a name the only one that can.

    `what` is what it should have, for the sentence of `WrongSource`.
    """
    known = able(opened, protocol)
    if name is None and len(known) > 1:
        raise WrongSource(f"several sources have {what}, expected --source with one of {', '.join(known)}")
    source = find_source(opened, name, known) if name is not None else next(iter(known), None)
    found = None if source is None else opened.able(source, protocol)
    if source is None or found is None:
        wanted = f"expected one of {', '.join(known)}" if known else f"nor has any of {', '.join(opened.sources)}"
        raise WrongSource(f"{name or 'this context'} has no {what}, {wanted}")
    return source, found
