"""Groups of which nobody is there: no row of Members can stand for them, so it is said in place of the rows."""

from __future__ import annotations

from backends.incident.problems import Problem
from backends.watch import Watch
from tui.screens.sourcelines import group_line
from widgets.quantities import age


def group_without_rows(problem: Problem | None, line: str | None, watching: Watch) -> tuple[str, str] | None:
    """Source and name of the group that a problem, or a chosen line of the vital signs, is about, where nobody is
    registered in it."""
    if problem is not None and problem.row:
        return None
    for source, sizes in watching.expected_sizes().items():
        for group in sizes:
            is_it = line == group_line(source, group)
            if problem is not None:
                is_it = (problem.kind, problem.source, problem.name) == ("members", source, group)
            if is_it and not _rows(source, group, watching):
                return source, group
    return None


def in_place_of_rows(source: str, group: str, watching: Watch) -> list[str]:
    """What is known of it; nothing where somebody is registered."""
    expected = watching.expected_sizes().get(source, {}).get(group)
    since = watching.empty_groups().get(source, {}).get(group)
    ways = "esc shows all members; :events has who left, and when"
    if since is not None:
        ago = age(watching.clock.monotonic() - since)
        most = "" if expected is None or expected.configured else f"; {expected.size} were there before"
        return [
            f"nobody is registered in {group} of {source} any more: the last one was seen {ago} ago{most}",
            ways,
        ]
    if expected is not None and expected.configured and not _rows(source, group, watching):
        never = f"nobody has registered in {group} of {source} since this context was opened"
        return [f"{never}; {expected.size} are configured", ways]
    return []


def _rows(source: str, group: str, watching: Watch) -> bool:
    feed = watching.feed(source, "instances")
    return feed is not None and any(row.group == group for row in feed.reading.rows.values())
