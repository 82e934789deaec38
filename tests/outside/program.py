"""The installed program, run as a script would run it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.arguments import parser

PROGRAM = str(Path(sys.executable).with_name("midwatch"))


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Every verb that the command line knows, and what it takes."""
    parsers = argparse._SubParsersAction
    return next(dict(action.choices) for action in parser()._actions if isinstance(action, parsers))


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str
    seconds: float
    """What all of it took, the start of Python included."""

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def items(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def run_within(limit: float, *words: str) -> Ran:
    """The same, started three times at most: a busy machine delays one of them, what is slow itself all three."""
    for _ in range(3):
        ran = run(*words)
        if ran.seconds < limit:
            return ran
    raise AssertionError(f"{' '.join(words)} took {ran.seconds:.1f} s, thrice more than {limit:g} s")


def run(
    *words: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, seconds: float = 20
) -> Ran:
    began = time.monotonic()
    done = subprocess.run(
        [PROGRAM, *words],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=seconds,
        env={**os.environ, **(env or {})},
        check=False,
    )
    took = time.monotonic() - began
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace"), took)
