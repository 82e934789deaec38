"""Marks of a table: V marks from the last mark to here, and never from one that is gone."""

from __future__ import annotations

from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings, process
from tui.screens.resource import ResourceScreen
from widgets.tables.table import Table


def table_of(screen: Screen) -> Table:
    view = screen.app.view
    assert isinstance(view, ResourceScreen)
    return view.table


async def five(screen: Screen) -> None:
    screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(1, 6)))
    await screen.until("p5")
    table_of(screen).sort_by("pid")


def marked(screen: Screen) -> list[int]:
    return sorted(row.pid for row in table_of(screen).marked())


async def test_a_first_v_is_the_mark_from_which_the_next_goes_on(opened: Opened) -> None:
    async with opened(command="processes") as screen:
        await five(screen)
        await screen.type("gVjjV")
        assert marked(screen) == [1, 2, 3]
        await screen.type("jV")
        assert marked(screen) == [1, 2, 3, 4]


async def test_after_unmarking_all_nothing_is_left_to_go_on_from(opened: Opened) -> None:
    async with opened(command="processes") as screen:
        await five(screen)
        await screen.type("g jjVUgjjjV")
        assert marked(screen) == [4]


async def test_a_row_that_was_unmarked_is_no_mark_to_go_on_from(opened: Opened) -> None:
    async with opened(command="processes") as screen:
        await five(screen)
        await screen.type("g g jjV")
        assert marked(screen) == [4]


async def test_a_mark_that_a_filter_hid_is_no_mark_to_go_on_from(opened: Opened) -> None:
    async with opened(command="processes") as screen:
        await five(screen)
        await screen.type("g /p[45]\r")
        await screen.until("2 of 5")
        await screen.press("escape")
        await screen.type("GV")
        assert marked(screen) == [1, 5]


async def test_a_mark_whose_row_was_gone_is_no_mark_to_go_on_from(opened: Opened) -> None:
    async with opened(command="processes") as screen:
        await five(screen)
        table = table_of(screen)
        await screen.type("g ")
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(2, 6)))
        await screen.until(lambda: table.total == 4)
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(1, 6)))
        await screen.until(lambda: table.total == 5)
        await screen.type("GV")
        assert marked(screen) == [5]


async def test_marks_do_not_go_along_into_another_context(opened: Opened) -> None:
    """Its rows may have the very same keys, as the same host has in both."""
    lab, prod = (Context(name, (SourceConfig("fake", "main", FakeSettings()),)) for name in ("lab", "prod"))
    async with opened(contexts=(lab, prod), command="processes") as screen:
        await five(screen)
        table = table_of(screen)
        await screen.type("g ")
        assert marked(screen) == [1]
        await screen.type(":overview\r:context prod\r")
        await screen.until(lambda: screen.app.context.name == "prod" and screen.app.watching.context is prod)
        screen.script.say_processes(*(process(pid, f"p{pid}") for pid in range(1, 6)))
        await screen.type(":processes\r")
        await screen.until("p5")
        assert table.marks == set()
