"""Headlines: how a problem and a change stand in a line of the overview."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from backends.incident.notable_changes import Change
from backends.incident.problems import GRAVE, Now, Problem
from tui.kinds.events import look_of, told
from tui.screens.overview.source_lines import told_apart
from widgets.board import Entry
from widgets.cut_apart import cut_apart, without_head
from widgets.look import Look
from widgets.one_line import NARROW, Part
from widgets.quantities import age
from widgets.safe import fit, style, width_of

ROOMY = 100
"""Cells from which on a line has room for its source."""
CALLED = {
    "instances": "instance",
    "members": "member",
    "units": "unit",
    "targets": "target",
    "alerts": "alert",
    "runs": "run",
}
"""What one row of a noun is called."""


def problem_lines(found: Sequence[tuple[Problem, bool]], now: Now, width: int) -> Iterator[Entry]:
    """Lines of problems that stand there together, no two of which have a name that reads the same. With each:
    whether it stands below what brought it about."""
    room = 28 if width >= ROOMY else 22 if width >= NARROW else 14
    sources: dict[str, set[str]] = defaultdict(set)
    for problem, _ in found:
        sources[problem.name].add(problem.source)
    whole, short = [], []
    for problem, behind in found:
        apart = told_apart(problem.source, sources[problem.name])
        name, mark = problem.name + (f"  {apart}" if apart else ""), "└ " if behind else ""
        whole.append(mark + name)
        short.append(mark + without_head(name, room - len(mark)))
    of: dict[str, set[str]] = defaultdict(set)
    for name, text in zip(whole, short, strict=True):
        of[text].add(name)
    names = [text if len(of[text]) == 1 else name for name, text in zip(whole, short, strict=True)]
    cut = cut_apart(names, room)
    for (problem, _), name in zip(found, names, strict=True):
        yield _problem_line(problem, cut[name], now, width)


def _problem_line(problem: Problem, name: str, now: Now, width: int) -> Entry:
    grave = problem.severity >= GRAVE
    look = Look.DIM if problem.old else Look.BAD if grave else Look.WARN
    since = "" if problem.since is None else age((now.wall - problem.since).total_seconds())
    parts: tuple[Part, ...] = (
        ("✖ " if grave else "◌ " if problem.old else "▲ ", style(look)),
        (name, style(Look.DIM if problem.old else Look.STRONG)),
        (f"  {fit(problem.word, 11 if width >= NARROW else 8)}", style(look)),
        (f" {since:>4}  ", style(dim=problem.old)),
        (f"last word of {problem.source}: {problem.why}" if problem.old else problem.why, style(dim=problem.old)),
    )
    source: Part = (f"  {problem.source} " if problem.source not in problem.name else "", style(Look.DIM))
    brought: Part = (f"  {'' if problem.joint else '+ '}{brought_about(problem)} ", style(look))
    number: Part = (f" {_counted(problem)} ", style(look))
    if not problem.effects:
        brought = number = ("", style())
    # Nothing of this takes the place of why.
    ends = [(brought, source), (number, source), (number,)] if width >= ROOMY else [(number,)]
    room = width - 1 - _width(parts)
    return Entry(problem.key, parts, next((end for end in ends if _width(end) <= room), (number,)))


def _width(parts: Iterable[Part]) -> int:
    return sum(width_of(text) for text, _ in parts)


def _counted(problem: Problem) -> str:
    """How many stand behind a problem; of a line for several how many that is about."""
    if not problem.joint:
        return f"+{len(problem.effects)}"
    return f"×{sum(effect.kind == problem.kind for effect in problem.effects)}"


def brought_about(problem: Problem) -> str:
    """What stands behind a problem, counted: `6 units, 2 targets, 1 alert`; "" for nothing."""
    counted = Counter({CALLED[noun]: count for noun, count in problem.lost or ()})
    counted.update("group" if effect.missing else CALLED[effect.kind] for effect in problem.effects)
    return ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for word, count in counted.items())


def change_line(change: Change, wall: datetime, width: int) -> Entry:
    event = change.event
    local, small = event.time.astimezone(), width < NARROW
    if local.date() == wall.astimezone().date():
        stamp = f"{local:%H:%M}" if small else f"{local:%H:%M:%S}"
    else:
        stamp = f"{local:%m-%d}" if small else f"{local:%m-%d %H:%M}"
    look = look_of(event)
    times = f"  ×{change.times}" if change.times > 1 else ""
    seen_by = ", ".join(event.witnesses)
    right = ((f"  {seen_by} ", style(Look.DIM)),) if width >= ROOMY and seen_by != event.target else ()
    return Entry(
        event.key,
        (
            (f"{stamp:<{5 if small else 11}} ", style(Look.DIM)),
            (f"{event.kind.value:<8} ", style(look)),
            (f"{fit(event.target, 10 if small else 20)}  ", style()),
            (told(event) + times, style(look)),
            *_failed(change),
        ),
        right,
    )


def _failed(change: Change) -> tuple[Part, ...]:
    """What was bad in between: the end alone would hide it."""
    if change.failed is None:
        return ()
    return (("  before: ", style(Look.DIM)), (told(change.failed), style(look_of(change.failed))))
