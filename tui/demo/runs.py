"""The runs of a demo's deploys: they lie in the user's state folder, and go when the demo goes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from pathlib import Path

from tui.demo.contexts import CONTEXTS

ENDING = 5.0
"""Seconds that a run may take to notice that its demo is gone."""


def forget_runs(demo: Path, state: Path) -> None:
    """Remove the runs whose plan names the demo's folder, and no other: a context of the user's own may have the
    same name. One that still goes on is waited for, and left where it does not end. Blocks."""
    until = time.monotonic() + ENDING
    for context in CONTEXTS:
        folder = state / "runs" / context
        for run in sorted(folder.glob("*-*/")):
            if _is_of(run, demo):
                while _goes_on(run) and time.monotonic() < until:
                    time.sleep(0.1)
                if not _goes_on(run):
                    shutil.rmtree(run, ignore_errors=True)
        _remove_empty(folder)


def _is_of(run: Path, demo: Path) -> bool:
    try:
        steps = json.loads((run / "plan.json").read_bytes())["plan"]["steps"]
        return any(str(demo) in step["argv"] for step in steps)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _goes_on(run: Path) -> bool:
    from backends.deploys.journal import is_held

    try:
        return is_held(run)
    except OSError:
        return False


def _remove_empty(folder: Path) -> None:
    """Where only locks are left, those too that nobody holds."""
    with contextlib.suppress(OSError):
        locks = sorted(folder.iterdir())
        if all(lock.suffix == ".lock" for lock in locks):
            for lock in locks:
                handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    lock.unlink()
                finally:
                    os.close(handle)
            folder.rmdir()
