"""The file behind midwatch's own log: rotating, for its owner only, written from a thread."""

from __future__ import annotations

import atexit
import contextlib
import logging
import logging.handlers
import os
import queue
from io import TextIOWrapper
from pathlib import Path

from backends.clean import clean_lines
from backends.state import own_folder

SIZE, FILES = 1_000_000, 3
WAITING = 10_000
"""Records that may wait for the disk; more are dropped: a full disk must not stop the watch."""


class _Queue(logging.handlers.QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


class _File(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(handle, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that can't be written is no reason to say anything over the screen."""


class _Lines(logging.Formatter):
    """What is logged holds names and words from outside, and people read it with `cat`: nothing in it acts on a
    terminal, and what goes on in further lines is set in, so that none of them passes for a record. There are two
    blanks behind the time: a record that is wrapped on the screen goes on there."""

    def format(self, record: logging.LogRecord) -> str:
        return clean_lines(super().format(record)).replace("\n", "\n  ")


def file_handler(path: Path) -> logging.Handler:
    """A handler that never waits; one that says nothing where no file can be written."""
    try:
        own_folder(path.parent)
        file = _File(path, maxBytes=SIZE, backupCount=FILES, encoding="utf-8")
    except OSError:
        return logging.NullHandler()
    file.setFormatter(_Lines("%(asctime)s  %(levelname)s %(name)s %(message)s"))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(WAITING)
    listener = logging.handlers.QueueListener(waiting, file)
    listener.start()
    # What was logged last is mostly what matters most.
    atexit.register(listener.stop)
    return _Queue(waiting)
