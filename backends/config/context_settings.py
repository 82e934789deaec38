"""What a context may be told beside its sources: the keys of `[context.NAME]`, typed and strict."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class PanelSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One chart. `threshold` is a line in it, `min` and `max` are what its scale holds at least."""

    title: str | None = None
    query: Annotated[str, Meta(min_length=1, description="the expression that this chart shows")]
    unit: str | None = None
    threshold: int | float | None = None
    min: int | float | None = None
    max: int | float | None = None


class PageSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Charts that are looked at together. `source` answers them; it is needed where several could."""

    title: str | None = None
    source: str | None = None
    panel: Annotated[tuple[PanelSettings, ...], Meta(description="[[context.NAME.page.panel]]")] = ()


class ContextSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys that are no kind of backend. What `colour` may be is known by `context_words`."""

    colour: Annotated[str, Meta(description="a colour")] = ""
    read_only: bool = False
    arm: Literal["ask", "always"] = "ask"
    confirm: Literal["button", "type"] = "button"
    local: bool = True
    """Whether this host is one of the sources."""
    page: Annotated[tuple[PageSettings, ...], Meta(description="[[context.NAME.page]]")] = ()
