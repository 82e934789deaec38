"""Since when something is wrong, where nobody looked when it began."""

from __future__ import annotations

import asyncio

import pytest

from backends.api import registry
from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings
from tests.flows.registered import say_instances

LAB = Context("lab", (SourceConfig("registered", "main", FakeSettings()),))
OTHER = Context("other", (SourceConfig("fake", "main", FakeSettings(script="other")),))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.MODULES, "registered", "tests.flows.registered")
    monkeypatch.setattr("tests.flows.registered.said", asyncio.Queue())


def why(screen: Screen) -> str:
    return next((line for line in screen.lines if "1 of 2" in line and "✖" not in line and "▲" in line), "")


def is_counted_well(screen: Screen) -> bool:
    """Counted at most once a second."""
    watching = screen.app.watching
    return watching is not None and watching.expected_sizes()["registered/main"]["web"].below is None


async def test_a_group_that_is_found_too_small_says_so_at_the_start_and_after_another_context(
    opened: Opened,
) -> None:
    async with opened(contexts=(LAB, OTHER), command="overview") as screen:
        say_instances("a")
        await screen.until(lambda: "may have begun earlier" in why(screen))
        say_instances("a", "b")
        await screen.until(lambda: not why(screen) and is_counted_well(screen))
        # This time it is seen to become so.
        say_instances("a")
        await screen.until(lambda: why(screen))
        assert "may have begun earlier" not in why(screen)
        say_instances("a", "b")
        await screen.until(lambda: not why(screen) and is_counted_well(screen))
        await screen.type(":context other\r")
        await screen.until("other")
        await screen.type(":context lab\r")
        say_instances("a")
        await screen.until(lambda: "may have begun earlier" in why(screen))
