"""What is fed: targets and alerts, asked every few seconds, and what of their changes is news."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from backends.api.alerts import Alert, Alerts, AlertState
from backends.api.errors import BackendError
from backends.api.events import Event, EventKind
from backends.api.metrics import ScrapeTarget, ScrapeTargets, TargetState
from backends.api.readings import News, Seen, differing
from backends.host_port import is_loopback
from backends.metrics.prometheus_answers import active_alerts, active_targets, alert_rows, target_rows
from backends.metrics.prometheus_wire import Wire, off_loop
from backends.no_json import NO_JSON

ALERTS_EACH, TARGETS_EACH, LONGEST = 2.5, 3.5, 4.0
"""Seconds between two looks: targets are scraped some seconds apart. The longest pause is for a server that needs
a tenth of it to answer."""
FIRST, USUAL = 4.0, 2.5
"""Seconds that a look may take: the first one, and those after it where they are quick. With its pause a look is
shorter than a feed's patience, and a frozen server is told within six seconds or so."""
LIST_MOST = 32 << 20
"""Bytes of a list: about 20,000 targets."""
HINT = "a server this large is better asked by query"
MANY = 1_000
"""Targets that are gone are remembered up to twice as many as there are, and these."""


class RuntimeInfo(msgspec.Struct, frozen=True, rename="camel"):
    start_time: str | None = None
    reload_config_success: bool | None = None


class Feeds:
    """The sources behind `targets` and `alerts`. What they have told is kept here, over their restarts."""

    def __init__(self, wire: Wire, source: str) -> None:
        self._wire, self._source = wire, source
        self._states: dict[str, TargetState] = {}
        self._started: str | None = None
        self._first = min(wire.timeout * 0.8, FIRST)

    async def targets(self, last: ScrapeTargets | None) -> AsyncGenerator[Seen[ScrapeTargets], None]:
        before, gap, limit = last, last is not None, self._first
        if not self._states and last is not None:
            # What an object before this one has told.
            told = ((key, row.state) for key, row in last.items())
            self._states = {key: state for key, state in told if state is not TargetState.UNKNOWN}
        while True:
            began = time.monotonic()
            rows = await self._targets(before, limit)
            news = tuple(self._told(rows, first=before is None, gap=gap))
            yield Seen(rows, None if before is None else differing(before, rows), news)
            before, gap = rows, False
            limit = await self._pause(began, TARGETS_EACH)

    async def alerts(self, last: Alerts | None) -> AsyncGenerator[Seen[Alerts], None]:
        before, gap, limit = last, last is not None, self._first
        while True:
            began = time.monotonic()
            # An alert that is gone may only be one that the server has not begun to count again: who tells it is
            # asked beside each look at which one may end, and after one at which the first fires.
            asked = asyncio.create_task(self._start_time()) if _any_fires(before) else None
            try:
                rows = await self._alerts(before, limit)
                started = await (asked or self._start_time()) if asked or _any_fires(rows) else None
            finally:
                if asked is not None:
                    asked.cancel()
            anew = self._restarted(started)
            news: tuple[News, ...] = ()
            if before is not None:
                over = _over(before, rows)
                news = (*_begun(before, rows, gap), *(_ended(row, gap, anew) for row in over))
            yield Seen(rows, None if before is None else differing(before, rows), news)
            before, gap = rows, False
            limit = await self._pause(began, ALERTS_EACH)

    async def _targets(self, before: ScrapeTargets | None, limit: float) -> dict[str, ScrapeTarget]:
        data = await self._wire.get("targets", {"state": "active"}, timeout=limit, most=LIST_MOST, hint=HINT)
        where = self._wire.access.base
        near = is_loopback(urlsplit(where).hostname or "")
        return await off_loop(
            lambda: target_rows(active_targets(data, where), self._source, before or {}, near=near), len(data)
        )

    async def _alerts(self, before: Alerts | None, limit: float) -> dict[str, Alert]:
        data = await self._wire.get("alerts", timeout=limit, most=LIST_MOST, hint=HINT)
        where = self._wire.access.base
        return await off_loop(
            lambda: alert_rows(active_alerts(data, where), self._source, before or {}), len(data)
        )

    def _told(self, rows: ScrapeTargets, *, first: bool, gap: bool) -> Iterator[News]:
        """News of targets, by the last state that was known: right after a start all of them are unknown."""
        for key, row in rows.items():
            if row.state is TargetState.UNKNOWN:
                continue
            known = self._states.get(key)
            self._states[key] = row.state
            if first or row.state is known:
                continue
            if row.state is TargetState.DOWN:
                name = f"{row.job} {row.instance}"
                yield _event(EventKind.STATE, self._source, name, f"down: {row.error}", gap, bad=True)
            elif known is not None:
                yield _event(EventKind.STATE, self._source, f"{row.job} {row.instance}", "up again", gap)
        if len(self._states) > 2 * len(rows) + MANY:
            self._states = {key: state for key, state in self._states.items() if key in rows}

    async def _pause(self, began: float, each: float) -> float:
        """Until the next look, later where this one was work for the server; how long that one may take."""
        took = time.monotonic() - began
        await asyncio.sleep(max(each - took, min(10 * took, LONGEST), 0.1))
        return min(self._first, max(USUAL, 3 * took))

    async def runtime(self) -> RuntimeInfo | None:
        """None where this server does not tell."""
        try:
            data = await self._wire.get("status/runtimeinfo", timeout=min(self._first, USUAL))
            return msgspec.json.decode(data, type=RuntimeInfo)
        except (BackendError, *NO_JSON):
            return None

    def _restarted(self, started: str | None) -> bool:
        """Whether it is another start of the server than the last one that is known; False where it does not tell
        now."""
        if started is None:
            return False
        before, self._started = self._started, started
        return before not in (None, started)

    async def _start_time(self) -> str | None:
        runtime = await self.runtime()
        return None if runtime is None else runtime.start_time


def _fires(row: Alert | None) -> bool:
    return row is not None and row.state is AlertState.FIRING


def _any_fires(rows: Alerts | None) -> bool:
    return rows is not None and any(_fires(row) for row in rows.values())


def _over(before: Alerts, now: Alerts) -> list[Alert]:
    return [row for key, row in before.items() if _fires(row) and not _fires(now.get(key))]


def _begun(before: Alerts, now: Alerts, gap: bool) -> Iterator[News]:
    for key, row in now.items():
        if _fires(row) and not _fires(before.get(key)):
            text = f"fires ({row.severity})" if row.severity else "fires"
            text += f": {row.summary}" if row.summary else ""
            yield _event(EventKind.ALERT, row.source, _name(row), text, gap, bad=True)


def _ended(row: Alert, gap: bool, anew: bool) -> News:
    if anew:
        return _event(
            EventKind.ALERT, row.source, _name(row), "not known: the server was restarted and counts anew", gap
        )
    return _event(EventKind.ALERT, row.source, _name(row), "over", gap)


def _name(row: Alert) -> str:
    return f"{row.name} {row.on}" if row.on else row.name


def _event(kind: EventKind, source: str, target: str, text: str, gap: bool, *, bad: bool = False) -> Event:
    return Event(datetime.now(UTC), kind, source, target, text, after_gap=gap, bad=bad)
