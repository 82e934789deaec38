"""Finding what the patterns of a source lead to, as often as that is cheap; its FIFOs are read here too."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection

from backends.api.logs import LogBlock
from backends.logs.opened import Opened
from backends.logs.paths import Patterns, most, newest
from backends.logs.splitter import Pipe

GLOB_EVERY = 1.0
"""Seconds between two expansions of the globs, and twenty times what one takes."""
GLOB_CHEAP = 0.02
"""Seconds that an expansion may take to be made at each change of a directory as well."""


class Finding:
    """`clock` gives seconds. What is no file to be followed is told in notes of `opened`, once."""

    def __init__(self, patterns: Patterns, opened: Opened, clock: Callable[[], float]) -> None:
        self._patterns, self._opened, self._clock = patterns, opened, clock
        self._pipes: dict[str, Pipe] = {}
        self._cost = 0.0
        self.expanded = float("-inf")
        """When the globs were expanded last."""

    def due(self, *, changed: bool) -> bool:
        """Whether to expand the globs now. `changed`: something came or went in a directory."""
        since = self._clock() - self.expanded
        return since > max(GLOB_EVERY, 20 * self._cost) or (changed and self._cost < GLOB_CHEAP)

    def files(self, followed: Collection[str]) -> list[str]:
        """Expand the globs: the paths to follow, those that are followed already among them."""
        started = time.monotonic()
        self._opened.refused.clear()
        found = self._patterns.expand()
        paths = [path for path in found if path in followed or self._is_followed(path)]
        if len(paths) > most():
            paths = newest(paths)[-most() :]
            self._opened.say_once(f"{len(found)} files match; the {len(paths)} newest are followed")
        if not (paths or followed or self._pipes):
            self._opened.say_once(f"{self._patterns.unmatched}: waiting for one")
        self.expanded, self._cost = self._clock(), time.monotonic() - started
        return paths

    @property
    def pipes(self) -> int:
        return len(self._pipes)

    def read_pipes(self, budget: int, blocks: list[LogBlock]) -> bool:
        """Read so many bytes from each FIFO; whether there may be more."""
        more = False
        for pipe in self._pipes.values():
            found, left = pipe.read(budget)
            blocks += found
            more = more or left
        return more

    def close(self) -> None:
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes = {}

    def _is_followed(self, path: str) -> bool:
        """Whether a path is to be followed as a file; what is something else is said once."""
        literal = path in self._patterns.literal
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return literal
        if literal and stat.S_ISFIFO(mode):
            self._open_pipe(path)
            return False
        return self._opened.reads(path, mode, named=literal, odd="neither a file nor a FIFO")

    def _open_pipe(self, path: str) -> None:
        if path in self._pipes:
            return
        try:
            self._pipes[path] = Pipe(path)
        except PermissionError:
            self._opened.refuse(path)
        except OSError as error:
            self._opened.say_once(f"{path}: {error.strerror}")
        else:
            self._opened.say_once(f"{path}: is a FIFO; what is read here reaches no other reader")
