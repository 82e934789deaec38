"""`python -m tests.bench.load_writer RATE SECONDS FILE...`: lines into several files, each with the moment it was
written; a batch a hundredth of a second. Prints how many lines there were."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime

BATCHES = 100
"""A second."""
STAMP = "[{:013.4f}]"
"""The writer's monotonic clock, in a line of its batch."""


def write(rate: int, seconds: float, paths: list[str]) -> int:
    written = 0
    each = max(1, rate // BATCHES // len(paths))
    with ExitStack() as stack:
        files = [stack.enter_context(open(path, "ab", buffering=0)) for path in paths]
        began = time.monotonic()
        for batch in range(int(seconds * BATCHES)):
            time.sleep(max(0.0, began + batch / BATCHES - time.monotonic()))
            wall = datetime.now(UTC).isoformat(timespec="milliseconds")
            for at, file in enumerate(files):
                head = f"{wall} INFO web-{at}: {STAMP.format(time.monotonic())} request "
                lines = (f"{head}{written + i:09d} /api/cart 200 in 12 ms\n" for i in range(each))
                file.write("".join(lines).encode())
                written += each
    return written


if __name__ == "__main__":
    sys.stdout.write(f"{write(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])}\n")
