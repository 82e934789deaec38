"""`processes`: at one look where nothing but this host can tell of them, else as every kind is listed."""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime

from backends.api.processes import Processes
from backends.api.readings import Reading
from backends.config.context_words import DEFAULT, THIS_HOST
from backends.config.file import config_name
from backends.processes.one_look import is_alone, processes_at_once
from tui.kinds.processes import PROCESSES
from tui.verbs.told import Told, source_state

LEAST = 0.1
"""Seconds for the feeds to say what is wrong, where the look has taken all the time that there was."""


def processes(options: argparse.Namespace) -> int:
    """Print this host's processes. Without a configuration, and without an event loop, whose import alone takes
    longer than the look, and that of the backends that might be found several times as long."""
    if _plain(options):
        began = time.monotonic()
        reading = processes_at_once(options.timeout)
        if reading is not None:
            _show(reading, options.output or "table")
            return 0
        options.timeout = max(LEAST, options.timeout - (time.monotonic() - began))
    from tui.verbs.listing import listing
    from tui.verbs.opening import run_in_context

    return run_in_context(listing, options)


def _show(reading: Reading[Processes], output: str) -> None:
    told = Told(
        kind=PROCESSES,
        context=DEFAULT,
        rows=[(row, reading) for row in (reading.value or {}).values()],
        sources=[source_state(THIS_HOST, reading)],
        now=time.monotonic(),
        wall=datetime.now(UTC),
        well=True,
    )
    told.show(output)


def _plain(options: argparse.Namespace) -> bool:
    """Whether one look is asked for, at what is there without a configuration."""
    if options.watch or options.context or os.environ.get("MIDWATCH_CONTEXT"):
        return False
    name, deliberate = config_name(options.config, os.environ)
    return not deliberate and _is_nowhere(name) and is_alone(os.environ)


def _is_nowhere(name: str) -> bool:
    """One that is there and can't be read is told, like any other mistake in it."""
    try:
        os.lstat(name)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
