"""`logs`: records of configured sources, of files and globs, of FIFOs and standard input."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import glob
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backends.api.capabilities import Logs
from backends.api.errors import BackendError
from backends.api.feed import Feed
from backends.api.logs import Level, LogBatch, LogRecord, LogSpan, Sieve
from backends.api.pace import Pace
from backends.api.readings import Reading
from backends.clean import clean
from backends.config.context import Context
from backends.watch import Watch
from tui.kinds.facts import rfc3339
from tui.verbs.ahead import ahead
from tui.verbs.document import Document, SourcesRead
from tui.verbs.grep import Grep
from tui.verbs.printing import complain, say, to_json
from tui.verbs.sources import find_source
from tui.verbs.words import WrongUse, moment

SHAPES = re.compile(r'"[^"]*"|\'[^\']*\'|0x[0-9a-f]+|\b[0-9a-f]{8,}\b|[0-9]+', re.IGNORECASE)
"""What differs between two messages of one shape: quoted texts, hexadecimal and decimal numbers."""
SHAPES_MOST = 10_000
GRACE = 0.5
"""Seconds for the source's own words on why it says nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are printed. A record without a level or a time never passes where one is asked for."""

    since: datetime | None
    level: Level | None
    grep: Grep | None
    fields: tuple[tuple[str, str], ...]

    @property
    def everything(self) -> bool:
        return self.since is None and self.level is None and not self.fields

    def takes(self, record: LogRecord) -> bool:
        if self.since is not None and (record.time is None or record.time < self.since):
            return False
        if self.level is not None and (record.level is None or record.level < self.level):
            return False
        return all(record.fields.get(key) == value for key, value in self.fields)


@dataclass(frozen=True, slots=True)
class _Source:
    """One thing to read: how its records are parsed and shown, its history, and what goes on after that."""

    name: str
    parse: Callable[[bytes, str], LogRecord]
    shown: Callable[[bytes], bytes]
    history: Callable[[datetime | None, Sieve | None], AsyncGenerator[LogBatch, None]]
    follow: Callable[[LogBatch | None], Any] | None
    answers: bool = True
    """Whether it must answer in time: who writes into a pipe may take as long as he likes."""


async def logs(context: Context, options: argparse.Namespace) -> int:
    """Print records; 2 for words that can't be followed, 3 where a source could not be read."""
    options.follow = options.follow or options.watch
    try:
        wanted = _wanted(options)
        opened = Watch(context, timeout=options.timeout)
        sources = _sources(opened, options.sources)
        sources_read = SourcesRead()
        printer = _Printer(wanted, options, context.name, sources_read)
        try:
            await _read(sources, printer, sources_read, options)
        finally:
            printer.finish()
            await opened.close()
        return sources_read.status
    except WrongUse as error:
        complain(f"midwatch: {error}")
        return 2


async def _read(
    sources: list[_Source], printer: _Printer, sources_read: SourcesRead, options: argparse.Namespace
) -> None:
    ends: dict[str, LogBatch] = {}
    async with contextlib.AsyncExitStack() as stack:
        # All at once: each may be silent for as long as one may, and then they are silent together.
        held = [
            await stack.enter_async_context(
                ahead(
                    source.history(printer.since, printer.sieve),
                    options.timeout + GRACE if source.answers else None,
                )
            )
            for source in sources
        ]
        for source, batches in zip(sources, held, strict=True):
            sources_read.begin(source.name)
            try:
                async for batch in batches:
                    printer.take(source, batch)
                    ends[source.name] = batch
                    if not options.follow:  # What is not there yet is waited for, and told then.
                        sources_read.add(source.name, batch.troubles)
                sources_read.end(source.name)
            except BackendError as error:
                complain(f"{source.name}: {error}")
                sources_read.add(source.name, (error,))
    following = [source for source in sources if source.follow is not None]
    if options.follow and following:
        await asyncio.gather(*(_follow(source, ends.get(source.name), printer) for source in following))


async def _follow(source: _Source, end: LogBatch | None, printer: _Printer) -> None:
    """Go on where the history ended, for ever; a trouble is told each time it begins."""
    assert source.follow is not None
    follow = source.follow
    feed: Feed[LogBatch, LogSpan] = Feed(
        source.name,
        lambda last: follow(last or end),
        pace=Pace(quiet=5.0),
        fold=lambda batch: printer.take(source, batch),
    )

    def heard(new: Reading[LogSpan], before: Reading[LogSpan]) -> None:
        if new.error is not None and new.error != before.error:
            complain(f"{source.name}: {new.error}")

    feed.watch(heard)
    try:
        await asyncio.Event().wait()
    finally:
        await feed.close()


class _Printer:
    def __init__(
        self, wanted: Wanted, options: argparse.Namespace, context: str, sources_read: SourcesRead
    ) -> None:
        self.since = wanted.since
        self.sieve = None if wanted.grep is None else wanted.grep.sieve
        self._sources_read = sources_read
        self._wanted = wanted
        self._output = options.output or "text"
        self._shapes: Counter[str] | None = Counter() if options.patterns else None
        self._count = 0
        self._origins: dict[str, set[str]] = {}
        self._several: set[str] = set()
        """The sources whose lines come from several files."""
        whole = self._output == "json" and not options.follow
        self._document = Document("logs", context) if whole else None

    def take(self, source: _Source, batch: LogBatch) -> LogSpan:
        for note in batch.notes:
            complain(f"{source.name}: {note}")
        grep = self._wanted.grep
        out: list[str] = []
        self._look_at_files(source.name, batch)
        for block in batch.blocks:
            self._count += block.count
            shown = source.shown(block.data).decode("utf-8", "replace")
            numbers = None if grep is None else grep.numbers(shown)
            if numbers is not None and not numbers:
                continue
            texts = shown.split("\n")
            if self._wanted.everything and self._output == "text" and self._shapes is None:
                out += texts if numbers is None else [texts[number] for number in numbers]
                continue
            raws = block.lines()
            for number in range(block.count) if numbers is None else numbers:
                record = source.parse(raws[number], block.origin)
                if self._wanted.takes(record):
                    origin = block.origin if source.name in self._several else ""
                    self._print(record, origin, texts[number], out)
        self._write(out)
        return LogSpan(0, self._count, 0)

    def _look_at_files(self, source: str, batch: LogBatch) -> None:
        origins = self._origins.setdefault(source, set())
        if source not in self._several:
            origins.update(block.origin for block in batch.blocks)
            if len(origins) > 1 or (batch.files or 0) > 1:
                self._several.add(source)

    def _print(self, record: LogRecord, origin: str, text: str, out: list[str]) -> None:
        """`origin` is only told where a source has several."""
        if self._shapes is not None:
            shape = SHAPES.sub("…", record.message)
            if shape in self._shapes or len(self._shapes) < SHAPES_MOST:
                self._shapes[shape] += 1
        elif self._output in ("json", "jsonl"):
            out.append(to_json(record_json(record)))
        elif self._output == "table":
            level = record.level.word if record.level is not None else ""
            stamp = "" if record.time is None else record.time.astimezone().strftime("%m-%d %H:%M:%S")
            name = clean(origin.rsplit("/", 1)[-1])
            file = f"{name:16}  " if name else ""
            out.append(f"{stamp:14}  {level:5}  {record.source}  {file}{_one_line(record.message)}")
        else:
            out.append(text)

    def finish(self) -> None:
        if self._shapes is not None:
            counted = self._shapes.most_common()
            if self._output in ("json", "jsonl"):
                self._write([to_json({"count": count, "pattern": shape}) for shape, count in counted])
            else:
                self._write([f"{count:>8}  {_one_line(shape)}" for shape, count in counted])
        if self._document is not None:
            self._document.end(self._sources_read.readings())

    def _write(self, lines: list[str]) -> None:
        """Whole lines at once; items of the one document where one is wanted."""
        if self._document is not None:
            self._document.add(lines)
        elif lines:
            say(*lines)


def _one_line(message: str) -> str:
    return message.replace("\n", " ⏎ ")


def record_json(record: LogRecord) -> dict[str, Any]:
    try:
        raw, encoding = record.raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        raw, encoding = base64.b64encode(record.raw).decode(), "base64"
    return {
        "time": rfc3339(record.time),
        "level": None if record.level is None else record.level.word,
        "source": record.source,
        "format": record.format,
        "message": record.message,
        "fields": dict(record.fields),
        "raw": raw,
        "encoding": encoding,
    }


def _wanted(options: argparse.Namespace) -> Wanted:
    level = None
    if options.level is not None:
        words = {level.word: level for level in Level}
        if options.level.lower() not in words:
            raise WrongUse(f"--level {options.level}: expected one of {', '.join(reversed(words))}")
        level = words[options.level.lower()]
    try:
        grep = Grep(options.grep) if options.grep is not None else None
    except re.error as error:
        raise WrongUse(f"--grep {options.grep}: no regular expression: {error}") from None
    fields = []
    for item in options.field:
        key, equals, value = item.partition("=")
        if not equals:
            raise WrongUse(f"--field {item}: expected KEY=VALUE")
        fields.append((key, value))
    since = None if options.since is None else moment(options.since)
    return Wanted(since, level, grep, tuple(fields))


def _sources(opened: Watch, names: list[str]) -> list[_Source]:
    """What the words of the command line mean: a configured name comes before a path."""
    if not names:
        found = [key.source for key in opened.feeds("logs")]
        if not found:
            raise WrongUse("this context has no log source; name a file, or configure [context.NAME.files.NAME]")
        return [_configured(opened, source) for source in found]
    sources = []
    for name in names:
        configured = find_source(opened, name, (key.source for key in opened.feeds("logs")))
        if configured is not None:
            sources.append(_configured(opened, configured))
        elif name == "-":
            sources.append(_stream(sys.stdin.fileno(), "-"))
        elif "/" in name or glob.has_magic(name):
            sources += _paths(name)
        else:
            known = ", ".join(key.source for key in opened.feeds("logs")) or "none"
            raise WrongUse(f"no log source {name!r}, expected one of {known}, or a path: ./{name}")
    return sources


def _configured(opened: Watch, source: str) -> _Source:
    able = opened.able(source, Logs)
    if able is None:
        raise WrongUse(f"{source} has no logs")
    return _Source(source, able.parse, able.shown, able.history, able.logs)


def _paths(name: str) -> list[_Source]:
    from backends.logs.files import Files, FilesSettings

    if not glob.has_magic(name):
        try:
            mode = os.stat(name).st_mode
        except OSError as error:
            raise WrongUse(f"{name}: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            raise WrongUse(f"{name}: is a directory; name its files: {name.rstrip('/')}/*")
        if not stat.S_ISREG(mode):
            return [_stream(name, name)]
    elif not glob.glob(name, recursive=True):
        raise WrongUse(f"{name}: no file matches")
    files = Files(name, FilesSettings(paths=(name,)))
    return [_Source(name, files.parse, files.shown, files.history, files.logs)]


def _stream(stream: int | str, name: str) -> _Source:
    from backends.logs.formats import Formats
    from backends.logs.read_once import read_stream

    return _Source(
        name, Formats(name).parse, bytes, lambda since, sieve: read_stream(stream, name), None, answers=False
    )
