"""The loads of `make bench` for a few seconds, with bounds that a busy machine keeps: no noise breaks them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.bench.big_log import REGEX, WORD, big_log
from tests.bench.crowd import crowd
from tests.bench.logs_load import logs_load
from tests.bench.members_load import etcd_config, members_load
from tests.bench.processes_load import ours, shares_of_a_core
from tests.bench.stamped import percentile
from tests.bench.usage import ended
from tests.outside.program import PROGRAM
from tests.servers.etcd_cluster import EtcdCluster

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


def test_members_that_change_all_the_time(tmp_path: Path) -> None:
    with EtcdCluster() as cluster:
        got = members_load(etcd_config(cluster, tmp_path / "c.toml"), cluster, 3_000, 100, 6)
    assert got.lost == 0
    assert percentile(got.cells, 0.5) < 1.0
    assert percentile(got.keys, 0.5) < 0.5
    assert got.grown < 20e6
    assert got.busy < 0.9


def test_lines_come_faster_than_anybody_reads(tmp_path: Path) -> None:
    got = logs_load(tmp_path, 50_000, 7)
    assert got.dropped > 0
    assert got.kept + got.dropped == got.written
    assert percentile(got.delays, 0.5) < 1.5
    assert percentile(got.keys, 0.5) < 0.5


def test_a_crowd_of_processes_costs_little(tmp_path: Path) -> None:
    with crowd(1_000):
        assert shares_of_a_core({"midwatch": ours(tmp_path / "c.toml")}, 6, tmp_path)["midwatch"] < 0.15


def test_grep_is_of_the_speed_of_grep(tmp_path: Path) -> None:
    log = tmp_path / "big.log"
    words = big_log(log, 256 << 20)
    for pattern in (WORD, REGEX):
        began = ended()
        found = subprocess.run([PROGRAM, "logs", str(log), "--grep", pattern], capture_output=True, check=True)
        ours_took, began = ended() - began, ended()
        grep = subprocess.run(["grep", "-cE", pattern, log], capture_output=True, check=True)
        assert found.stdout.count(b"\n") == int(grep.stdout) == words
        # Python's own start is in it, which a gigabyte would hide.
        assert ours_took < 0.6 + 3 * (ended() - began)
