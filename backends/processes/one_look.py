"""This host's processes at one look, without an event loop: for whoever asks once, where no other source could
tell more. The table is that of the `local` backend, whose feed goes on looking, and tells why a look failed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from backends.api.processes import Processes
from backends.api.readings import Reading, State
from backends.config.context_words import THIS_HOST
from backends.processes.supervisord_places import any_there
from backends.processes.table import PATIENCE, Table

NAMED = ("ETCDCTL_", "PROMETHEUS_URL")
"""How variables begin by which a source is named: one that is named wrong is told, whatever is asked for."""


def is_alone(env: Mapping[str, str]) -> bool:
    """Whether discovery could find nothing that tells of this host's processes but this host: no supervisor,
    whose units some of them are. Nor anything that is named wrong."""
    named = any(value and name.startswith(NAMED) for name, value in env.items())
    return not named and not any_there()


def processes_at_once(timeout: float) -> Reading[Processes] | None:
    """What a feed's first reading would be. None where a look fails, or none has come to its end in `timeout`
    seconds."""
    table = Table("/proc", os.uname().nodename.split(".")[0], THIS_HOST)
    rows: list[Processes] = []
    ended = threading.Event()

    def look() -> None:
        with suppress(Exception):  # Whatever it is, the feed comes to it again, and tells it.
            rows.append(table.look())
        ended.set()

    end = time.monotonic() + timeout
    while not ended.is_set() and (left := end - time.monotonic()) > 0:
        # A daemon: the kernel may hold whoever reads a file of /proc for ever.
        threading.Thread(target=look, daemon=True).start()
        ended.wait(min(left, PATIENCE))
    return Reading(State.LIVE, rows[0], time.monotonic(), datetime.now(UTC)) if rows else None
