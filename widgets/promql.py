"""PromQL as it is typed: what a query could become, and where the server found it wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

OFFERS = 50
_WORD = re.compile(r"\w+")
FUNCTIONS = _WORD.findall(
    "abs absent absent_over_time avg_over_time ceil changes clamp clamp_max clamp_min count_over_time "
    "day_of_month day_of_week days_in_month delta deriv exp floor histogram_quantile holt_winters hour idelta "
    "increase irate label_join label_replace last_over_time ln log10 log2 max_over_time min_over_time minute "
    "month predict_linear present_over_time quantile_over_time rate resets round scalar sgn sort sort_desc sqrt "
    "stddev_over_time stdvar_over_time sum_over_time time timestamp vector year"
)
"""https://prometheus.io/docs/prometheus/latest/querying/functions/"""
AGGREGATIONS = _WORD.findall("avg bottomk count count_values group max min quantile stddev stdvar sum topk")
WORDS = _WORD.findall("and bool by group_left group_right ignoring offset on or unless without")
# Progress for from where words begin only: else a long one that something follows costs its length squared.
_TAIL = re.compile(r"(?<![A-Za-z0-9_:])[A-Za-z_:][A-Za-z0-9_:]*$")
_LABELS_FOLLOW = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$")
_POSITION = re.compile(r"\b(\d{1,6}):(\d{1,6}): ", re.ASCII)


def complete(text: str, names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Whole queries that a query could become: labels within braces and after `by (`, else metrics, functions
    and words. What begins with the last word comes before what merely holds it."""
    found = _TAIL.search(text)
    word = found.group() if found else ""
    before = text[: len(text) - len(word)]
    if _in_quotes(before):
        return []
    if before.rfind("{") > before.rfind("}") or _LABELS_FOLLOW.search(before):
        known: Sequence[str] = labels
        ends = dict.fromkeys(labels, "=" if before.rfind("{") > before.rfind("}") else "")
    else:
        if not word and before.strip():
            return []
        known = [*names, *AGGREGATIONS, *FUNCTIONS, *WORDS]
        ends = dict.fromkeys((*AGGREGATIONS, *FUNCTIONS), "(")
    begins = [name for name in known if name.startswith(word)]
    holds = [name for name in known if word and word in name and not name.startswith(word)]
    return [f"{before}{name}{ends.get(name, '')}" for name in (begins + holds)[:OFFERS]]


def pointed_at(query: str, reason: str) -> list[str]:
    """A query, a caret below the place that the server's words name, and those words."""
    found = _POSITION.search(reason)
    if found is None:
        return [query, reason]
    row, column = int(found.group(1)), int(found.group(2))
    lines = query.split("\n")
    if not 0 < row <= len(lines):
        return [query, reason]
    # What points behind the line's end is not about this query.
    if column > len(lines[row - 1]) + 1:
        return [query, reason]
    return [*lines[:row], " " * (column - 1) + "^", *lines[row:], reason]


def _in_quotes(text: str) -> bool:
    open_with = ""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and open_with and open_with != "`":
            escaped = True
        elif open_with:
            open_with = "" if char == open_with else open_with
        elif char in "\"'`":
            open_with = char
    return bool(open_with)
