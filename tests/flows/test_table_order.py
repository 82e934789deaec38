"""The order of a table: rows hold still to be read, though the numbers by which they are sorted move."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.flows.bare_table import Bare
from tests.flows.fake import process
from tui.kinds.processes import PROCESSES
from widgets.tables.rows import RESORT


async def test_a_moving_number_reorders_rows_each_two_seconds_at_most() -> None:
    clock = FakeClock()
    app = Bare(PROCESSES, clock)

    def busy(*cpu: float) -> None:
        app.show(*(process(pid, f"p{pid}", cpu=share) for pid, share in enumerate(cpu, 1)))

    def first() -> str:
        return app.table.plain_lines()[1]

    async with app.run_test(size=(120, 10)):
        app.table.sort_by("cpu")
        busy(90, 10)
        assert "/usr/bin/p1" in first()
        await clock.advance(RESORT / 2)
        busy(20, 80)
        assert "/usr/bin/p1" in first()
        await clock.advance(RESORT / 2)
        busy(20, 81)
        assert "/usr/bin/p2" in first()


async def test_rows_hold_still_while_something_is_asked_about_them() -> None:
    clock = FakeClock()
    app = Bare(PROCESSES, clock)
    asked = True
    app.table.holds = lambda: asked

    def say(*cpu: tuple[int, float]) -> None:
        app.show(*(process(pid, f"p{pid}", cpu=share) for pid, share in cpu))

    def order() -> list[str]:
        return [text.split("/usr/bin/")[1].split()[0] for text in app.table.plain_lines()[1:]]

    async with app.run_test(size=(120, 10)):
        say((1, 90), (2, 50), (3, 10))
        app.table.sort_by("cpu")
        assert order() == ["p1", "p2", "p3"]
        await clock.advance(RESORT + 1)
        say((1, 1), (2, 2), (3, 3))
        assert order() == ["p1", "p2", "p3"]
        # One comes and one goes: the others do not change places for it.
        say((1, 1), (3, 3), (4, 99))
        assert order() == ["p1", "p3", "p4"]
        asked = False
        await clock.advance(RESORT + 1)
        app.table.flush()
        assert order() == ["p4", "p3", "p1"]
