"""One command of a package tool: its answer, or the reason why there is none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

SECONDS = 300
"""How long one command may take; a slow line needs minutes for 20 MB."""

Say = Callable[[str], None]


class Missing(Exception):
    """A program that can't be had on this machine, and why."""


def run(argv: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; one that takes too long answers like one that failed."""
    try:
        return subprocess.run(
            argv,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no answer within {SECONDS} s")
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]}: {error.strerror}")


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why a command failed: its last line that names an error, else its last line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR:", "dpkg-deb: error:"))]
    return (errors or lines or [f"exit {done.returncode}, no reason given"])[-1]
