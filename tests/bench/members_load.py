"""Thousands of members in a watched etcd group that change all the time, and what the screen makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.etcd_load import name
from tests.bench.stamped import Stamped
from tests.bench.usage import usage
from tests.servers.etcd_cluster import EtcdCluster

VISIBLE = 20
SETTLED = 1 / 3
"""The share of a run after which memory shall be flat."""


class MembersLoaded(NamedTuple):
    """Seconds from put to cell and from key to paint, bytes grown after the first part, share of a core."""

    cells: list[float]
    lost: int
    keys: list[float]
    grown: int
    busy: float


def etcd_config(cluster: EtcdCluster, path: Path) -> str:
    endpoints = ", ".join(f'"{endpoint}"' for endpoint in cluster.endpoints)
    path.write_text(
        f'[context.bench.etcd.main]\nendpoints = [{endpoints}]\ngroups = {{ web = "/services/web/" }}\n'
    )
    return str(path)


def loader(cluster: EtcdCluster, members: int, rate: int, seconds: float) -> subprocess.Popen[str]:
    """The process that changes them, once it has made them."""
    argv = [sys.executable, "-m", "tests.bench.etcd_load", str(members), str(rate), str(seconds), str(VISIBLE)]
    process = subprocess.Popen(
        [*argv, *cluster.endpoints], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def puts_of(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdout is not None
    puts: dict[str, float] = json.loads(process.stdout.readline())
    process.wait()
    return puts


def members_load(config: str, cluster: EtcdCluster, members: int, rate: int, seconds: float) -> MembersLoaded:
    load = loader(cluster, members, rate, seconds)
    try:
        with Stamped("--config", config, "-c", "members") as board:
            board.until(name(3))
            board.read(2)
            # Past the servers' own rows.
            board.send("j" * len(cluster.servers))
            board.read(0.5)
            go(load)
            began, keys, settled = time.monotonic(), list[float](), 0
            before = usage(board.process.pid)
            row = 0
            while (spent := time.monotonic() - began) < seconds:
                if spent >= seconds * SETTLED and not settled:
                    settled = usage(board.process.pid).rss
                # Down ten rows and up again, each paint known by the name of its row.
                down = len(keys) % 20 < 10
                row += 1 if down else -1
                keys.append(board.answer("j" if down else "k", f"\x1b[7m  {name(row)} ".encode()))
                time.sleep(0.11 + 0.013 * (len(keys) % 7))
            after = usage(board.process.pid)
            puts = puts_of(load)
            time.sleep(1)
            seen = [(board.when(address.encode(), at), at) for address, at in puts.items()]
            cells = [came - at for came, at in seen if came is not None]
            busy = (after.cpu - before.cpu) / spent
            return MembersLoaded(cells, len(seen) - len(cells), keys, after.rss - settled, busy)
    finally:
        end(load)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
