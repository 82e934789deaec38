"""How each kind of backend is made for the contract suite, on something that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backends.api.backend import Backend
from backends.api.runs import RunState
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.zookeeper import Zookeeper, ZookeeperSettings
from backends.logs.files import Files, FilesSettings
from backends.logs.journald import Journald, JournaldSettings
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from backends.processes.local import Local, LocalSettings
from tests.servers import runs
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.journal import Journal, journalctl
from tests.servers.prometheus_server import PrometheusServer
from tests.servers.supervisord_server import SupervisordServer
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble

Make = Callable[[], Backend]


@contextmanager
def sooner(*names: str) -> Iterator[None]:
    """With these intervals cut to 0.3 s: four words of a source at rest would take the suite many seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(f"backends.{name}", 0.3)
        yield


@contextmanager
def deploy(folder: Path) -> Iterator[Make]:
    """With one run that has ended, so that every noun has a row."""

    async def run_once() -> None:
        await runs.until_state(await runs.start(runs.shell(folder, "echo one; echo two")), RunState.DONE)

    asyncio.run(run_once())
    with sooner("deploys.look_pauses.IDLE"):
        yield lambda: runs.shell(folder, "echo one; echo two")


@contextmanager
def etcd(folder: Path) -> Iterator[Make]:
    with sooner("coordination.rounds.INTERVAL", "coordination.etcd_stream.ASK"), EtcdCluster(1) as cluster:
        settings = EtcdSettings(endpoints=cluster.endpoints, groups={"web": "/services/web/"})
        yield lambda: Etcd("main", settings)


@contextmanager
def files(folder: Path) -> Iterator[Make]:
    (folder / "app.log").write_text("2026-11-24T02:13:20Z INFO one\ntwo\n")
    settings = FilesSettings(paths=(str(folder / "*.log"),))
    with sooner("logs.followed_files.PROVE"):
        yield lambda: Files("app", settings)


@contextmanager
def journald(folder: Path) -> Iterator[Make]:
    with sooner("logs.journald.PROVE"), Journal(folder) as journal:
        journal.write(["one", "two"])
        journal.settle()
        settings = JournaldSettings(program=journalctl(), files=(journal.pattern,))
        yield lambda: Journald("main", settings)


@contextmanager
def local(folder: Path) -> Iterator[Make]:
    with sooner("processes.local.INTERVAL"):
        yield lambda: Local("host", LocalSettings())


@contextmanager
def supervisord(folder: Path) -> Iterator[Make]:
    talks = "command=sh -c 'echo one; echo two; exec sleep 600'\nstartsecs=0\n"
    intervals = ("processes.supervisord.INTERVAL", "processes.supervisord_logs.LOOK", "logs.followed_files.PROVE")
    with sooner(*intervals), SupervisordServer({"web": talks}) as server:
        yield server.backend


@contextmanager
def zookeeper(folder: Path) -> Iterator[Make]:
    intervals = ("coordination.rounds.INTERVAL", "coordination.zookeeper_tree.ASK")
    with sooner(*intervals), ZookeeperEnsemble(size=1) as ensemble:
        settings = ZookeeperSettings(hosts=ensemble.hosts, groups={"search": "/services/search"})
        yield lambda: Zookeeper("main", settings)


@contextmanager
def prometheus(folder: Path) -> Iterator[Make]:
    rules = "      - {alert: Always, expr: vector(1), labels: {severity: warning}}\n"
    with (
        sooner("metrics.prometheus_feeds.ALERTS_EACH", "metrics.prometheus_feeds.TARGETS_EACH"),
        PrometheusServer(jobs={"dead": ["127.0.0.1:1"]}, rules=rules) as server,
    ):
        yield lambda: Prometheus("main", PrometheusSettings(url=server.url))


KINDS = (deploy, etcd, files, journald, local, prometheus, supervisord, zookeeper)
STARTERS = {starter.__name__: starter for starter in KINDS}
