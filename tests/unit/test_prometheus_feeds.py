"""What of a metrics server's answers is news to a watch that goes on from an earlier one's."""

from __future__ import annotations

import json
from typing import Any, cast

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
