"""How each kind of backend is made for the contract suite, on something that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.api.backend import Backend
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.zookeeper import Zookeeper, ZookeeperSettings
from backends.logs.files import Files, FilesSettings
from backends.processes.local import Local, LocalSettings
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble

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
def local(folder: Path) -> Iterator[Make]:
    yield lambda: Local("host", LocalSettings())


@contextmanager
def zookeeper(folder: Path) -> Iterator[Make]:
    with ZookeeperEnsemble(size=1) as ensemble:
        settings = ZookeeperSettings(hosts=ensemble.hosts, groups={"search": "/services/search"})
        yield lambda: Zookeeper("main", settings)


STARTERS = {"etcd": etcd, "files": files, "local": local, "zookeeper": zookeeper}
