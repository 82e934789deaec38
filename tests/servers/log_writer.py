"""Writers of logs, as processes of their own: numbered lines, rotated in every manner while they are written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAST = """
import os, sys
path, lines, renames, downwards = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "down"
file = open(path, "a", buffering=1 << 16)
for number in range(lines):
    file.write(f"line {number:08d} is as long as a line of a log usually is, more or less\\n")
    if renames and (number + 1) % (lines // renames) == 0:
        file.close()
        count = (number + 1) // (lines // renames)
        if downwards:
            for old in range(count - 1, 0, -1):
                os.rename(f"{path}.{old}", f"{path}.{old + 1}")
            os.rename(path, path + ".1")
        else:
            os.rename(path, f"{path}.{count}")
        file = open(path, "a", buffering=1 << 16)
file.close()
"""

STEADY = """
import os, sys, time
path, lines = sys.argv[1], int(sys.argv[2])
file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
for number in range(lines):
    os.write(file, f"line {number:08d} is as long as a line of a log usually is, more or less\\n".encode())
    if number % 100 == 99:
        time.sleep(0.002)
"""


@contextmanager
def writer(script: str, path: Path, lines: int, *more: object) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-c", script, str(path), str(lines), *map(str, more)]
    with subprocess.Popen(argv) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def numbers(lines: list[bytes]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith(b"line ")]
