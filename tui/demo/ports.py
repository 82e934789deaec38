"""Free ports on loopback, out of the way of what the kernel hands out by itself."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

LOWEST = 15000
"""Above the default ports of the servers that people run for real."""
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different.

    They lie below the kernel's own range: while a worker is down between two lives, no outgoing connection can
    take its port as a source.
    """
    found: set[int] = set()
    candidates = list(range(LOWEST, _highest()))
    random.shuffle(candidates)
    for port in candidates:
        if len(found) == count:
            break
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.add(port)
    if len(found) < count:
        raise OSError(f"only {len(found)} of {count} ports are free on 127.0.0.1")
    return list(found)


def _highest() -> int:
    """The first port that the kernel hands out itself; on a machine with a range from the bottom, all are."""
    try:
        low = int(RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        low = 32768
    return low if low > LOWEST + 1000 else 60000
