"""How each kind of backend is made for the contract suite, on something that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from backends.api.backend import Backend
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.logs.files import Files, FilesSettings
from backends.logs.journald import Journald, JournaldSettings
from backends.processes.local import Local, LocalSettings
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.journal import Journal, journalctl

Make = Callable[[], Backend]


@contextmanager
def etcd(folder: Path) -> Iterator[Make]:
    with EtcdCluster(size=1) as cluster:
        settings = EtcdSettings(endpoints=cluster.endpoints, groups={"web": "/services/web/"})
        yield lambda: Etcd("main", settings)


@contextmanager
def files(folder: Path) -> Iterator[Make]:
    (folder / "app.log").write_text("2026-11-24T02:13:20Z INFO one\ntwo\n")
    settings = FilesSettings(paths=(str(folder / "*.log"),))
    yield lambda: Files("app", settings)


@contextmanager
def journald(folder: Path) -> Iterator[Make]:
    # Four words of a journal at rest would take the suite six seconds.
    with patch("backends.logs.journald.PROVE", 0.3), Journal(folder) as journal:
        journal.write(["one", "two"])
        journal.settle()
        settings = JournaldSettings(program=journalctl(), files=(journal.pattern,))
        yield lambda: Journald("main", settings)


@contextmanager
def local(folder: Path) -> Iterator[Make]:
    yield lambda: Local("host", LocalSettings())


STARTERS = {"etcd": etcd, "files": files, "journald": journald, "local": local}
