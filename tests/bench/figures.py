"""The figures of one run, and the one table that `make bench` prints of them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """One row. `met` is None for what has no goal of its own, or whose peer can't be had here."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    met: bool | None


class Figures:
    """Collects rows; nothing here fails a test, so that one miss leaves the rest to be measured."""

    def __init__(self) -> None:
        self.rows: list[Figure] = []
        self.lacking: dict[str, str] = {}
        """Peers that this machine can't have, and why."""

    @property
    def missed(self) -> list[Figure]:
        return [row for row in self.rows if row.met is False]

    def bound(self, what: str, ours: float, unit: str, most: float, *, peer: str = "") -> None:
        """Our figure against a limit of its own; `peer` stands beside it."""
        self.rows.append(Figure(what, said(ours, unit), peer, "", f"≤ {said(most, unit)}", ours <= most))

    def against(
        self,
        what: str,
        ours: float,
        theirs: tuple[str, float | None],
        unit: str,
        *,
        most: float,
        ratio: float | None = None,
    ) -> None:
        """Our figure as a multiple of a peer's, by name; `ratio` where it is the median of pairs."""
        name, peer = theirs
        if peer is None:
            self.rows.append(Figure(what, said(ours, unit), "", "", f"≤ {most:g} × {name}", None))
            return
        ratio = ours / peer if ratio is None else ratio
        cell = f"{name} {said(peer, unit)}"
        self.rows.append(Figure(what, said(ours, unit), cell, f"{ratio:.2f}", f"≤ {most:g} ×", ratio <= most))

    def beside(self, what: str, ours: float, unit: str) -> None:
        """What has no goal, and helps to read the rows around it."""
        self.rows.append(Figure(what, said(ours, unit), "", "", "", None))

    def holds(self, what: str, ours: str, goal: str, met: bool) -> None:
        """What is either so or not."""
        self.rows.append(Figure(what, ours, "", "", goal, met))

    def lacks(self, name: str, why: str) -> None:
        self.lacking[name] = why

    def table(self) -> str:
        titles = ("what", "ours", "the peer's", "ratio", "goal", "met")
        words = {True: "met", False: "MISSED", None: "–"}
        rows = [(*row[:5], words[row.met]) for row in self.rows]
        return "\n".join([machine(), "", *aligned([titles, *rows]), *self._lacking()])

    def _lacking(self) -> list[str]:
        return [f"\n{name} can't be had here: {why}" for name, why in self.lacking.items()]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown that reads as one on a terminal too."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def said(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def machine() -> str:
    """What the figures were measured on."""
    named = [
        line.partition(":")[2].strip() for line in lines_of("/proc/cpuinfo") if line.startswith("model name")
    ]
    memory = next((line.split()[1] for line in lines_of("/proc/meminfo") if line.startswith("MemTotal")), "0")
    system = next(
        (
            line.partition("=")[2].strip('"')
            for line in lines_of("/etc/os-release")
            if line.startswith("PRETTY_NAME")
        ),
        "",
    )
    python, kernel = platform.python_version(), platform.release().split("-")[0]
    return (
        f"{os.cpu_count()} cores ({named[0] if named else platform.machine()}), {int(memory) / 2**20:.0f} GiB, "
        f"{system or platform.system()}, Linux {kernel}, Python {python}"
    )


def lines_of(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
