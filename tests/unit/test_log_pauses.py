"""How often files of logs are looked at."""

from __future__ import annotations

from contextvars import copy_context

import pytest

from backends.api.logs import LogBlock
from backends.api.pace import looked_at
from backends.logs.follow import Look
from backends.logs.followed_files import BUSY, INTERVAL, UNSEEN, _pause
from backends.logs.position import Cursor

LINE = (LogBlock("a", b"x", 1),)


@pytest.mark.parametrize(
    ("seen", "blocks", "pipes", "pause"),
    [
        (True, (), 0, INTERVAL),
        (True, LINE, 0, BUSY),
        (False, LINE, 0, UNSEEN),
        (False, LINE, 1, BUSY),  # Whoever writes into a full FIFO waits.
    ],
)
def test_the_pause_between_two_looks(seen: bool, blocks: tuple[LogBlock, ...], pipes: int, pause: float) -> None:
    look = Look(blocks, Cursor({}, {}), (), more=False, files=1, pipes=pipes)

    def asked() -> float:
        looked_at.set(lambda: seen)
        return _pause(look)

    assert copy_context().run(asked) == pause
