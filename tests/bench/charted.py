"""A Prometheus that scrapes itself, and a context with a page of twelve charts over five minutes."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.servers.prometheus_server import PrometheusServer

CHARTS, SERIES = 12, 8
ROOMY = (200, 80)
"""A terminal that has room for all twelve."""
ANSWERED = re.compile(
    r'^prometheus_http_response_size_bytes_(sum|count)\{handler="/api/v1/query_range"\} (\S+)$', re.M
)


class Answered(NamedTuple):
    """What the server says it has answered to queries of a range: bytes, and how many."""

    size: float
    number: float


@contextmanager
def charted(folder: Path) -> Iterator[tuple[PrometheusServer, str]]:
    with PrometheusServer() as server:
        (server.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n"
            f'  - {{job_name: prometheus, static_configs: [{{targets: ["{server.address}"]}}]}}\n'
        )
        server.reload("")
        server.knows("prometheus_http_requests_total")
        path = folder / "charts.toml"
        path.write_text(f"[context.bench]\n{chart_tables(server.url)}")
        yield server, str(path)


def chart_tables(url: str) -> str:
    source = f'[context.bench.prometheus.main]\nurl = "{url}"\n[[context.bench.page]]\ntitle = "all"\n'
    # Of the clock alone: whole from the first second of the server on, whatever the range.
    panels = (
        f"[[context.bench.page.panel]]\ntitle = \"chart{number:02}\"\nquery = '{_query(number)}'\n"
        for number in range(CHARTS)
    )
    return source + "".join(panels)


def _query(number: int) -> str:
    series = (
        f'label_replace(vector(time() % {60 + 7 * at + number}), "handler", "/api/v{at}", "", "")'
        for at in range(SERIES)
    )
    return " or ".join(series)


def answered(server: PrometheusServer) -> Answered:
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        found = dict(ANSWERED.findall(answer.read().decode()))
    return Answered(float(found.get("sum", 0)), float(found.get("count", 0)))
