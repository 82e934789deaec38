"""A system that starts no more threads, as one does whose cgroup is at its pids.max."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backends.threads import _Worker


@contextmanager
def no_threads() -> Iterator[None]:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Worker, "idle", [])
        patch.setattr(threading.Thread, "start", fail)
        yield
