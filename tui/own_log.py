"""midwatch's own log: a file for its owner, never the screen."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from backends.state import state_folder

SHOWN = 200_000
"""Bytes of its end that are shown."""


class _Late(logging.Handler):
    """Opens the file and its thread with the first record: most starts log nothing, and all would pay for it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        from tui.own_log_file import file_handler

        handler = file_handler(self._path)
        logging.getLogger().handlers[:] = [handler]
        handler.handle(record)


def log_path(env: Mapping[str, str]) -> Path:
    return state_folder(env) / "midwatch.log"


TALKATIVE = ("httpx", "httpcore", "urllib3")
"""Libraries that tell each request at INFO, with its address and query."""


def start_log(env: Mapping[str, str]) -> Path:
    """Send every logger's records to the file."""
    path = log_path(env)
    root = logging.getLogger()
    root.handlers[:] = [_Late(path)]
    root.setLevel(logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return path


def last_lines(path: Path) -> list[str]:
    """The end of a log, at most `SHOWN` bytes of it. Blocks."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - SHOWN))
            return file.read().decode("utf-8", "replace").splitlines() or ["nothing has been logged"]
    except OSError as error:
        return [f"{path}: {error.strerror}"]
