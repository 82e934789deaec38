"""Keys on a row whose source is lost: what is known of it, how old that is, and what can't be had."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backends.api.errors import NotFound, Unreachable
from backends.api.events import Event, EventKind
from backends.api.nouns import Row
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import Fake, FakeSettings, member

LOST = Unreachable("connection refused", where="10.0.0.1:2379", hint="is etcd running there?")
LAB = Context("lab", (SourceConfig("fake", "main", FakeSettings()),))
OTHER = Context("other", (SourceConfig("fake", "main", FakeSettings(script="other")),))


def cannot(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def raw(backend: Fake, row: Row) -> str:
        raise error

    monkeypatch.setattr(Fake, "raw", raw)


async def lost(screen: Screen) -> None:
    screen.script.say_members(member("m0", raft_term=7))
    await screen.until("m0")
    screen.script.members.put_nowait(LOST)
    await screen.until("UNREACHABLE")


async def test_its_raw_record_cannot_be_had_and_what_was_known_is_told_with_its_age(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot(monkeypatch, LOST)
    async with opened() as screen:
        await lost(screen)
        screen.clock.seconds += 120
        await screen.press("y")
        await screen.until("10.0.0.1:2379: connection refused")
        assert "is etcd running there?" in screen.text
        assert "this was known of it, 2m ago:" in screen.text
        assert "raft term  7" in screen.text
        assert "unreachable 2m" in screen.text


async def test_of_one_that_is_gone_the_raw_record_is_what_was_known_without_an_age(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot(monkeypatch, NotFound("the key is gone"))
    async with opened() as screen:
        screen.script.say_members(member("m0", raft_term=7))
        await screen.until("m0")
        await screen.press("y")
        await screen.until("the key is gone")
        assert "this was known of it:" in screen.text
        assert "raft term  7" in screen.text


async def test_no_system_is_asked_for_the_record_of_an_event(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot(monkeypatch, AssertionError("asked"))
    async with opened(command="events") as screen:
        left = Event(datetime.now(UTC), EventKind.LEFT, "fake/main", "web/a", "web-a left")
        screen.script.members.put_nowait(Seen({}, None, (left,)))
        await screen.until("web-a left")
        await screen.press("y")
        await screen.until("no system has a record of this: midwatch saw it happen")
        await screen.until("what  web-a left")


async def test_its_logs_are_those_of_when_it_last_answered(opened: Opened) -> None:
    async with opened() as screen:
        await lost(screen)
        screen.script.say_lines(f"{datetime.now(UTC).isoformat()} line 1".encode())
        await screen.press("l")
        await screen.until("fake/main is unreachable: logs around ")
        assert "when it last answered" in screen.lines[-1]
        await screen.until("line 1")
        assert not screen.app.view.log_view.following


async def test_its_logs_are_the_newest_where_it_is_live(opened: Opened) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        screen.script.say_lines(b"2020-01-01T00:00:01Z line 1")
        await screen.until("m0")
        await screen.press("l")
        await screen.until("FOLLOWING")
        assert "when it last answered" not in screen.text


async def test_what_nobody_can_tell_is_not_said_to_be_gone(opened: Opened) -> None:
    async with opened(contexts=(LAB, OTHER)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        await screen.press("d")
        await screen.until("fakectl get")
        await screen.type(":context other\r")
        await screen.until("it is not among the rows that are known now; this was known of it:", seconds=8)
        await screen.press("y")
        await screen.until("it is not among the rows that are known now")
        assert "it is not there any more" not in screen.text


async def test_a_row_that_something_led_to_is_said_to_be_gone_only_by_a_source_that_answers(
    opened: Opened,
) -> None:
    async with opened() as screen:
        screen.script.say_members(member("m0"))
        await screen.until("LIVE")
        screen.app.ways.go_to("members", "fake/main/m9")
        await screen.until("it is not there any more")
        await screen.press("j")
        await lost(screen)
        screen.app.ways.go_to("members", "fake/main/m9")
        await screen.until("it is not among the rows that are known now")
