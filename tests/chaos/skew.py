"""The wall clock of a program that jumps by as much as the test wants."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

SKEWED = Path(__file__).with_name("skewed")


class Skew:
    """`environment` is for the program whose clock it is."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self.environment: Mapping[str, str] = {"PYTHONPATH": str(SKEWED), "SKEW_FILE": str(file)}

    def be(self, seconds: float) -> None:
        """From now on its clock is wrong by so many seconds."""
        struct.pack_into("d", self._shared, 0, seconds)
