"""Whether production is well, by what its own servers say."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.chaos.answers import Servers
from tests.servers.demo_run import WORKERS
from tui.demo.servers.supervisord import SERVICES
from tui.demo.servers.zookeeper import GROUPS

WELL = 90.0
"""Seconds within which production is well again after the last blow: a session has ended, an alert is over."""
INSTANCES = len(WORKERS) + sum(SERVICES[group] for group in GROUPS)
"""Those in etcd, and those in ZooKeeper."""


def ill(servers: Servers) -> str:
    """What of production is not as it was at the beginning; empty where all of it is."""
    said = servers.rows()
    instances = [row for row in said["members"] if " member " in row]
    lacking = [*said["alerts"], *(row for row in said["targets"] if not row.endswith(" up"))]
    lacking += [row for row in said["units"] if " RUNNING " not in row]
    if len(instances) != INSTANCES:
        lacking.append(f"of {INSTANCES} registrations only {instances}")
    return ", ".join(lacking)


def until_well(servers: Servers, wait: Callable[[float], object]) -> None:
    """Until production is well; that it does not get so is no fault of the dashboard."""
    end = time.monotonic() + WELL
    while why := _asked(servers):
        assert time.monotonic() < end, f"production itself is not well: {why}"
        wait(1.0)


def _asked(servers: Servers) -> str:
    try:
        return ill(servers)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
