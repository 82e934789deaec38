"""A worker of the demo, and servers that fail it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import kazoo.client
import pytest
from kazoo.handlers.threading import KazooTimeoutError

from tui.demo import worker
from tui.demo.worker import Worker


class Answer:
    def __init__(self, what: Exception | None = None) -> None:
        self._what = what

    def get(self, timeout: float) -> None:
        if self._what is not None:
            raise self._what


class Session:
    """A ZooKeeper that is silent once, and then answers."""

    connected = True
    silent = True
    created = ""
    done = threading.Event()

    def __init__(self, hosts: str, timeout: float) -> None: ...

    def start_async(self) -> None: ...

    def exists_async(self, path: str) -> Answer:
        if Session.created:
            Session.done.set()
            threading.Event().wait()  # A daemon's thread goes on for ever, and need not do more.
        silent, Session.silent = Session.silent, False
        return Answer(KazooTimeoutError("timed out") if silent else None)

    def create_async(self, path: str, value: bytes, **options: Any) -> Answer:
        Session.created = path
        return Answer()


def test_a_silent_zookeeper_does_not_end_its_registering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kazoo.client, "KazooClient", Session)
    monkeypatch.setattr(worker, "TTL", 0.01)
    names = ("SERVICE", "INSTANCE", "VERSION", "ETCD", "ZOOKEEPER", "PEERS", "MODE")
    own = {
        "WORKER_ADDRESS": "127.0.0.1:1",
        **{f"WORKER_{name}": str(tmp_path / name) for name in ("RELEASE", "APP_LOG", "ACCESS_LOG")},
    }
    made = Worker({**{f"WORKER_{name}": name.lower() for name in names}, **own})
    threading.Thread(target=made.stay_in_zookeeper, daemon=True).start()
    assert Session.done.wait(10)
    assert Session.created == "/services/service/instance"
