"""Headlines: how a problem and a change stand in a line of the overview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from backends.incident.notable_changes import Change
from backends.incident.problems import GRAVE, Now, Problem
from tui.kinds.events import look_of, told
from tui.screens.source_lines import label, told_apart
from widgets.board import Entry
from widgets.look import Look
from widgets.one_line import NARROW, Part
from widgets.quantities import age
from widgets.safe import fit, style

CALLED = {
    "instances": "instance",
    "members": "member",
    "units": "unit",
    "targets": "target",
    "alerts": "alert",
    "runs": "run",
}
"""What one row of a noun is called."""


def problem_line(
    problem: Problem, now: Now, width: int, sources: Collection[str] = (), *, behind: bool = False
) -> Entry:
    """`sources` are all that have a problem of this name; `behind`: it stands below what brought it about."""
    grave = problem.severity >= GRAVE
    look = Look.DIM if problem.old else Look.BAD if grave else Look.WARN
    since = "" if problem.since is None else age((now.wall - problem.since).total_seconds())
    name, word = (28, 11) if width >= 100 else (22, 11) if width >= NARROW else (14, 8)
    roomy = width >= 100
    # Where the line has no room for its source, what tells that from the others is beside the name.
    apart = "" if roomy else told_apart(problem.source, sources)
    parts = (
        ("✖ " if grave else "◌ " if problem.old else "▲ ", style(look)),
        (
            label(f"└ {problem.name}" if behind else problem.name, apart, name),
            style(Look.DIM if problem.old else Look.STRONG),
        ),
        (f"  {fit(problem.word, word)}", style(look)),
        (f" {since:>4}  ", style(dim=problem.old)),
        (f"last word of {problem.source}: {problem.why}" if problem.old else problem.why, style(dim=problem.old)),
    )
    brought = brought_about(problem)
    right = (
        [(f"  + {brought} " if roomy else f" +{len(problem.effects)} ", style(look))] if problem.effects else []
    )
    if roomy and problem.source not in problem.name:
        right.append((f"  {problem.source} ", style(Look.DIM)))
    return Entry(problem.key, parts, tuple(right))


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
    right = ((f"  {seen_by} ", style(Look.DIM)),) if width >= 100 and seen_by != event.target else ()
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
