"""The values of a parameter that a command lists (`git tag`, `ls releases`), one a line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from backends.api.errors import Misconfigured
from backends.api.runs import Param

LIST_SECONDS = 5.0
LINES_MOST = 1_000


def listed(param: Param, directory: str) -> tuple[str, ...]:
    """Empty for a parameter that no command lists. Blocks, at most 5 s.

    Raises `Misconfigured` with the parameter as `where`.
    """
    if not param.listed:
        return ()
    try:
        process = subprocess.Popen(
            param.listed,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise Misconfigured(f"{param.listed[0]}: {error.strerror}", where=param.name) from None
    try:
        data, _ = process.communicate(timeout=LIST_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Misconfigured(
            f"{param.listed[0]} listed nothing within {LIST_SECONDS:g} s", where=param.name
        ) from None
    if process.returncode:
        raise Misconfigured(f"{param.listed[0]} exited with {process.returncode}", where=param.name)
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return tuple(line for line in lines if line and line.isprintable())[:LINES_MOST]
