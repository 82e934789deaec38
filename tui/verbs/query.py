"""`query EXPR`: the present value of each series, or its values over a range."""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from typing import Any

from backends.api.capabilities import Metrics
from backends.api.errors import BackendError, Misconfigured
from backends.api.models import Series
from backends.clean import clean
from backends.context import Context
from backends.watch import Watch
from tui.verbs.output import complain, say, to_json
from tui.verbs.sources import WrongSource, choose
from widgets.units import age

STEPS = 240
"""Points of a range where no step is given."""


async def query(context: Context, options: argparse.Namespace) -> int:
    """Ask once. 2 where the query is wrong, with the server's words; 3 where the server does not answer."""
    opened = Watch(context, timeout=options.timeout)
    try:
        source, metrics = choose(opened, options.source, Metrics, "metrics")
        series = await _ask(metrics, options)
    except WrongSource as error:
        complain(f"midwatch: {error}")
        return 2
    except Misconfigured as error:
        complain(f"{source}: {error.reason}")
        return 2
    except (BackendError, TimeoutError) as error:
        reason = str(error) or f"no answer within {options.timeout:g} s"
        complain(f"{source}: {reason}")
        if options.output == "json":
            say(to_json(_document(context, source, (), reason)))
        return 3
    finally:
        await opened.close()
    _print(context, options, source, series)
    return 0


async def _ask(metrics: Metrics, options: argparse.Namespace) -> tuple[Series, ...]:
    async with asyncio.timeout(options.timeout):
        if options.range is None:
            return await metrics.query(options.expression)
        end = time.time()
        step = options.step or max(1.0, round(options.range / STEPS))
        return await metrics.query_range(options.expression, end - options.range, end, step)


def _print(context: Context, options: argparse.Namespace, source: str, series: tuple[Series, ...]) -> None:
    items = [_item(one, options.range is not None) for one in series]
    if options.output == "json":
        say(to_json(_document(context, source, items)))
    elif options.output == "jsonl":
        for item in items:
            say(to_json(item))
    elif not items:
        say("no series: nothing has these names and labels now")
    else:
        for one in series:
            say(clean(_line(one)))


def _document(context: Context, source: str, items: Any, error: str | None = None) -> dict[str, Any]:
    state = "live" if error is None else "unreachable"
    as_of = None if error is not None else _now()
    reading = {"source": source, "state": state, "as_of": as_of, "error": error}
    return {"kind": "query", "context": context.name, "readings": [reading], "items": list(items)}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _item(series: Series, ranged: bool) -> dict[str, Any]:
    labels = dict(series.labels)
    if ranged:
        return {"labels": labels, "values": [[at, number(value)] for at, value in series.points]}
    at, value = series.points[-1]
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
    return {"labels": labels, "value": number(value), "time": moment}


def number(value: float) -> float | str:
    """JSON has no NaN and no infinity: they are strings, spelled as Prometheus does."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")


def _line(series: Series) -> str:
    name = series.labels.get("__name__", "")
    labels = ", ".join(f'{key}="{value}"' for key, value in sorted(series.labels.items()) if key != "__name__")
    values = [value for _, value in series.points]
    if len(values) == 1:
        return f"{name}{{{labels}}}  {values[0]:g}"
    known = [value for value in values if not math.isnan(value)]
    span = age(series.points[-1][0] - series.points[0][0]) if values else "–"
    low, high = (min(known), max(known)) if known else (math.nan, math.nan)
    return f"{name}{{{labels}}}  last {values[-1]:g}  min {low:g}  max {high:g}  {len(values)} points in {span}"
