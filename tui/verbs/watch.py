"""`watch SOURCE PREFIX`: the changes of keys, each once and in order, until ctrl-c."""

from __future__ import annotations

import argparse
import asyncio
import base64
from typing import Any

from backends.api.capabilities import KeyWatch
from backends.api.errors import BackendError, TimedOut
from backends.api.feed import Feed
from backends.api.pace import Pace
from backends.api.readings import News, Reading, State
from backends.api.stores import KeyChange
from backends.clean import clean_bytes
from backends.config.context import Context
from backends.watch import Watch
from tui.kinds.facts import rfc3339
from tui.verbs.document import Document, SourcesRead
from tui.verbs.printing import complain, say, to_json
from tui.verbs.sources import WrongSource, choose


async def watch(context: Context, options: argparse.Namespace) -> int:
    """Follow a prefix. 2 where the source is not known or keeps no keys, 3 where it does not answer."""
    opened = Watch(context, timeout=options.timeout)
    try:
        source, keys = choose(opened, options.source, KeyWatch, "keys to watch")
        prefix = options.prefix.encode("utf-8", "surrogateescape")
        feed: Feed[int, int] = Feed(
            f"{source} {options.prefix}",
            lambda last: keys.changes(prefix, last),
            pace=Pace(first=max(6.0, options.timeout), quiet=4.0),
        )
        error = await _follow(feed, source, options)
        if options.output == "json" and not options.watch:
            sources_read = SourcesRead()
            sources_read.begin(source)
            sources_read.add(source, (error,))
            Document("watch", context.name).end(sources_read.readings())
        return 3
    except WrongSource as error:
        complain(f"midwatch: {error}")
        return 2
    finally:
        await opened.close()


async def _follow(feed: Feed[int, int], source: str, options: argparse.Namespace) -> BackendError:
    """Print changes until ctrl-c; returns only where the source does not answer in time, and why."""
    output = options.output or "text"
    failed = asyncio.Event()
    stands = asyncio.Event()
    told: list[str] = []

    def news(items: tuple[News, ...]) -> None:
        for item in items:
            if isinstance(item, KeyChange):
                say(to_json(change_json(item)) if output in ("json", "jsonl") else change_text(item))

    def heard(new: Reading[int], before: Reading[int]) -> None:
        if new.state is State.LIVE and before.state is not State.LIVE:
            complain(f"{source}: watching {options.prefix}" + (" again" if stands.is_set() else ""))
            stands.set()
        elif new.error is not None and new.error != before.error:
            told[:] = [f"{source}: {new.error}"]
            complain(told[0])
            failed.set()

    feed.on_news(news)
    leave = feed.watch(heard)
    try:
        async with asyncio.timeout(options.timeout):
            await stands.wait()
    except TimeoutError:
        late = TimedOut(f"no answer within {options.timeout:g} s")
        if not told:
            complain(f"{source}: {late}")
        error = feed.reading.error or late
        leave()
        await feed.close()
        return error
    try:
        await asyncio.Event().wait()
    finally:
        await feed.close()
    raise AssertionError("nobody ends that wait")


def change_json(change: KeyChange) -> dict[str, Any]:
    """An item of the contract. A key or a value that is not UTF-8 is base64, and `encoding` says so for both."""
    encoding = "utf-8"
    try:
        key = change.key.decode()
        value = None if change.value is None else change.value.decode()
    except UnicodeDecodeError:
        encoding = "base64"
        key = base64.b64encode(change.key).decode()
        value = None if change.value is None else base64.b64encode(change.value).decode()
    return {
        "time": rfc3339(change.time),
        "kind": change.kind.value,
        "key": key,
        "version": change.version,
        "modified": change.modified,
        "value": value,
        "encoding": encoding,
    }


def change_text(change: KeyChange) -> str:
    stamp = change.time.astimezone().strftime("%H:%M:%S")
    value = "" if change.value is None else clean_bytes(change.value)
    return f"{stamp}  {change.kind.value:<6}  {clean_bytes(change.key)}  {value}".rstrip()
