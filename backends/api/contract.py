"""The contract suite: what every backend promises, as checks that a backend of anyone can be put through.

Each check is a coroutine that takes what makes a backend (on something that answers) and raises `Broken` with the
promise that is not kept. `check_backend` runs all that apply. midwatch's tests run it over every kind of the
registry; a backend from outside needs no more than

    async def test_contract() -> None:
        await check_backend(lambda: Consul("main", ConsulSettings(...)))
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from backends.api.backend import Backend
from backends.api.capabilities import ABILITIES, Logs, ability
from backends.api.errors import BackendError, Unsupported
from backends.api.events import Event, EventKind
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord
from backends.api.readings import Seen

Make = Callable[[], Backend]

ENOUGH = 4
"""Words of a source that a check listens to."""
HISTORY = 20.0
"""Seconds that a history may take, of the few lines that a check finds."""


class Broken(AssertionError):
    """A promise that a backend does not keep."""


async def check_backend(make: Make) -> None:
    """Every check that applies to what this backend can do. Raises `Broken`; takes some seconds."""
    await check_identity(make)
    await check_import(make)
    await check_doctor(make)
    kept = await asyncio.gather(*(check_noun(make, noun) for noun in nouns(make())), return_exceptions=True)
    for broken in kept:
        if broken is not None:
            raise broken
    if "logs" in nouns(make()):
        await check_parse(make)
        await check_beside(make)


async def check_noun(make: Make, noun: str) -> None:
    """What is promised of one feed's source. Those of a backend are checked at the same time, as they run."""
    await check_words(make, noun)
    await check_cancel(make, noun)
    await check_restart(make, noun)


def nouns(backend: Backend) -> list[str]:
    """What a backend has feeds for."""
    return [noun for noun, known in ABILITIES.items() if ability(backend, known.protocol) is not None]


async def check_identity(make: Make) -> None:
    """Kind, source and settings are what the registry, the rows and `config show` take them for."""
    backend = make()
    if backend.source != f"{backend.kind}/{backend.name}":
        raise Broken("source is kind/name")
    if not nouns(backend):
        raise Broken("a backend inherits at least one ability")
    if not type(backend.settings).__struct_config__.frozen:
        raise Broken("settings are frozen")
    if "secret-of-the-suite" in repr(_with_secret(backend.settings)):
        raise Broken("no secret in a repr")
    await backend.close()


async def check_import(make: Make) -> None:
    """Importing the module brings no screen, and no client library before it is used."""
    module = type(make()).__module__
    code = f"import sys; before = set(sys.modules); import {module}; print(*set(sys.modules) - before)"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Broken(f"{module} can't be imported by itself: {done.stderr.strip()}")
    if found := brought(done.stdout.split(), module):
        raise Broken(f"importing {module} brings {' '.join(found)}; import it where it is first used")


def brought(modules: Iterable[str], by: str) -> list[str]:
    """The packages of these modules that importing a backend, the module `by`, may not bring: a client library,
    which is imported at its first use, and a screen. The standard library, midwatch's backends with msgspec, and
    its own package are free."""
    free = {*sys.stdlib_module_names, "backends", "msgspec", "typing_extensions", by.partition(".")[0]}
    return sorted({name.partition(".")[0] for name in modules} - free)


async def check_doctor(make: Make) -> None:
    """`check` answers with what it tried, in time, and does not raise."""
    backend = make()
    async with asyncio.timeout(backend.timeout + 1):
        for item in await backend.check():
            if not item.text:
                raise Broken("a check says in words what was found")
    await backend.close()


async def check_words(make: Make, noun: str) -> None:
    """The first word in time; values frozen; `changed` true; rows by their own key and source."""
    backend = make()
    source = _source(backend, noun)
    before: Any = None
    kept: list[tuple[Any, bytes]] = []
    try:
        for number in range(ENOUGH):
            limit = ABILITIES[noun].pace.first if number == 0 else ABILITIES[noun].pace.quiet
            seen = await _next(source, limit, noun)
            kept.append((seen.value, _print(seen.value)))
            if isinstance(seen.value, Mapping):
                _check_rows(backend, noun, seen, before)
                before = seen.value
            for value, was in kept:
                if _print(value) != was:
                    raise Broken(f"{noun}: a value changed after it was yielded")
    finally:
        await source.aclose()
        await backend.close()


async def check_cancel(make: Make, noun: str) -> None:
    """A cancelled attempt is gone within half a second."""
    backend = make()
    source = _source(backend, noun)

    async def listen() -> None:
        async for _ in source:
            pass

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.3)
    began = time.monotonic()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    spent = time.monotonic() - began
    await source.aclose() if task.done() else None
    await backend.close()
    if spent > 0.5:
        raise Broken(f"{noun}: a cancelled source took {spent:.1f} s to end")


async def check_restart(make: Make, noun: str) -> None:
    """Called anew with the last value, a source goes on from there: no news twice, no line twice."""
    backend = make()
    source = _source(backend, noun)
    try:
        first = await _next(source, ABILITIES[noun].pace.first, noun)
        await source.aclose()
        source = _source(backend, noun, first.value)
        again = await _next(source, ABILITIES[noun].pace.first, noun)
        if again.news and again.news == first.news:
            raise Broken(f"{noun}: a restart repeats its news")
        if isinstance(first.value, Mapping):
            _check_joined(noun, first.value, again)
        if isinstance(first.value, LogBatch) and isinstance(again.value, LogBatch):
            told = {block.data for block in first.value.blocks}
            if told & {block.data for block in again.value.blocks}:
                raise Broken(f"{noun}: a restart repeats its lines")
    finally:
        await source.aclose()
        await backend.close()


async def check_parse(make: Make) -> None:
    """Any bytes are a record with exactly these bytes."""
    backend = make()
    logs = ability(backend, Logs)
    if logs is None:
        raise Broken("logs are read through the ability Logs")
    for raw in (b"", b"\xff\x00\x1b[2J", b"{", b"x" * 100_000, b"2026-11-24T02:13:20Z ERROR x"):
        record = logs.parse(raw, "origin")
        if record.raw != raw or record.source != backend.source:
            raise Broken("a record has its bytes exactly, and its source")
    await backend.close()


async def check_beside(make: Make) -> None:
    """What lies before a line, the line, and what lies after it are the history of its origin, in its order. Of a
    source to which nothing is written meanwhile, not even the rest of a record."""
    backend = make()
    logs = ability(backend, Logs)
    if logs is None:
        raise Broken("logs are read through the ability Logs")

    def records(blocks: Iterable[LogBlock]) -> list[tuple[str, LogRecord]]:
        # Not their bytes: journalctl writes the fields of an entry in another order each time.
        lines = ((block.origin, raw) for block in blocks for raw in block.lines())
        return [(origin, replace(logs.parse(raw, origin), raw=b"")) for origin, raw in lines]

    every = await _told_by(logs.history())
    with suppress(Unsupported):
        for block in every[:ENOUGH]:
            # Where blocks have no place in their origins, the source as a whole has one order.
            origin = "" if block.first is None else block.origin
            wanted = records(other for other in every if origin in ("", other.origin))
            for known in _ends(block):
                before = await _told_by(logs.history(beside=Beside(origin, known, back=True)), back=True)
                after = await _told_by(logs.history(beside=Beside(origin, known)))
                if records([*before, known, *after]) != wanted:
                    raise Broken("logs: what lies before a line, it, and what lies after it are the history")
            for back in (False, True):
                whole = await _told_by(logs.history(beside=Beside(origin, None, back)), back=back)
                if records(whole) != wanted:
                    raise Broken("logs: what lies beside no block is the history, in either direction")
    await backend.close()


def _ends(block: LogBlock) -> tuple[LogBlock, LogBlock]:
    """The first line of a block, and its last one."""
    first, last = block.lines()[0], block.lines()[-1]
    at = None if block.first is None else block.stop - len(last)
    return replace(block, data=first, count=1), replace(block, data=last, count=1, first=at, prior=b"")


async def _told_by(batches: AsyncGenerator[LogBatch, None], *, back: bool = False) -> list[LogBlock]:
    """The blocks of a history, the oldest first; `back`: of one whose batches come the nearest first."""
    told: list[LogBlock] = []
    try:
        async with asyncio.timeout(HISTORY), aclosing(batches):
            async for batch in batches:
                told = [*batch.blocks, *told] if back else [*told, *batch.blocks]
    except TimeoutError:
        raise Broken(f"logs: no end of a history within {HISTORY:g} s") from None
    return [block for block in told if block.count]


def _check_joined(noun: str, before: Mapping[str, Any], again: Seen[Any]) -> None:
    same = {row.name for key, row in before.items() if again.value.get(key) == row and hasattr(row, "name")}
    for item in again.news:
        if isinstance(item, Event) and item.kind is EventKind.JOINED and item.target.rpartition("/")[2] in same:
            raise Broken(f"{noun}: a restart tells anew of {item.target}, which the last value had already")


def _check_rows(backend: Backend, noun: str, seen: Seen[Any], before: Any) -> None:
    for key, row in seen.value.items():
        if row.key != key:
            raise Broken(f"{noun}: rows are found by their own key")
        if row.source != backend.source:
            raise Broken(f"{noun}: rows carry their source")
    if before is None or seen.changed is None:
        return
    for key in before.keys() | seen.value.keys():
        if (before.get(key) is not seen.value.get(key)) != (key in seen.changed):
            raise Broken(f"{noun}: `changed` names exactly the rows that are other objects ({key})")


def _source(backend: Backend, noun: str, last: Any = None) -> AsyncGenerator[Seen[Any], None]:
    known = ABILITIES[noun]
    return known.source(ability(backend, known.protocol))(last)


async def _next(source: AsyncGenerator[Seen[Any], None], limit: float, noun: str) -> Seen[Any]:
    try:
        async with asyncio.timeout(limit):
            return await anext(source)
    except TimeoutError:
        raise Broken(f"{noun}: no word within {limit:g} s") from None
    except StopAsyncIteration:
        raise Broken(f"{noun}: a source never ends") from None
    except BackendError as error:
        raise Broken(f"{noun}: the server of this check should answer: {error}") from error
    except Exception as error:
        raise Broken(f"{noun}: only BackendError leaves a backend, not {type(error).__name__}") from error


def _print(value: Any) -> bytes:
    """Bytes that differ when anything inside a value does."""
    return pickle.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [(key, _plain(item)) for key, item in value.items()]
    if isinstance(value, Struct):
        return [_plain(item) for item in astuple(value)]
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return repr(value)


def _with_secret(settings: Any) -> Any:
    fields = getattr(settings, "__struct_fields__", ())
    if "password" not in fields:
        return settings
    return replace(settings, password="secret-of-the-suite")
