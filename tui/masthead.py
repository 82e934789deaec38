"""The first line: where one is, in which mode, what is not well, and how old the oldest of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backends.api.clock import Clock
from backends.api.details import Trouble
from backends.api.readings import ILL, Reading, Readings, State, worst_by_source
from backends.config.context import Context
from backends.watch import Broken
from widgets.freshness import word_of
from widgets.look import Look
from widgets.one_line import NARROW, OneLine, Part
from widgets.quantities import age
from widgets.safe import fit, style, width_of

RED = style(Look.BAD, reverse=True)
"""The bars above and below the view while it is armed: they frame it, and take nothing from it."""


class Masthead(OneLine):
    """A bar in the context's own colour; while it is armed, in red around the context's name. `sized` is called
    when it has another width, on which it depends how much is told."""

    def __init__(self, sized: Callable[[], None]) -> None:
        super().__init__()
        self._sized = sized

    def on_resize(self) -> None:
        self._sized()

    def tell(
        self,
        context: Context,
        readings: Readings,
        broken: Sequence[Broken],
        charts: Sequence[Reading[Any]],
        *,
        ready: bool,
        armed: float | None,
        held: int,
        missed: int | None,
        clock: Clock,
    ) -> None:
        """`armed` is for how many seconds yet, None where it is not for a while only; `held` counts lines that no
        audit takes; `missed` counts updates since the screen was frozen, None while it is not."""
        self.base = style(reverse=True, colour=context.paint) if armed is None else RED
        strong = style(Look.STRONG, reverse=True, colour=context.paint)
        loud = strong if armed is None else RED
        small = 0 < self.size.width < NARROW
        left: list[Part] = [
            *([] if small else [(" midwatch ", self.base)]),
            (f" {context.name} ", strong),
            (f" {context.mode} " if armed is None else f" ARMED {_left(armed)} ", self.base),
        ]
        room = self.size.width - sum(width_of(text) for text, _ in left)
        if held:
            left.append((f" {held} {'line' if held == 1 else 'lines'} in no audit: see :log ", loud))
        if missed is not None:
            left.append((f" FROZEN, {missed} update{'' if missed == 1 else 's'} waiting ", loud))
        hour = "" if small else clock.now().astimezone().strftime("%H:%M ")
        told, look = state_words(context, readings, broken, charts, ready=ready, now=clock.monotonic())
        if sum(width_of(text) for text, _ in left) + width_of(f" {told}  {hour}") > self.size.width:
            now = clock.monotonic()
            told, look = state_words(context, readings, broken, charts, ready=ready, now=now, brief=True)
        if 0 < room < width_of(f" {told}  {hour}"):
            # Where one is and in which mode goes last.
            told, hour = fit(told, max(2, room - 3)).rstrip(), ""
        right = [(f" {told}  ", self.base if look is Look.GOOD else loud), (hour, self.base)]
        self.show(left, right)


def _left(seconds: float) -> str:
    """Minutes, and in the last of them seconds: a countdown that costs a repaint a second only at its end."""
    return age(seconds) if seconds < 60 else f"{-int(-seconds // 60)}m"


def state_words(
    context: Context,
    readings: Readings,
    broken: Sequence[Broken],
    charts: Sequence[Reading[Any]] = (),
    *,
    ready: bool,
    now: float,
    brief: bool = False,
) -> tuple[str, Look]:
    """The worst state of any source in words, with the oldest age: "✖ etcd/main unreachable 42s", and what it
    means; `brief` where the context's mode would have no room beside it.

    A chart that is looked at and has no answer makes no source ill, as its server may answer all else; but then
    not all that is on the screen is live.
    """
    if not ready:
        return ("opening" if context.sources else "looking for sources"), Look.DIM
    ill = {key: reading for key, reading in readings.items() if reading.state in ILL}
    bad = {key.source: reading.state.value for key, reading in worst_by_source(ill).items()}
    bad |= {item.source: "broken" for item in broken}
    oldest = min((reading.at for reading in ill.values() if reading.at is not None), default=None)
    old = "" if oldest is None else f" {age(now - oldest)}"
    if len(bad) == 1:
        source, word = next(iter(bad.items()))
        return (f"✖ {source}{old}" if brief else f"✖ {source} {word}{old}"), Look.BAD
    if bad:
        return f"✖ {len(bad)} of {len(context.sources)}{'' if brief else ' sources not well'}{old}", Look.BAD
    rows = [(trouble.error.word, trouble.since) for trouble in _troubled(readings)]
    lost = [(word_of(reading), reading.at) for reading in charts if reading.state in ILL]
    troubled = rows + lost
    if troubled:
        since = min((since for _, since in troubled if since is not None), default=None)
        noun = "" if rows else "chart " if len(lost) == 1 else "charts "
        what = troubled[0][0] if len(troubled) == 1 else "not well"
        return f"▲ {len(troubled)} {noun}{what}" + ("" if since is None else f" {age(now - since)}"), Look.WARN
    if any(reading.state is State.LOADING for reading in readings.values()):
        return "loading", Look.DIM
    return ("all live", Look.GOOD) if context.sources else ("no source", Look.WARN)


def _troubled(readings: Readings) -> list[Trouble]:
    """The troubles of single rows whose source is well; of a log feed, which has no rows, its own."""
    found = []
    for reading in readings.values():
        values = reading.value.values() if isinstance(reading.value, Mapping) else (reading.value,)
        found += [trouble for value in values if (trouble := getattr(value, "trouble", None)) is not None]
    return found
