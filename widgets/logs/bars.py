"""Bars: counts by second, gathered into as many bars as have room."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 14400, 28800, 43200),
    *(86400, 7 * 86400, 28 * 86400, 364 * 86400),
)
"""Seconds that one bar may stand for."""
BARS = 10
"""With fewer there is nothing to see."""


class Bars(Struct, frozen=True):
    """`lines` and `errors` for each `step` seconds from `start` on, in seconds since 1970. Bars stand on
    multiples of their step, so that time passing moves none of them."""

    start: int
    step: int
    lines: tuple[int, ...]
    errors: tuple[int, ...]

    def bar_of(self, second: int) -> int | None:
        """The bar that holds a second."""
        at = (second - self.start) // self.step
        return at if 0 <= at < len(self.lines) else None

    def next_to(self, second: int, step: int) -> int | None:
        """Where the next bar with lines begins in a direction, in seconds; None where there is none."""
        at = (second - self.start) // self.step + step
        while 0 <= at < len(self.lines):
            if self.lines[at]:
                return self.start + at * self.step
            at += step
        return None


def bars(lines: Mapping[int, int], errors: Mapping[int, int], most: int, now: int | None) -> Bars | None:
    """At most so many bars over counts by second; None where there is nothing. They go up to `now`, if there may
    be lines until then, where the last one is not long before that."""
    if not lines or most < BARS:
        return None
    first, last = min(lines), max(lines)
    if now is not None and 0 < now - last <= max(60, (last - first) // 4):
        last = now
    step = next((step for step in STEPS if last // step - first // step < most), None)
    if step is None:
        return None
    start = first // step * step
    number = last // step - first // step + 1
    sums = ([0] * number, [0] * number)
    for counts, found in zip(sums, (lines, errors), strict=True):
        for second, many in found.items():
            counts[(second - start) // step] += many
    return Bars(start, step, tuple(sums[0]), tuple(sums[1]))
