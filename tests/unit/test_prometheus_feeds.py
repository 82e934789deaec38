"""What of a metrics server's answers is news to a watch that goes on from an earlier one's."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any, cast

import pytest

from backends.api.errors import Silent
from backends.api.events import Event
from backends.api.metrics import ScrapeTarget, TargetState
from backends.metrics.prometheus_feeds import Feeds
from backends.metrics.prometheus_wire import Wire


class Server:
    """Answers with targets, by instance, of which some are up."""

    timeout = 5.0

    class access:
        base = "http://p"

    def __init__(self, **up: bool) -> None:
        self._up = up

    async def get(self, path: str, *_: Any, **__: Any) -> bytes:
        targets = [
            {
                "labels": {"job": "web", "instance": name},
                "health": "up" if up else "down",
                "scrapeUrl": f"http://{name}",
                "lastError": "" if up else "refused",
                "lastScrape": "2026-11-24T02:00:00Z",
            }
            for name, up in self._up.items()
        ]
        return json.dumps({"activeTargets": targets}).encode()


async def test_targets_that_were_down_already_are_no_news_to_the_next_watch() -> None:
    first = Feeds(cast("Wire", Server(a=False, b=True, c=False)), "p/main").targets(None)
    last = (await anext(first)).value
    await first.aclose()
    second = Feeds(cast("Wire", Server(a=False, b=False, c=True)), "p/main").targets(last)
    seen = await anext(second)
    await second.aclose()
    told = {(e.target, e.text, e.after_gap) for e in seen.news if isinstance(e, Event)}
    assert told == {("web b", "down: refused", True), ("web c", "up again", True)}
    since = {row.instance: row.since for row in last.values()}
    assert {row.instance: row.since for row in seen.value.values()}["a"] == since["a"]
    assert isinstance(next(iter(last.values())), ScrapeTarget)
    assert all(row.state is not TargetState.UNKNOWN for row in seen.value.values())


class Restarting:
    """Tells at each look whether one alert fires, and when it was started; None: that is not answered. After the
    first look it answers neither question before it is asked both."""

    timeout = 5.0
    access = Server.access

    def __init__(self, *looks: tuple[bool | None, str | None]) -> None:
        self._fires, self._starts = [fires for fires, _ in looks], [start for _, start in looks]
        self.asked = {"alerts": 0, "status/runtimeinfo": 0}
        self._both = asyncio.Barrier(2)

    async def get(self, path: str, *_: Any, **__: Any) -> bytes:
        number, self.asked[path] = self.asked[path], self.asked[path] + 1
        if number:
            await self._both.wait()
        if path == "alerts":
            if self._fires[number] is None:
                raise Silent("no answer")
            labels = {"alertname": "HighErrors", "severity": "page"}
            alert = {"labels": labels, "state": "firing", "activeAt": "2026-11-24T02:00:00Z", "value": "1"}
            return json.dumps({"alerts": [alert] if self._fires[number] else []}).encode()
        start = self._starts[number]
        if start is None:
            raise Silent("no answer")
        return json.dumps({"startTime": start}).encode()


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        (("S1", "S1", "S1"), "over"),
        (("S1", "S1", "S2"), "not known: the server was restarted and counts anew"),
        (("S1", None, "S2"), "not known: the server was restarted and counts anew"),
    ],
)
async def test_an_alert_that_is_gone_after_a_restart_is_not_over_and_is_asked_for_beside_the_start(
    starts: tuple[str | None, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.metrics.prometheus_feeds.ALERTS_EACH", 0.0)
    server = Restarting(*zip((True, True, False), starts, strict=True))
    async with asyncio.timeout(5), aclosing(Feeds(cast("Wire", server), "p/main").alerts(None)) as source:
        news = [(await anext(source)).news for _ in starts]
    assert [[item.text for item in items if isinstance(item, Event)] for items in news] == [[], [], [told]]


async def test_where_nothing_fires_nobody_asks_when_the_server_was_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backends.metrics.prometheus_feeds.ALERTS_EACH", 0.0)
    server = Restarting((False, "S1"))
    async with aclosing(Feeds(cast("Wire", server), "p/main").alerts(None)) as source:
        await anext(source)
    assert server.asked == {"alerts": 1, "status/runtimeinfo": 0}


async def test_a_look_that_failed_does_not_use_up_that_the_server_was_restarted() -> None:
    feeds = Feeds(cast("Wire", Restarting((True, "S1"), (None, "S2"), (False, "S2"))), "p/main")
    async with asyncio.timeout(5), aclosing(feeds.alerts(None)) as source:
        last = (await anext(source)).value
    async with asyncio.timeout(5), aclosing(feeds.alerts(last)) as source:
        with pytest.raises(Silent):
            await anext(source)
    async with asyncio.timeout(5), aclosing(feeds.alerts(last)) as source:
        news = (await anext(source)).news
    assert [item.text.split(":")[0] for item in news if isinstance(item, Event)] == ["not known"]
