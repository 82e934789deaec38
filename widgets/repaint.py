"""What of some lines must be painted again: as few cells as that takes, in as few blocks."""

from __future__ import annotations

from textual.geometry import Region

from widgets.one_line import Part
from widgets.safe import width_of

NEAR = 12
"""Cells by which neighbouring lines that changed may differ and still be painted as one block."""
Runs = list[Part]
"""One line, neighbours of one style joined."""


def differences(before: list[Runs], now: list[Runs], width: int) -> list[Region]:
    """What differs, neighbouring lines together: each region costs as much as several lines."""
    found: list[Region] = []
    for y, (old, new) in enumerate(zip(before, now, strict=True)):
        if old is not new and old != new:
            first, last = _differing(old, new, width)
            here = Region(first, y, last - first, 1)
            if found and found[-1].bottom == y and abs(found[-1].x - first) + abs(found[-1].right - last) <= NEAR:
                found[-1] = found[-1].union(here)
            else:
                found.append(here)
    return found


def _differing(old: Runs, new: Runs, width: int) -> tuple[int, int]:
    """The cells from the first to beyond the last that differ."""
    start, same = 0, 0
    for before, now in zip(old, new, strict=False):
        if before != now:
            start += width_of(_alike(before[0], now[0])) if before[1] == now[1] else 0
            break
        start += width_of(now[0])
        same += 1
    end = sum(width_of(text) for text, _ in new)
    if sum(width_of(text) for text, _ in old) != end:
        return start, width
    for before, now in zip(old[same:][::-1], new[same:][::-1], strict=False):
        if before != now:
            alike = _alike(before[0][::-1], now[0][::-1]) if before[1] == now[1] else ""
            end -= width_of(alike)
            break
        end -= width_of(now[0])
    return start, min(max(end, start + 1), width)


def _alike(one: str, other: str) -> str:
    """What both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return one[:at]
    return min(one, other, key=len)
