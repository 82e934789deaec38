"""Members: one at a time on a quiet cluster, and thousands of them that change all the time."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from backends.coordination.etcd import EtcdSettings
from backends.coordination.etcd_wire import Wire
from tests.bench.figures import Figures
from tests.bench.members_load import etcd_config, members_load
from tests.bench.stamped import Stamped, percentile
from tests.servers.etcd_cluster import EtcdCluster

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]


async def test_put_to_cell(tmp_path: Path, figures: Figures) -> None:
    delays = []
    with EtcdCluster() as cluster:
        wire = Wire(EtcdSettings(endpoints=cluster.endpoints).access(), 5.0)
        await wire.ready()
        with Stamped("--config", etcd_config(cluster, tmp_path / "c.toml"), "-c", "members") as board:
            board.shown(b"leader", 0.0)
            board.read(1)
            for number in range(60):
                name = f"i{number:03}x"
                request = wire.pb.PutRequest(key=f"/services/web/{name}".encode(), value=b"10.0.0.1:80")
                began = time.monotonic()
                await wire.any("KV", "Put", request)
                delays.append(board.shown(name.encode(), began) - began)
                # Out of step with the painting's own tenth of a second.
                time.sleep(0.03 + 0.013 * (number % 7))
                await wire.any("KV", "DeleteRange", wire.pb.DeleteRangeRequest(key=request.key))
                time.sleep(0.2)
        await wire.close()
    figures.bound("etcd put to cell, p50", statistics.median(delays) * 1000, "ms", 80)
    figures.bound("etcd put to cell, p95", percentile(delays, 0.95) * 1000, "ms", 150)


def test_thousands_that_change(tmp_path: Path, quick: bool, figures: Figures) -> None:
    with EtcdCluster() as cluster:
        got = members_load(etcd_config(cluster, tmp_path / "c.toml"), cluster, 5_000, 200, 8 if quick else 60)
    load = "5,000 members, 200 changes/s"
    figures.bound(f"{load}: put to cell, p95", percentile(got.cells, 0.95) * 1000, "ms", 250)
    figures.holds(f"{load}: changes of rows in sight that were never shown", str(got.lost), "0", got.lost == 0)
    figures.bound(f"{load}: key to paint, p95", percentile(got.keys, 0.95) * 1000, "ms", 60)
    figures.bound(f"{load}: memory grown after the first third", got.grown / 1e6, "MB", 2)
    figures.beside(f"{load}: share of a core", 100 * got.busy, "%")
