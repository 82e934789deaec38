"""How each kind of backend is made for the contract suite, on something that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.api.backend import Backend
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.logs.files import Files, FilesSettings
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from backends.processes.local import Local, LocalSettings
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.prometheus_server import PrometheusServer

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
def prometheus(folder: Path) -> Iterator[Make]:
    rules = "      - {alert: Always, expr: vector(1), labels: {severity: warning}}\n"
    with PrometheusServer(jobs={"dead": ["127.0.0.1:1"]}, rules=rules) as server:
        yield lambda: Prometheus("main", PrometheusSettings(url=server.url))


STARTERS = {"etcd": etcd, "files": files, "local": local, "prometheus": prometheus}
