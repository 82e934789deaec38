"""The order of a table: rows hold still to be read, though the numbers by which they are sorted move."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.flows.bare_table import Bare
from tests.flows.fake import process
from tui.kinds.processes import PROCESSES
from widgets.table import RESORT


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
