"""What the overview says of all sources together: how much is wrong, is not known yet, or that all is well."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from backends.api.readings import Readings, State
from backends.config.context import Context
from widgets.look import Look
from widgets.one_line import Part
from widgets.safe import style, width_of, wrapped

NO_SOURCE = "no source is configured, and none was found; `midwatch config init` writes an example"


class Heard(Struct, frozen=True):
    """How many sources could say what is wrong, and how many of them have not said a word yet."""

    of: int
    waiting: int


def heard_of(readings: Readings) -> Heard:
    of_sources = {key: reading for key, reading in readings.items() if key.noun != "events"}
    waiting = {source for (source, _), reading in of_sources.items() if reading.state is State.LOADING}
    return Heard(len({source for source, _ in of_sources}), len(waiting))


def heading(
    wrong: int, changes: int, since: datetime | None, heard: Heard, context: Context, width: int
) -> tuple[list[Part], list[Part]]:
    """The title's left and right end. `since` is when counting changes began; None: 15 minutes ago."""
    look = Look.BAD if wrong else Look.WARN if heard.waiting or not heard.of else Look.GOOD
    well = "nothing is wrong" if heard.of else "not known" if context.sources else "no source"
    says = f"{wrong} problem{'s' if wrong != 1 else ''}" if wrong else well
    if heard.waiting:
        unknown = f"{heard.waiting} of {heard.of} source{'s' if heard.of != 1 else ''} not known yet"
        says = f"{says}, {unknown}" if wrong else unknown
    within = "/15m" if since is None else f" since {since.astimezone():%H:%M}"
    left: list[Part] = [(" overview", style(Look.STRONG))]
    lately = f"  {changes} change{'s' if changes != 1 else ''}{within} "
    right: list[Part] = [(f" {says} ", style(look)), (lately, style(Look.DIM))]
    small = sum(width_of(text) for text, _ in (*left, *right)) > width
    return left, right[:1] if small else right


def all_well(heard: Heard, context: Context, width: int) -> list[str]:
    """Where nothing is known to be wrong: whether that is known."""
    if heard.waiting:
        which = f"{heard.waiting} of {heard.of} source{'s have' if heard.of != 1 else ' has'}"
        return [f"not known yet: {which} not answered"]
    if heard.of:
        return [f"nothing: {heard.of} source{'s are' if heard.of != 1 else ' is'} live"]
    if context.sources:
        return ["not known: no source of this context says what is wrong"]
    return [*wrapped(NO_SOURCE, max(20, width - 3)), *context.tried]
