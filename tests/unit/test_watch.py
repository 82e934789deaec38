"""A context that is opened: what each of its sources gets, and what one that misbehaves costs the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backends import watch as watch_module
from backends.api.charts import Span
from backends.api.errors import BackendBug
from backends.api.events import Event, EventKind
from backends.api.logs import LogBatch, LogBlock
from backends.api.readings import FeedKey, Reading, Seen, State
from backends.config.context import Context, SourceConfig
from backends.watch import Watch
from tests.clock import START, FakeClock, settle
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script, member
from tests.flows.metered import MeteredSettings, fresh_store

pytestmark = pytest.mark.usefixtures("scripted")


def fake(name: str) -> SourceConfig:
    SCRIPTS[name] = Script()
    return SourceConfig("fake", name, FakeSettings(script=name))


def watching(*sources: SourceConfig) -> tuple[Watch, FakeClock]:
    clock = FakeClock()
    return Watch(Context("lab", sources), clock=clock), clock


def reading(watch: Watch, config: SourceConfig, noun: str) -> Reading[Any]:
    found: Reading[Any] = watch.feeds(noun)[FeedKey(config.source, noun)].reading
    return found


async def late_one_is_live(watch: Watch) -> None:
    late = fake("late")
    watch.add(late)
    SCRIPTS["late"].say_members(member("m0"))
    await settle()
    assert reading(watch, late, "members").state is State.LIVE
    await watch.close()


async def test_a_source_that_is_added_to_an_open_context_is_watched_like_the_others() -> None:
    watch, _ = watching(fake("a"))
    watch.open()
    await late_one_is_live(watch)


async def test_every_backend_knows_the_name_of_its_context() -> None:
    watch, _ = watching(fake("a"))
    assert watch.backend("fake/a").context == "lab"  # type: ignore[union-attr]


async def test_a_bug_in_one_backend_costs_only_that_source(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Fake.__init__

    def broken(self: Fake, name: str, *rest: Any, **more: Any) -> None:
        if name == "bad":
            raise ZeroDivisionError("division by zero")
        made(self, name, *rest, **more)

    monkeypatch.setattr(Fake, "__init__", broken)
    watch, _ = watching(fake("bad"), fake("good"))
    assert [(item.source, type(item.error)) for item in watch.broken] == [("fake/bad", BackendBug)]
    assert watch.backend("fake/good") is not None


async def test_a_listener_to_news_that_raises_costs_only_itself() -> None:
    watch, _ = watching(fake("a"))
    heard: list[str] = []

    def bad(source: str, news: object) -> None:
        raise RuntimeError("listener")

    watch.on_news(bad)
    watch.on_news(lambda source, news: heard.append(source))
    watch.open()
    news = Event(START, EventKind.JOINED, "x", "m1", "m1")
    SCRIPTS["a"].members.put_nowait(Seen({"m1": member("m1")}, None, (news,)))
    await settle()
    assert heard == ["fake/a"]
    assert reading(watch, watch.context.sources[0], "members").state is State.LIVE
    await watch.close()


async def test_all_logs_together_keep_what_one_alone_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "BYTES_MOST", 10_000)
    watch, _ = watching(fake("a"), fake("b"))
    for source in watch.sources:
        tail = watch.tail(source)
        assert tail is not None
        for number in range(20):
            tail.take(LogBatch((LogBlock(f"{number}.log", b"x" * 999, 1),), None))
        assert len(list(tail.blocks())) == 5, source


async def test_logs_that_are_lost_are_judged_anew_when_they_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[str] = []
    monkeypatch.setattr("backends.watch.ErrorLines.lost", lambda self: lost.append(self._source))
    watch, clock = watching(fake("a"))
    watch.open()
    await settle()
    lost.clear()
    quiet = watch.feeds("logs")[FeedKey("fake/a", "logs")].pace.quiet
    await clock.advance(quiet)
    assert lost
    await watch.close()


async def test_a_backend_that_will_not_close_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fake, "close", lambda self: asyncio.Event().wait())
    watch, _ = watching(fake("a"))
    watch.open()
    async with asyncio.timeout(5):
        await watch.close()


async def test_retry_now_asks_for_every_chart_anew_and_whole() -> None:
    store = fresh_store()
    config = SourceConfig("metered", "main", MeteredSettings())
    watch, clock = watching(config)
    made = watch.charts.show(config.source, "overview", "up", Span(600))
    assert made is not None
    leave = made[1].feed.watch(lambda new, before: None)
    await settle()
    await clock.advance(1)
    watch.retry_now()
    await settle()
    whole = [end - start for _, start, end, _ in store.asked]
    assert len(whole) == 2
    assert whole[0] == whole[1]
    leave()
    await watch.close()
    await made[1].feed.close()


async def test_a_chart_that_is_there_already_shows_the_span_that_is_asked_for_now() -> None:
    fresh_store()
    config = SourceConfig("metered", "main", MeteredSettings())
    watch, _ = watching(config)
    first = watch.charts.show(config.source, "overview", "up", Span(600))
    again = watch.charts.show(config.source, "overview", "up", Span(3600))
    assert first is not None
    assert again is not None
    assert again[1] is first[1]
    assert first[1].span == Span(3600)
    await watch.close()


async def test_a_source_is_added_to_a_context_without_any() -> None:
    watch, _ = watching()
    watch.hold()
    watch.open()
    await late_one_is_live(watch)


async def test_the_first_source_begins_alone() -> None:
    first, other = fake("a"), fake("b")
    watch, _ = watching(first, other)
    watch.hold()
    watch.open()
    for name in ("a", "b"):
        SCRIPTS[name].say_members(member("m0"))
    await settle()
    assert watch.waiting == {other.source}
    assert reading(watch, first, "members").state is State.LIVE
    assert reading(watch, other, "members").state is State.LOADING
    watch.go_on()
    await settle()
    assert reading(watch, other, "members").state is State.LIVE
    await watch.close()


async def test_a_chart_asks_nothing_before_its_turn() -> None:
    store = fresh_store()
    config = SourceConfig("metered", "main", MeteredSettings())
    watch, _ = watching(config)
    watch.hold()
    made = watch.charts.show(config.source, "overview", "up", Span(600))
    assert made is not None
    made[1].feed.watch(lambda new, before: None)
    await settle()
    assert not store.asked
    watch.go_on()
    await settle()
    assert len(store.asked) == 1
    await watch.close()
