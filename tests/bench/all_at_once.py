"""Members, processes, logs and charts at once, one screen after the other, and what is left of it afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.charted import chart_tables, charted
from tests.bench.logs_load import FOOTER, PROMPT
from tests.bench.members_load import end, go, loader
from tests.bench.stamped import Stamped
from tests.bench.usage import files, threads, usage
from tests.servers.etcd_cluster import EtcdCluster

SCREENS = ("members", "processes", "logs", "metrics", "overview", "events")
LINGER = 13.0
"""Seconds after its last viewer in which a feed ends, and some for its threads."""


class Everything(NamedTuple):
    """Seconds from key to paint; share of a core; threads and open files once every view was open and closed
    again, and after all those that were closed since."""

    keys: list[float]
    busy: float
    threads: tuple[int, int]
    files: tuple[int, int]


def everything(folder: Path, members: int, rate: int, lines: int, seconds: float) -> Everything:
    logs = [folder / f"web-{number}.log" for number in range(4)]
    for log in logs:
        log.touch()
    with EtcdCluster() as cluster, charted(folder) as (server, _):
        config = folder / "all.toml"
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in cluster.endpoints)
        config.write_text(
            f'[context.bench.etcd.main]\nendpoints = [{endpoints}]\ngroups = {{ web = "/services/web/" }}\n'
            f'[context.bench.files.web]\npaths = ["{folder}/web-*.log"]\n{chart_tables(server.url)}'
        )
        changing = loader(cluster, members, rate, seconds + 60)
        argv = [sys.executable, "-m", "tests.bench.load_writer", str(lines), str(seconds + 60), *map(str, logs)]
        writing = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            go(changing)
            with Stamped("--config", str(config)) as board:
                board.shown(b"all live", 0.0)
                # The first visit makes what is made once and kept: pools of connections, files of our own.
                for screen in SCREENS:
                    board.send(f":{screen}\r")
                    time.sleep(2)
                board.send(":overview\r")
                time.sleep(LINGER)
                pid = board.process.pid
                before = threads(pid), files(pid)
                began, cpu, keys = time.monotonic(), usage(pid).cpu, list[float]()
                while (spent := time.monotonic() - began) < seconds:
                    screen = SCREENS[len(keys) // 8 % len(SCREENS)]
                    keys.append(board.answer(":", PROMPT))
                    if len(keys) % 8 == 1:
                        board.send(f"{screen}\r")
                        time.sleep(1)
                    else:
                        time.sleep(0.1)
                        board.answer("\x1b", FOOTER)
                    time.sleep(0.1 + 0.013 * (len(keys) % 7))
                busy = (usage(pid).cpu - cpu) / spent
                board.send(":overview\r")
                time.sleep(LINGER)
                return Everything(keys, busy, (before[0], threads(pid)), (before[1], files(pid)))
        finally:
            writing.kill()
            writing.communicate()
            end(changing)
