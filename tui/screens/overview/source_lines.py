"""Source lines: how each source and group stands, one line each; numbers over time are in `vitals`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from backends.api.capabilities import kind_of
from backends.api.members import Member, MemberState, Role
from backends.api.processes import Host
from backends.api.readings import ILL, Reading, Readings, State
from backends.incident.expected_sizes import Expected
from backends.incident.problems import CHECKS, Now
from tui.kinds.facts import host_load
from tui.kinds.members import DOTS, MEMBER_LOOKS
from widgets.board import Entry
from widgets.freshness import STANDINGS, Sight, standing
from widgets.look import Look
from widgets.one_line import Part
from widgets.safe import fit, style, width_of

CROWD = 20
"""Members above which they are counted instead of drawn."""
UNKNOWN_DOT = DOTS[MemberState.UNKNOWN]
GAP: Part = ("   ", style())
LABEL, LABEL_LEAST = 20, 4
"""Cells of what a line is about, and of a name that has something beside it at least."""
Sizes = Mapping[str, Mapping[str, Expected]]
"""By source and group."""


def source_lines(readings: Readings, sizes: Sizes, now: Now) -> Iterator[tuple[str, Entry]]:
    """Lines, each with the kind that it leads to."""
    counted: dict[str, dict[str, Reading[Any]]] = {}
    for (source, noun), reading in readings.items():
        if _is_counted(noun):
            counted.setdefault(source, {})[noun] = reading
    registries = [s for (s, noun), of in readings.items() if noun == "instances" and (of.rows or sizes.get(s))]
    for (source, noun), reading in readings.items():
        rows = list(reading.rows.values())
        wanted = sizes.get(source, {})
        stands = _standing(reading, now)
        if noun == "members":
            yield "members", Entry(f"members {source}", (_label(source), *_cluster(rows, reading), *stands))
        elif noun == "instances":
            for group in sorted({row.group for row in rows} | wanted.keys()):
                mine = [row for row in rows if row.group == group]
                parts = _group(mine, wanted.get(group), reading)
                name = _label(str(group), told_apart(source, registries))
                yield "members", Entry(group_line(source, group), (name, *parts, *stands))
        elif noun == "hosts":
            for row in rows:
                told = (_label(row.name), _host(row, reading), *stands)
                yield "processes", Entry(f"hosts {source} {row.key}", told)
        elif nouns := counted.pop(source, {}) if _is_counted(noun) else {}:
            told = (_label(source), *_counted(nouns, now))
            yield kind_of(next(iter(nouns))), Entry(f"{noun} {source}", told)


def group_line(source: str, group: str | None) -> str:
    """What the line of a group is known by."""
    return f"group {source} {group}"


def _is_counted(noun: str) -> bool:
    """Of what can be wrong, that of which there are too many for a dot each."""
    return noun in CHECKS and noun not in ("members", "instances", "runs")


def told_apart(source: str, others: Collection[str]) -> str:
    """Two sources may have something of the same name: of which system this one is, or which of those of one
    system; "" where there is no other. `others` are all of them, this one too."""
    kind, _, name = source.partition("/")
    if len(others) < 2:
        return ""
    return kind if sum(other.partition("/")[0] == kind for other in others) == 1 else name


def _label(text: str, apart: str = "") -> Part:
    """`apart` is what tells it from others of its name: never cut for the sake of that."""
    if apart:
        text = f"{fit(text, max(LABEL_LEAST, LABEL - width_of(apart) - 2)).rstrip()}  {apart}"
    return (fit(text, LABEL) + "  ", style(Look.STRONG))


def _dim(reading: Reading[Any]) -> Look | None:
    return None if reading.state is State.LIVE else Look.DIM


def _standing(reading: Reading[Any], now: Now) -> tuple[Part, ...]:
    """How it is where that is not live, and since when."""
    if reading.state is State.LIVE:
        return ()
    sight = Sight.of(reading, now.monotonic, now.wall)
    return ((f"  {standing('', None, sight)}", style(STANDINGS[reading.state])),)


def _dots(rows: Iterable[Member], reading: Reading[Any]) -> list[Part]:
    rows, dim = list(rows), _dim(reading)
    if len(rows) > CROWD:
        states = Counter(row.state for row in rows)
        told = [state for state in MemberState if states[state]]
        return [(f"{states[state]} {state.value}  ", style(dim or MEMBER_LOOKS[state])) for state in told]
    parts: list[Part] = []
    for row in sorted(rows, key=lambda row: row.name):
        glyph = DOTS[row.state] if reading.state is State.LIVE else UNKNOWN_DOT
        parts.append((glyph, style(dim or MEMBER_LOOKS[row.state])))
    return parts


def _cluster(rows: list[Member], reading: Reading[Any]) -> tuple[Part, ...]:
    own_word = (row.name for row in rows if row.role is Role.LEADER)
    leader = next(own_word, None) or next((row.leader for row in rows if row.leader is not None), None)
    leaderless = any(row.leaderless is not None for row in rows)
    look = _dim(reading) or (Look.BAD if leaderless else Look.PLAIN)
    leads = "leads" if reading.state is State.LIVE else "led"
    says = f"  {leader} {leads}" if leader else "  no leader" if leaderless else _unseen(rows)
    return (*_dots(rows, reading), (says, style(look)))


def _unseen(rows: list[Member]) -> str:
    """Of a leader who is not among the rows: one that follows has one, who is one of them where all voters
    are asked."""
    if not any(row.role in (Role.FOLLOWER, Role.OBSERVER) for row in rows):
        return ""
    asked = any(row.quorum is not None and not row.quorum.hidden for row in rows)
    return "  leader not known" if asked or any(row.trouble for row in rows) else "  leader not in hosts"


def _group(rows: list[Member], wanted: Expected | None, reading: Reading[Any]) -> tuple[Part, ...]:
    """Who is missing; where nobody has told who is there, that is not known."""
    parts = _dots(rows, reading)
    dim = _dim(reading)
    if wanted is not None and len(rows) < wanted.size:
        missing = DOTS[MemberState.DOWN] if dim is None else UNKNOWN_DOT
        parts += [(missing * min(CROWD, wanted.size - len(rows)), style(dim or Look.BAD))]
        if reading.value is not None:
            parts += [(f"  {len(rows)} of {wanted.size}", style(dim or Look.WARN))]
    return tuple(parts)


def _counted(nouns: Mapping[str, Reading[Any]], now: Now) -> Iterator[Part]:
    """What there is of each noun of a source; how that is once where it is the same for all of them."""
    standings = [_standing(reading, now) for reading in nouns.values()]
    same = all(stands == standings[0] for stands in standings)
    for number, (noun, reading) in enumerate(nouns.items()):
        yield from () if number == 0 else (GAP,)
        yield from _counts(noun, reading)
        yield from () if same else standings[number]
    yield from standings[0] if same else ()


def _counts(noun: str, reading: Reading[Any]) -> tuple[Part, ...]:
    of: Part = (f"{noun} ", style(Look.DIM))
    if reading.state in ILL and not reading.rows:
        # That there were none is no news of now.
        return of, ("not known", style(Look.DIM))
    if reading.value is None:
        # Nobody has told how many there are.
        return ((noun, style(Look.DIM)),)
    states = Counter(row.state for row in reading.value.values())
    if not states:
        return ((f"no {noun}", style(_dim(reading) or Look.PLAIN)),)
    words = [f"{number} {state.value}" for state, number in sorted(states.items(), key=lambda pair: -pair[1])]
    were = "" if reading.state is State.LIVE else "were "
    return of, (were + "  ".join(words), style(_dim(reading) or Look.PLAIN))


def _host(row: Host, reading: Reading[Any]) -> Part:
    return (host_load(row), style(_dim(reading) or Look.PLAIN))
