"""Groups of which nobody is there: from the Overview to what is known of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest

from backends.api import registry
from backends.api.capabilities import Registry
from backends.api.errors import BackendError, Unreachable
from backends.api.members import Member, Members, MemberState, Role
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows.conftest import Opened
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script, member


class Registering(Fake, Registry):
    async def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        while True:
            order = await self.script.instances.get()
            if isinstance(order, BackendError):
                raise order
            yield order

    def expected_sizes(self) -> Mapping[str, int]:
        return {"search": 2}


def say(screen: Any, *names: str) -> None:
    rows = [
        Member(f"fake/main/{group}/{name}", name, "fake/main", Role.MEMBER, MemberState.UP, group=group)
        for group, name in (text.split("/") for text in names)
    ]
    screen.script.instances.put_nowait(Seen({row.key: row for row in rows}))


@pytest.fixture
def registering(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setitem(registry.MODULES, "fake", __name__)
    return opened


async def to_the_sign(screen: Any, group: str) -> None:
    await screen.press("G")
    while not (screen.app.view.vital.chosen or "").endswith(f" {group}"):
        await screen.press("k")


async def test_a_group_of_which_nobody_is_left_leads_to_what_is_known_of_it(registering: Opened) -> None:
    clock = FakeClock()
    async with registering(command="overview", clock=clock) as screen:
        screen.script.say_members(member("m0"))
        say(screen, "web/web-1", "web/web-2", "webapi/api-1")
        await screen.until("webapi")
        await clock.advance(5)
        say(screen, "webapi/api-1")
        await clock.advance(2)
        await screen.until("0 of 2")
        # Its problem is the first line.
        await screen.press("g", "enter")
        await screen.until("nobody is registered in web of fake/main any more: the last one was seen")
        assert "2 were there before" in screen.text
        assert "api-1" not in screen.text
        # Somebody is back: there are rows again.
        say(screen, "web/web-3", "webapi/api-1")
        await clock.advance(2)
        await screen.until("web-3")
        assert "nobody is registered" not in screen.text
        await screen.press("escape")
        await screen.until("api-1")


async def test_a_group_that_nobody_ever_registered_in_is_told_as_such(registering: Opened) -> None:
    async with registering(command="overview") as screen:
        screen.script.say_members(member("m0"))
        say(screen, "web/web-1")
        await screen.until("0 of 2")
        await to_the_sign(screen, "search")
        await screen.press("enter")
        await screen.until("nobody has registered in search of fake/main since this context was opened")
        assert "2 are configured" in screen.text


async def test_of_a_group_whose_source_is_lost_nobody_knows_who_is_in_it(registering: Opened) -> None:
    async with registering(command="overview") as screen:
        screen.script.say_members(member("m0"))
        for _ in range(3):
            screen.script.instances.put_nowait(Unreachable("connection refused"))
        await screen.until("unreachable")
        await to_the_sign(screen, "search")
        await screen.press("enter")
        await screen.until("who is registered in search of fake/main is not known: unreachable")


async def test_a_group_with_somebody_in_it_leads_to_all_members(registering: Opened) -> None:
    async with registering(command="overview") as screen:
        screen.script.say_members(member("m0"))
        say(screen, "web/web-1", "search/s-1", "search/s-2")
        await screen.until("search")
        await to_the_sign(screen, "web")
        await screen.press("enter")
        await screen.until("sort group")
        assert "filter" not in screen.lines[1]
        assert "s-2" in screen.text


@pytest.mark.parametrize(("width", "told"), [(60, "search  other"), (80, "search  other"), (120, "fake/other")])
async def test_problems_of_the_same_name_say_whose_they_are(registering: Opened, width: int, told: str) -> None:
    sources = tuple(SourceConfig("fake", name, FakeSettings(script=name)) for name in ("main", "other"))
    SCRIPTS["other"] = Script()
    async with registering((width, 24), (Context("lab", sources),), command="overview") as screen:
        for script in (screen.script, SCRIPTS["other"]):
            script.instances.put_nowait(Seen({}))
        await screen.until("2 problems")
        wrong = [line for line in screen.lines if "✖" in line]
        assert len(set(wrong)) == 2
        assert sum(told in line for line in wrong) == 1
