"""`query EXPR`: the present value of each series, or its values over a range."""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from backends.api.backend import Backend
from backends.api.capabilities import Metrics
from backends.api.errors import BackendError, Misconfigured, Silent
from backends.api.metrics import Series
from backends.api.readings import Reading, State
from backends.clean import clean
from backends.config.context import Context
from backends.watch import Watch
from tui.kinds.facts import rfc3339
from tui.verbs.printing import complain, cut, hinted, say, to_json
from tui.verbs.sources import WrongSource, choose
from tui.verbs.told import source_state
from widgets.quantities import UNKNOWN, age
from widgets.tables.plain import aligned

STEPS = 240
"""Points of a range where no step is given."""
GRACE = 0.5
"""Seconds for the answer that says why there is none."""
OLD = 5.0
"""Seconds of age from which a value's age is printed."""


async def query(context: Context, options: argparse.Namespace) -> int:
    """Ask once. 2 where the query is wrong, with the server's words; 3 where the server does not answer."""
    opened = Watch(context, timeout=options.timeout)
    try:
        source, metrics = choose(opened, options.source, Metrics, "metrics")
        series = await _ask(opened.backend(source), metrics, options)
    except WrongSource as error:
        complain(f"midwatch: {error}")
        return 2
    except Misconfigured as error:
        complain(f"{source}: {hinted(str(error), error.hint)}")
        return 2
    except BackendError as error:
        complain(f"{source}: {hinted(str(error), error.hint)}")
        if options.output == "json":
            say(to_json(_document(context, source, (), Reading(State.UNREACHABLE, error=error))))
        return 3
    finally:
        await opened.close()
    _print(context, options, source, series)
    return 0


async def _ask(backend: Backend | None, metrics: Metrics, options: argparse.Namespace) -> tuple[Series, ...]:
    try:
        async with asyncio.timeout(options.timeout + GRACE):
            if options.range is None:
                return await metrics.query(options.expression)
            end = time.time()
            step = options.step or max(1.0, round(options.range / STEPS))
            return await metrics.query_range(options.expression, end - options.range, end, step)
    except TimeoutError:
        where = "" if backend is None else backend.where
        raise Silent(f"no answer within {options.timeout:g} s", where=where) from None


def _print(context: Context, options: argparse.Namespace, source: str, series: tuple[Series, ...]) -> None:
    items = [_item(one, options.range is not None) for one in series]
    if options.output == "json":
        say(to_json(_document(context, source, items, Reading(State.LIVE, as_of=datetime.now(UTC)))))
    elif options.output == "jsonl":
        say(*map(to_json, items))
    elif not items:
        say("no series: nothing has these names and labels now")
    else:
        say(*_table(series, options.range is not None))


def _document(context: Context, source: str, items: Any, reading: Reading[Any]) -> dict[str, Any]:
    states = [source_state(source, reading)]
    return {"kind": "query", "context": context.name, "readings": states, "items": list(items)}


def _item(series: Series, ranged: bool) -> dict[str, Any]:
    labels = dict(series.labels)
    if ranged:
        return {
            "labels": labels,
            "values": [[at, number(value)] for at, value in series.points if math.isfinite(at)],
        }
    at, value = _newest(series)
    return {"labels": labels, "value": number(value), "time": rfc3339(_moment(at))}


def _newest(series: Series) -> tuple[float | None, float | None]:
    """Its last time and value; None for what is not known. A server that speaks this API may tell a series and
    no value of it."""
    at, value = series.points[-1] if series.points else (math.nan, None)
    return at if math.isfinite(at) else None, value


def _moment(at: float | None) -> datetime | None:
    """None, too, for a time that no calendar has."""
    with suppress(ValueError, OverflowError, OSError):
        return None if at is None else datetime.fromtimestamp(round(at, 3), UTC)
    return None


def number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they are strings, spelled as Prometheus does."""
    if value is None:
        return None
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")


def _table(series: tuple[Series, ...], ranged: bool) -> list[str]:
    """A column for each label, after the numbers: what a narrow terminal cuts off is the labels' end."""
    names = sorted({name for one in series for name in one.labels}, key=lambda name: (name != "__name__", name))
    old = not ranged and any(_is_old(one) for one in series)
    titles = ("LAST", "MIN", "MAX", "POINTS", "SPAN") if ranged else ("VALUE", "AGE") if old else ("VALUE",)
    numbers = _over_time if ranged else _present
    cells = [[*titles, *("NAME" if name == "__name__" else clean(name).upper() for name in names)]]
    for one in series:
        labels = (clean(one.labels.get(name, "")) for name in names)
        cells.append([*numbers(one)[: len(titles)], *labels])
    return cut(aligned(cells, frozenset(range(len(titles)))))


def _is_old(series: Series) -> bool:
    """Whether its age must be told: it is old, or nobody knows how old it is."""
    at, _ = _newest(series)
    return at is None or time.time() - at >= OLD


def _present(series: Series) -> list[str]:
    at, value = _newest(series)
    return [_short(value), age(None if at is None else time.time() - at)]


def _over_time(series: Series) -> list[str]:
    if not series.points:
        return [*[UNKNOWN] * 3, "0", UNKNOWN]
    values = [value for _, value in series.points]
    known = [value for value in values if not math.isnan(value)] or [math.nan]
    span = age(series.points[-1][0] - series.points[0][0])
    return [*map(_short, (values[-1], min(known), max(known))), str(len(values)), span]


def _short(value: float | None) -> str:
    """Ten digits: counters and times are whole, and 0.1 + 0.2 is 0.3."""
    if value is None:
        return UNKNOWN
    return f"{value:.10g}" if math.isfinite(value) else str(number(value))
