"""Source lines: how each source and group stands, one line each; numbers over time are in `signals`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backends.api.models import Host, Member, MemberState, Reading, Role, State
from backends.incident.sizes import Expected
from tui.kinds.facts import host_line
from widgets.board import Entry
from widgets.columns import Look
from widgets.oneline import Part
from widgets.safe import fit, style

CROWD = 20
"""Members above which they are counted instead of drawn."""
DOTS = {
    MemberState.UP: ("●", Look.GOOD),
    MemberState.DOWN: ("○", Look.BAD),
    MemberState.UNKNOWN: ("◌", Look.WARN),
}
Sizes = Mapping[str, Mapping[str, Expected]]
"""By source and group."""


def source_lines(readings: Mapping[tuple[str, str], Reading[Any]], sizes: Sizes) -> Iterator[tuple[str, Entry]]:
    """Lines, each with the kind that it leads to."""
    registries = sum(noun == "instances" and bool(reading.value) for (_, noun), reading in readings.items())
    for (source, noun), reading in readings.items():
        rows = list((reading.value or {}).values())
        wanted = sizes.get(source, {})
        if noun == "members":
            yield "members", Entry(f"members {source}", (_label(source), *_cluster(rows, reading)))
        elif noun == "instances":
            for group in sorted({row.group for row in rows} | wanted.keys()):
                mine = [row for row in rows if row.group == group]
                parts = _group(mine, wanted.get(group), reading)
                # The same group may be registered in two systems: then it says in which.
                name = f"{group}  {source.partition('/')[0]}" if registries > 1 else str(group)
                yield "members", Entry(f"group {source} {group}", (_label(name), *parts))
        elif noun in ("units", "targets", "alerts"):
            yield noun, Entry(f"{noun} {source}", (_label(source), *_counts(noun, rows, reading)))
        elif noun == "hosts":
            for row in rows:
                yield "processes", Entry(f"hosts {source} {row.key}", (_label(source), *_host(row, reading)))


def _label(text: str) -> Part:
    return (fit(text, 20) + "  ", style(Look.STRONG))


def _dim(reading: Reading[Any]) -> Look | None:
    return None if reading.state is State.LIVE else Look.DIM


def _standing(reading: Reading[Any]) -> tuple[Part, ...]:
    if reading.state is State.LIVE:
        return ()
    look = Look.BAD if reading.state is State.UNREACHABLE else Look.WARN
    return ((f"  {reading.state.value}", style(Look.DIM if reading.state is State.LOADING else look)),)


def _dots(rows: Iterable[Member], reading: Reading[Any]) -> list[Part]:
    rows = list(rows)
    if len(rows) > CROWD:
        states = Counter(row.state for row in rows)
        return [
            (f"{states[state]} {state.value}  ", style(DOTS[state][1])) for state in MemberState if states[state]
        ]
    parts: list[Part] = []
    for row in sorted(rows, key=lambda row: row.name):
        glyph, look = DOTS[row.state] if reading.state is State.LIVE else ("◌", Look.DIM)
        parts.append((glyph, style(look)))
    return parts


def _cluster(rows: list[Member], reading: Reading[Any]) -> tuple[Part, ...]:
    leader = next((row.name for row in rows if row.role is Role.LEADER), None)
    says = f"  {leader} leads" if leader else "  no leader" if rows else ""
    look = _dim(reading) or (Look.PLAIN if leader else Look.BAD)
    return (*_dots(rows, reading), (says, style(look)), *_standing(reading))


def _group(rows: list[Member], wanted: Expected | None, reading: Reading[Any]) -> tuple[Part, ...]:
    parts = _dots(rows, reading)
    if wanted is not None and len(rows) < wanted.size:
        parts += [("○" * min(CROWD, wanted.size - len(rows)), style(Look.BAD))]
        parts += [(f"  {len(rows)} of {wanted.size}", style(Look.WARN))]
    return (*parts, *_standing(reading))


def _counts(noun: str, rows: list[Any], reading: Reading[Any]) -> tuple[Part, ...]:
    states = Counter(row.state for row in rows)
    words = [f"{number} {state.value}" for state, number in sorted(states.items(), key=lambda pair: -pair[1])]
    text = "  ".join(words) or f"no {noun}"
    return ((text, style(_dim(reading) or Look.PLAIN)), *_standing(reading))


def _host(row: Host, reading: Reading[Any]) -> tuple[Part, ...]:
    return ((host_line(row), style(_dim(reading) or Look.PLAIN)), *_standing(reading))
