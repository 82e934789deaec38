"""Prometheus: scrapes the workers, the etcd members, node-exporter and itself, and alarms when one is down."""

from __future__ import annotations

import json
from typing import Any

from tui.demo.getting import Program
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

PROMETHEUS = Program("prometheus", ("prometheus",))

SCRAPE, EVALUATE = "2s", "1s"
"""Short, so that a crash is an alert within 5 s."""
ASKED = 'path!~"/metrics|/debug/vars"'
"""What users ask for, and not who watches."""
ERRORS = f'sum by (job) (rate(http_requests_total{{code=~"5..",{ASKED}}}[30s]))'
REQUESTS = f"sum by (job) (rate(http_requests_total{{{ASKED}}}[30s]))"
BUCKETS = "sum by (job, le) (rate(http_request_duration_seconds_bucket[30s]))"

RULES: tuple[dict[str, Any], ...] = (
    {
        "alert": "InstanceDown",
        "expr": "up == 0",
        "for": "2s",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "{{ $labels.instance }} does not answer",
            "description": "Prometheus could not scrape {{ $labels.instance }} of {{ $labels.job }} for 2 s: it "
            "crashed, hangs, or is cut off. Its log and its unit say which.",
        },
    },
    {
        "alert": "HighErrorRate",
        "expr": f"{ERRORS} / {REQUESTS} > 0.1",
        "for": "5s",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail",
            "description": "More than 10 % of the answers in 30 s were 5xx. Look at the errors in its log first.",
        },
    },
    {
        "alert": "EtcdHasNoLeader",
        "expr": "etcd_server_has_leader == 0",
        "for": "1s",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ $labels.instance }} has no leader: it takes no writes"},
    },
)

LIMITS = {"errors": 10}
"""Thresholds of charts: that of the rule for the same."""
PAGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "services": (
        ("requests/s", REQUESTS, "req/s"),
        ("errors", f"100 * {ERRORS} / {REQUESTS}", "%"),
        ("p95 latency", f"histogram_quantile(0.95, {BUCKETS})", "s"),
        ("instances up", 'sum by (job) (up{job=~"web|checkout|search"})', ""),
    ),
    "machine": (
        ("cpu", '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[30s])))', "%"),
        ("memory available", "node_memory_MemAvailable_bytes", "bytes"),
        ("load", "node_load1", ""),
        ("etcd commits/s", "rate(etcd_server_proposals_committed_total[30s])", "1/s"),
    ),
}
"""Title, query and unit of each chart, by page."""


class DemoPrometheus:
    name = "prometheus"
    programs = (PROMETHEUS,)

    def __init__(self) -> None:
        self._address = ""

    def plan(self, scene: Scene) -> list[Start]:
        program = scene.program(PROMETHEUS)
        self._address = f"127.0.0.1:{free_ports(1)[0]}"
        folder = scene.folder / "prometheus"
        folder.mkdir(exist_ok=True)
        config, rules = folder / "prometheus.json", folder / "rules.json"
        # JSON is YAML too, and quotes whatever a folder may be called.
        config.write_text(json.dumps(self._config(scene)))
        rules.write_text(json.dumps({"groups": [{"name": "demo", "interval": EVALUATE, "rules": RULES}]}))
        return [
            Start(
                part=Part("prometheus", self._address, f"http://{self._address}/-/ready"),
                argv=(
                    program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder}/data",
                    "--storage.tsdb.retention.time=6h",
                    f"--web.listen-address={self._address}",
                    "--log.level=warn",
                ),
                patience=2.0,
            )
        ]

    def abandon(self, scene: Scene) -> None:
        self._address = ""

    def config(self, scene: Scene) -> list[Snippet]:
        text = [f"[context.demo.prometheus.main]\nurl = {json.dumps(f'http://{self._address}')}\n"]
        for page, panels in PAGES.items():
            text.append(f"[[context.demo.page]]\ntitle = {json.dumps(page)}\n")
            for title, query, unit in panels:
                keys = {"title": title, "query": query, "unit": unit}
                lines = (f"{key} = {json.dumps(value)}\n" for key, value in keys.items() if value)
                limit = f"threshold = {LIMITS[title]}\n" if title in LIMITS else ""
                text.append("[[context.demo.page.panel]]\n" + "".join(lines) + limit)
        return [Snippet("prometheus", "\n".join(text))]

    def _config(self, scene: Scene) -> dict[str, Any]:
        jobs = {
            **{
                service: {f"{service}-{number}": address for number, address in enumerate(addresses, start=1)}
                for service, addresses in scene.services.items()
            },
            "etcd": {f"m{i}": address for i, address in enumerate(scene.etcd)},
            **scene.exporters,
            "prometheus": {"main": self._address},
        }
        return {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": EVALUATE},
            "rule_files": ["rules.json"],
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [
                        {"targets": [address], "labels": {"instance": instance}}
                        for instance, address in addresses.items()
                    ],
                }
                for job, addresses in jobs.items()
                if addresses
            ],
        }
