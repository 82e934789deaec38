"""The quiet demo, as `midwatch demo up` starts it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.outside.program import PROGRAM


@dataclass(frozen=True, slots=True)
class Demo:
    folder: Path
    told: str
    """What it says of itself last: which servers are there."""

    @property
    def config(self) -> str:
        return str(self.folder / "config.toml")


@contextmanager
def quiet_demo(folder: Path) -> Iterator[Demo]:
    words = ["--dir", str(folder)]
    up = subprocess.run([PROGRAM, "demo", "up", "--quiet", *words], capture_output=True, text=True, check=True)
    try:
        yield Demo(folder, up.stdout.strip().splitlines()[-1])
    finally:
        subprocess.run([PROGRAM, "demo", "down", *words], capture_output=True, check=True)
