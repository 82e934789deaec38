"""`doctor`: what was tried, what answered, and what to do about the rest."""

from __future__ import annotations

import argparse
import asyncio
import locale
import os
import platform
import sys
from typing import Any

from backends.api.backend import Check
from backends.clean import clean
from backends.config.context import Context
from backends.config.discovery import look_around
from backends.config.file import config_path
from backends.watch import Watch
from tui import __version__
from tui.own_log import log_path
from tui.verbs.printing import say, to_json
from widgets.quantities import milliseconds


async def doctor(context: Context, options: argparse.Namespace) -> int:
    """Print every check; 3 where a source could not be reached."""
    opened = Watch(context, timeout=options.timeout)
    try:
        checks = await _sources(opened, options.timeout)
    finally:
        await opened.close()
    for item in opened.broken:
        checks.append((item.source, Check(item.error.where, False, item.error.reason, hint=item.error.hint)))
    failed = any(not check.ok for _, check in checks)
    lines = [*_ourselves(options, context), *checks]
    if any(config.found for config in context.sources):
        for place in await look_around(os.environ):
            if place.found.settings is None:
                text = place.found.reason or "nothing there"
                lines.append((place.kind, Check(place.found.tried, True, f"no source here: {text}")))
    if options.output in ("json", "jsonl"):
        _print_json(context, lines, options.output)
    else:
        _print_table(lines)
    return 3 if failed else 0


async def _sources(opened: Watch, timeout: float) -> list[tuple[str, Check]]:
    async def ask(source: str) -> list[tuple[str, Check]]:
        backend = opened.backend(source)
        if backend is None:
            return []
        try:
            async with asyncio.timeout(timeout):
                return [(source, check) for check in await backend.check()]
        except TimeoutError:
            return [(source, Check(backend.where or source, False, f"no answer within {timeout:g} s"))]

    found = await asyncio.gather(*(ask(source) for source in opened.sources))
    return [pair for pairs in found for pair in pairs]


def _ourselves(options: argparse.Namespace, context: Context) -> list[tuple[str, Check]]:
    path, _ = config_path(options.config, os.environ)
    encoding = locale.getpreferredencoding(False)
    term = os.environ.get("TERM", "not set")
    colours = os.environ.get("COLORTERM", "") or "16 or 256 colours"
    tmux = ", in tmux: copying needs set-clipboard or allow-passthrough" if os.environ.get("TMUX") else ""
    utf8 = encoding.lower().replace("-", "") == "utf8"
    return [
        ("midwatch", Check(__version__, True, f"Python {platform.python_version()}, {sys.platform}")),
        (
            "configuration",
            Check(
                str(path), True, f"context {context.name}" if path.exists() else "no file; looked around instead"
            ),
        ),
        ("log", Check(str(log_path(os.environ)), True, "midwatch's own log")),
        (
            "terminal",
            Check(
                f"TERM={term}",
                utf8,
                f"{colours}, {encoding}{tmux}",
                hint="" if utf8 else "glyphs need UTF-8: set LANG=C.UTF-8",
            ),
        ),
    ]


def _print_table(lines: list[tuple[str, Check]]) -> None:
    width = max(len(name) for name, _ in lines)
    where = max(len(clean(check.where)) for _, check in lines)
    for name, check in lines:
        trip = f"  {milliseconds(check.latency_ms)}" if check.latency_ms is not None else ""
        sign = "ok" if check.ok else "NOT"
        say(f"{sign:<4}{name:<{width}}  {clean(check.where):<{where}}  {check.text}{trip}")
        if check.hint:
            say(f"    {'':<{width}}  {'':<{where}}  try: {check.hint}")


def _print_json(context: Context, lines: list[tuple[str, Check]], output: str) -> None:
    items: list[dict[str, Any]] = [
        {
            "name": name,
            "where": check.where,
            "ok": check.ok,
            "text": check.text,
            "latency_ms": check.latency_ms,
            "hint": check.hint or None,
        }
        for name, check in lines
    ]
    if output == "jsonl":
        for item in items:
            say(to_json(item))
    else:
        say(to_json({"kind": "doctor", "context": context.name, "items": items}))
