"""What watching the processes of this host costs: ours and the peers', each on a terminal of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.stamped import Stamped
from tests.bench.usage import usage
from tests.outside.program import PROGRAM

INTERVAL = 2
"""Seconds between two looks, for all of them."""
SETTLING = 6.0


def looked(name: str, argv: Sequence[str]) -> list[str]:
    """A program's words for a look each two seconds."""
    more = {
        "midwatch": ("-c", "processes"),
        "htop": ("-d", str(INTERVAL * 10)),
        "glances": ("-t", str(INTERVAL), "--disable-check-update"),
    }
    return [*argv, *more[name]]


def shares_of_a_core(programs: Mapping[str, Sequence[str]], seconds: float, home: Path) -> dict[str, float]:
    """Of each program, one after the other: side by side they would be processes of each other."""
    shares = {}
    for name, argv in programs.items():
        env = {"HOME": str(home)}
        with Stamped(program=looked(name, argv), env=env) as board:
            time.sleep(SETTLING)
            before = usage(board.process.pid)
            time.sleep(seconds)
            shares[name] = (usage(board.process.pid).cpu - before.cpu) / seconds
            assert board.process.poll() is None, board.read().decode("utf-8", "replace")
    return shares


def ours(config: Path) -> list[str]:
    """This host, and nothing that discovery would find beside it."""
    config.write_text("[context.bench]\n")
    return [PROGRAM, "--config", str(config)]


def keys_to_paint(argv: Sequence[str], most: int = 60) -> list[float]:
    """Seconds from a key that moves the cursor until its row is painted, on a table that paints by itself too."""
    times = []
    with Stamped("-c", "processes", program=argv) as board:
        board.until("LIVE")
        time.sleep(1)
        for number in range(most):
            time.sleep(0.02 + 0.007 * (number % 5))
            # The row under the cursor is painted in reverse, from its first cell on.
            times.append(board.answer("j" if number % 20 < 10 else "k", b"H\x1b[7m "))
    return times
