"""Groups of which nobody is there: no row of Members can stand for them, so it is said in place of the rows."""

from __future__ import annotations

from backends.api.readings import State
from backends.incident.problems import Problem
from backends.watch import Watch
from tui.commands import key_of
from tui.screens.overview.source_lines import group_line
from widgets.quantities import age

SHOW_ALL = f"{key_of('step_back')} shows all members"


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
    feed = watching.feed(source, "instances")
    if feed is None or _rows(source, group, watching):
        return []
    if feed.reading.state is not State.LIVE:
        return [f"who is registered in {group} of {source} is not known: {feed.reading.state.value}", SHOW_ALL]
    expected = watching.expected_sizes().get(source, {}).get(group)
    since = watching.empty_groups().get(source, {}).get(group)
    if since is None:
        wanted = "" if expected is None else f"; {expected.size} are configured"
        return [f"nobody has registered in {group} of {source} since this context was opened{wanted}", SHOW_ALL]
    most = "" if expected is None or expected.configured else f"; {expected.size} were there before"
    ago = age(watching.clock.monotonic() - since)
    text = f"nobody is registered in {group} of {source} any more: the last one was seen {ago} ago{most}"
    return [text, f"{SHOW_ALL}; :events has who left, and when"]


def _rows(source: str, group: str, watching: Watch) -> bool:
    feed = watching.feed(source, "instances")
    return feed is not None and any(row.group == group for row in feed.reading.rows.values())
