"""Start and end: as multiples of what Python, Textual, a client library or grep itself cost, pair by pair."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.big_log import REGEX, WORD, big_log
from tests.bench.demo import Demo
from tests.bench.figures import Figures
from tests.bench.members_load import etcd_config
from tests.bench.stamped import Stamped
from tests.bench.starting import BARE, PASS, paired, start, whole
from tests.outside.program import PROGRAM
from tests.servers.etcd_cluster import EtcdCluster
from tests.waiting import wait_until

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

RUNS = 15
SIZE = 1 << 30
"""Of less the start of Python would be most of what is measured."""


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_flags_that_need_nothing(flag: str, figures: Figures) -> None:
    ours, peer, ratio = paired(RUNS, lambda: whole(PROGRAM, flag), lambda: whole(*PASS))
    figures.against(f"midwatch {flag}", ours * 1000, ("python -c pass", peer * 1000), "ms", most=3, ratio=ratio)


def test_processes_without_a_screen(figures: Figures) -> None:
    ours, peer, ratio = paired(RUNS, lambda: whole(PROGRAM, "processes"), lambda: whole(*PASS))
    what = "midwatch processes"
    figures.against(what, ours * 1000, ("python -c pass", peer * 1000), "ms", most=6, ratio=ratio)


def test_members_without_a_screen(tmp_path: Path, figures: Figures) -> None:
    imports = (sys.executable, "-c", "import asyncio, aetcd")
    with EtcdCluster() as cluster:
        words = (PROGRAM, "--config", etcd_config(cluster, tmp_path / "config.toml"), "members")
        # They listen before they have a leader.
        wait_until(lambda: subprocess.run(words, capture_output=True, check=False).returncode == 0)
        ours, peer, ratio = paired(RUNS, lambda: whole(*words), lambda: whole(*imports))
    what = "midwatch members, three etcd nodes"
    figures.against(what, ours * 1000, ("import asyncio, aetcd", peer * 1000), "ms", most=2, ratio=ratio)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    path = tmp_path_factory.mktemp("log") / "big.log"
    yield path, big_log(path, SIZE)
    path.unlink()


@pytest.mark.parametrize(("pattern", "flag", "most"), [(WORD, "-c", 2.0), (REGEX, "-cE", 1 / 0.3)])
def test_grep(log: tuple[Path, int], pattern: str, flag: str, most: float, figures: Figures) -> None:
    path, words = log
    found = subprocess.run(
        [PROGRAM, "logs", str(path), "--grep", pattern], capture_output=True, text=True, check=True
    )
    assert found.stdout.count("\n") == words
    ours, peer, ratio = paired(
        5,
        lambda: whole(PROGRAM, "logs", str(path), "--grep", pattern),
        lambda: whole("grep", flag, pattern, str(path)),
    )
    size = f"{path.stat().st_size / 1e9:.2g} GB"
    what = f"midwatch logs FILE --grep, {'a word' if flag == '-c' else 'a regex'}, {size}"
    figures.against(what, ours * 1000, (f"grep {flag}", peer * 1000), "ms", most=round(most, 2), ratio=ratio)


def test_start_of_the_dashboard(demo: Demo, figures: Figures) -> None:
    bare, skeleton, frame, rows = list[float](), list[float](), list[float](), list[float]()
    for _ in range(RUNS):
        bare.append(start([], "row8", program=list(BARE))[0])
        # The skeleton names every source; the footer is the last line of the app's own frame; who leads is known
        # only from the server.
        times = start(["--config", demo.config], "etcd/main", "?\x1b[2m help", "leads")
        for column, moment in zip((skeleton, frame, rows), times, strict=True):
            column.append(moment)
    peer = ("a bare Textual app", statistics.median(bare) * 1000)
    for what, took, most in (("skeleton (context, mode, sources)", skeleton, 1.1), ("first rows", rows, 1.5)):
        ratio = statistics.median(ours / theirs for ours, theirs in zip(took, bare, strict=True))
        figures.against(f"{what}, the demo", statistics.median(took) * 1000, peer, "ms", most=most, ratio=ratio)
    figures.beside("the app's own first frame, the demo", statistics.median(frame) * 1000, "ms")


def test_something_true(demo: Demo, figures: Figures) -> None:
    """Against a Python that is started in the same way: the fork of whoever starts them is a part of either."""

    def python() -> float:
        began = time.monotonic()
        with Stamped(program=list(PASS)) as ended:
            ended.process.wait(5)
            return time.monotonic() - began

    ours, peer, ratio = paired(RUNS, lambda: start(["--config", demo.config], "etcd/main  loading")[0], python)
    what = "something true on the screen"
    figures.against(what, ours * 1000, ("python -c pass", peer * 1000), "ms", most=5, ratio=ratio)


def test_quit(demo: Demo, figures: Figures) -> None:
    times = []
    for _ in range(RUNS):
        with Stamped("--config", demo.config) as board:
            board.shown(b"leads", 0.0)
            # What is imported beside the first rows is not what quitting waits for.
            time.sleep(2)
            began = time.monotonic()
            board.send(":quit\r")
            board.process.wait(5)
            times.append(time.monotonic() - began)
    figures.bound("quit: from Enter to the end of the process", statistics.median(times) * 1000, "ms", 150)
