"""A context: one production as the configuration names it, checked and typed, with nothing connected yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from backends.api.registry import load
from backends.api.settings import Settings
from backends.config import context_words
from backends.config.context_settings import PageSettings


class SourceConfig(Struct, frozen=True):
    """One backend of a context."""

    kind: str
    name: str
    settings: Settings
    found: str = ""
    """How discovery came to it; empty for a configured one."""

    @property
    def source(self) -> str:
        return f"{self.kind}/{self.name}"


def sources_meant(word: str, sources: Iterable[str]) -> list[str]:
    """Of these sources those that a word may mean: the one of that whole name (`etcd/main`), else all whose own
    name it is (`main`)."""
    names = list(sources)
    return [word] if word in names else [name for name in names if name.partition("/")[2] == word]


def this_host(found: str = "") -> SourceConfig:
    """The source that every context has, unless it says otherwise."""
    kind, _, name = context_words.THIS_HOST.partition("/")
    return SourceConfig(kind, name, load(kind).Settings(), found)


class Context(Struct, frozen=True):
    name: str
    sources: tuple[SourceConfig, ...] = ()
    colour: str = ""
    """As configured; `paint` is what to draw with."""
    read_only: bool = False
    arm: Literal["ask", "always"] = "ask"
    confirm: Literal["button", "type"] = "button"
    pages: tuple[PageSettings, ...] = ()
    tried: tuple[str, ...] = ()
    """Where discovery looked and found nothing, a sentence each; for the screen that has no source."""

    @property
    def paint(self) -> str:
        """The context's colour."""
        return context_words.paint(self.name, self.colour)

    @property
    def mode(self) -> context_words.Mode:
        """As configured; the door arms a guarded one for a while."""
        return context_words.mode(read_only=self.read_only, arm=self.arm)
