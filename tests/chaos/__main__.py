"""`make chaos`: ten minutes of it, with a seed that is said first."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import chaos

SECONDS = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    # Whatever ends us, the demo ends too; a shell without job control has made us deaf to ctrl-c.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, frame: sys.exit(128 + got))
    say(f"seed {options.seed}: make chaos SEED={options.seed} does the same again")
    with tempfile.TemporaryDirectory(prefix="mw-") as state:
        wrong = chaos(options.seed, options.seconds, Path(state), say)
    say(f"{len(wrong)} wrong" if wrong else "nothing is wrong")
    return 1 if wrong else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
