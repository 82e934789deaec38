"""Which process listens where: the sockets of /proc/net/tcp (proc(5)), found again among each process's files."""

from __future__ import annotations

import ipaddress
import os
import struct
import time
from collections.abc import Iterator, Mapping

from backends.host_port import split

LISTEN = b"0A"
"""TCP_LISTEN of include/net/tcp_states.h."""
FILES = 4_096
"""Files of one process that are looked at; one with more has most of them open to its clients."""
COST = 50.0
"""How many times what reading the tables took has to pass before they are read again: a host with a hundred
thousand connections must not pay for them at each look."""
BYTES = 32 << 20


class Listening:
    """The listening sockets of this network namespace, below `root` (`/proc`). Its methods block.

    Only the files of processes that we may look into can be asked: one's own, or all for root.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self.reads = 0
        """How often the tables have been read."""
        self._sockets: Mapping[str, str] = {}
        self._due = float("-inf")
        self._space: str | None = None

    def look(self) -> bool:
        """Read the tables, unless that was just done and is dear; whether they differ from those before."""
        started = time.monotonic()
        if started < self._due:
            return False
        self.reads += 1
        sockets: dict[str, str] = {}
        for name, family in (("tcp", 4), ("tcp6", 6)):
            try:
                with open(f"{self._root}/net/{name}", "rb") as file:
                    sockets |= parse_table(file.read(BYTES), family)
            except OSError:
                continue  # No IPv6 here, or no /proc/net at all: then nothing is known.
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


def parse_table(data: bytes, family: int) -> dict[str, str]:
    """The listening sockets of `/proc/net/tcp` (family 4) or `tcp6`: `host:port` by what a link to it
    in `/proc/PID/fd` leads to (`socket:[INODE]`)."""
    found = {}
    for line in data.splitlines()[1:]:
        # The state is looked for first: most lines are connections.
        if b" 0A " not in line:
            continue
        fields = line.split()
        if len(fields) < 10 or fields[3] != LISTEN:
            continue
        host, _, port = fields[1].partition(b":")
        try:
            found[f"socket:[{fields[9].decode()}]"] = _address(host, int(port, 16), family)
        except (ValueError, struct.error):
            continue
    return found


def _address(host: bytes, port: int, family: int) -> str:
    """The kernel prints each 32 bits of an address as a number of this machine's byte order."""
    words = [int(host[i : i + 8], 16) for i in range(0, len(host), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if family == 4:
        return f"{ipaddress.IPv4Address(packed)}:{port}"
    address = ipaddress.IPv6Address(packed)
    mapped = address.ipv4_mapped
    return f"{mapped}:{port}" if mapped is not None else f"[{address}]:{port}"


def _by_port(address: str) -> tuple[int, str]:
    host, port = split(address)
    return int(port), host
