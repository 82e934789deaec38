"""Twelve charts that ask every two seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

from tests.bench.charted import CHARTS, ROOMY, answered, charted
from tests.bench.figures import Figures
from tests.bench.stamped import Stamped, percentile
from tests.bench.starting import BARE, start
from tests.servers.prometheus_server import PrometheusServer

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

RUNS = 15


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrometheusServer, str]]:
    with charted(tmp_path_factory.mktemp("charts")) as made:
        yield made


def test_key_to_paint_and_bytes(measured: tuple[PrometheusServer, str], quick: bool, figures: Figures) -> None:
    server, config = measured
    keys = []
    with Stamped("--config", config, "-c", "metrics", size=ROOMY) as board:
        board.until("chart11")
        board.until("LIVE")
        before = answered(server)
        board.send(":range 5m\r")
        board.until("5m → now")
        board.until(lambda: answered(server).number >= before.number + CHARTS)
        whole = answered(server)
        board.send("hhhh")
        board.until("at ")
        board.read(1)
        for number in range(60 if quick else 120):
            time.sleep(0.1 + 0.007 * (number % 5))
            # The cursor is drawn anew with each of its steps.
            keys.append(board.answer("h" if number % 2 else "l", "│".encode()))
        refreshed = answered(server)
    figures.bound(f"{CHARTS} charts each 2 s: key to paint, p95", percentile(keys, 0.95) * 1000, "ms", 60)
    first = (whole.size - before.size) / (whole.number - before.number)
    later = (refreshed.size - whole.size) / (refreshed.number - whole.number)
    figures.against(
        "bytes of a refresh of a chart", later / 1000, ("the whole range", first / 1000), "kB", most=0.15
    )


def test_enter_to_a_drawn_chart(measured: tuple[PrometheusServer, str], figures: Figures) -> None:
    delays = []
    with Stamped("--config", measured[1]) as board:
        board.until("VITAL SIGNS")
        for number in range(RUNS):
            board.read(0.5)
            board.send(f":query count(prometheus_http_requests_total) + {number}")
            board.until(f"+ {number}")
            delays.append(board.answer("\r", "┤".encode()))
            board.send("1")
            board.until("VITAL SIGNS")
    figures.bound("Enter to a drawn chart, p50", statistics.median(delays) * 1000, "ms", 250)


def test_start_to_first_chart(measured: tuple[PrometheusServer, str], figures: Figures) -> None:
    more = []
    for _ in range(RUNS):
        bare = start([], "row8", program=list(BARE))[0]
        more.append(start(["--config", measured[1], "-c", "metrics"], "┤")[0] - bare)
    figures.bound("start to the first chart, less that of a bare app", statistics.median(more), "s", 1.5)
