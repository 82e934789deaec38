"""midwatch's own log: a file for its owner, never the screen."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
from collections.abc import Mapping
from pathlib import Path

SIZE, FILES = 1_000_000, 3
WAITING = 10_000
"""Records that may wait for the disk; more are dropped: a full disk must not stop the watch."""


class _Queue(logging.handlers.QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


class _File(logging.handlers.RotatingFileHandler):
    def _open(self):  # type: ignore[no-untyped-def]
        return os.fdopen(
            os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that can't be written is no reason to say anything over the screen."""


def state_folder(env: Mapping[str, str]) -> Path:
    """Where midwatch keeps what it writes for its user: `$XDG_STATE_HOME/midwatch`."""
    base = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME", "/"), ".local", "state")
    return Path(base) / "midwatch"


def log_path(env: Mapping[str, str]) -> Path:
    return state_folder(env) / "midwatch.log"


def start_log(env: Mapping[str, str]) -> Path | None:
    """Send every logger's records to the file, from a thread. None where no file can be written."""
    path = log_path(env)
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(WAITING)
    root = logging.getLogger()
    root.handlers[:] = [_Queue(waiting)]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = _File(path, maxBytes=SIZE, backupCount=FILES, encoding="utf-8")
    except OSError:
        root.handlers[:] = [logging.NullHandler()]
        return None
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    listener = logging.handlers.QueueListener(waiting, file)
    listener.start()
    return path


def last_lines(path: Path, most: int = 200_000) -> list[str]:
    """The end of a log, at most so many bytes of it. Blocks."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - most))
            return file.read().decode("utf-8", "replace").splitlines() or ["nothing has been logged"]
    except OSError as error:
        return [f"{path}: {error.strerror}"]
