"""Events: from what happened to the thing itself, and to its logs of that time."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.api.models import Event, EventKind, MemberState, Role, Seen
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import member


def happened(screen: Screen, *events: Event) -> None:
    rows = (member("m0", role=Role.LEADER), member("m1", MemberState.DOWN), member("m2"))
    screen.script.members.put_nowait(Seen({row.key: row for row in rows}, None, events))


async def test_enter_goes_to_the_thing_and_d_describes(opened: Opened) -> None:
    async with opened(command="events") as screen:
        now = datetime.now(UTC)
        happened(
            screen,
            Event(now, EventKind.STATE, "fake/main", "m2", "up → down"),
            Event(now, EventKind.LEADER, "fake/main", "fake/main", "m1 → m0"),
            Event(now, EventKind.LEFT, "fake/main", "web/gone-1", "gone-1"),
        )
        await screen.until("gone-1")
        await screen.press("enter")
        await screen.until("it is not there any more")
        await screen.press("d")
        await screen.until("seen by")
        await screen.press("q", "j", "enter")
        await screen.until("sort group")
        assert screen.app.view.table.current.name == "m0"
        await screen.press("q", "j", "enter")
        await screen.until(lambda: screen.app.view.table.current.name == "m2")
        # Nothing is scrolled away where everything has room.
        await screen.until("m0")


async def test_the_filter_looks_at_kind_source_target_and_text(opened: Opened) -> None:
    async with opened(command="events") as screen:
        now = datetime.now(UTC)
        happened(
            screen,
            Event(now, EventKind.STATE, "fake/main", "m1", "up → down"),
            Event(now, EventKind.JOINED, "fake/main", "web/web-7", "web-7  10.0.3.17:8080", after_gap=True),
        )
        await screen.until("seen after a gap")
        for wanted in ("joined", "web.7", "8080", "gap"):
            await screen.type(f"/{wanted}\r")
            await screen.until(lambda: "web-7" in screen.text and "up → down" not in screen.text)
            await screen.press("escape")
            await screen.until("up → down")
        await screen.type("/fake\r")
        await screen.until(lambda: "web-7" in screen.text and "up → down" in screen.text)
        await screen.type(":events state\r")
        await screen.until(lambda: "web-7" not in screen.text and "up → down" in screen.text)
