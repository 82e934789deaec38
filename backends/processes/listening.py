"""Which process listens where: the sockets of this host that listen, found again among each process's files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from backends.host_port import split
from backends.processes.listening_sockets import listening_sockets

FILES = 4_096
"""Files of one process that are looked at; one with more has most of them open to its clients."""
COST = 50.0
"""How many times what asking for the sockets took has to pass before that is done again: where it means to read
through a hundred thousand connections, not at each look."""


class Listening:
    """The listening sockets of this network namespace, below `root` (`/proc`). Its methods block.

    Only the files of processes that we may look into can be asked: one's own, or all for root.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._sockets: Mapping[str, str] = {}
        self._due = float("-inf")
        self._space: str | None = None

    def look(self) -> bool:
        """Ask for the sockets, unless that was just done and is dear; whether they differ from those before."""
        started = time.monotonic()
        if started < self._due:
            return False
        sockets = listening_sockets(self._root)
        changed, self._sockets = sockets != self._sockets, sockets
        self._space = self._space_of("self")
        spent = time.monotonic() - started
        self._due = started + spent * COST
        return changed

    def of(self, pid: int) -> tuple[str, ...] | None:
        """Where a process listens, as `host:port`, by port; None where we may not know: another user's process,
        or one in another network namespace."""
        if self._space is None or self._space_of(str(pid)) != self._space:
            return None
        try:
            # By the folder: a path from the root on costs twice as much for each file.
            folder = os.open(f"{self._root}/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = {self._sockets.get(target) for target in _targets(folder)}
        except OSError:
            return None
        finally:
            os.close(folder)
        return tuple(sorted((address for address in found if address is not None), key=_by_port))

    def _space_of(self, pid: str) -> str | None:
        try:
            return os.readlink(f"{self._root}/{pid}/ns/net")
        except OSError:
            return None


def _targets(folder: int) -> Iterator[str]:
    for name in os.listdir(folder)[:FILES]:
        try:
            yield os.readlink(name, dir_fd=folder)
        except OSError:
            continue  # Closed since.


def _by_port(address: str) -> tuple[int, str]:
    host, port = split(address)
    return int(port), host
