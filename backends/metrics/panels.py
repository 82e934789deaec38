"""Panels and pages: which charts a context shows: those of its configuration, else what its metrics suggest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Set

from msgspec import Struct

from backends.api.capabilities import Metrics
from backends.api.charts import Panel
from backends.config.context import Context

REQUESTS = ("http_requests_total", "http_server_requests_seconds_count", "prometheus_http_requests_total")
"""Counters of requests, the most usual first; after them any whose name says so."""
STATUS = ("code", "status", "status_code")
"""Labels that hold an HTTP status."""

UNITS = {"s": "seconds", "%": "percent", "B": "bytes"}
"""How people write what charts know by a word."""
LOOKED = 120
"""Seconds over which scrapes are counted, to learn how often they come."""


class Page(Struct, frozen=True):
    """Charts that are looked at together; `source` answers them, "" for the only one that can."""

    title: str
    panels: tuple[Panel, ...]
    source: str = ""


def configured_pages(context: Context) -> tuple[Page, ...]:
    """`[[context.NAME.page]]`, which the configuration's reader has checked."""
    return tuple(
        Page(
            f"page {number}" if page.title is None else page.title,
            tuple(
                Panel(
                    panel.title or panel.query,
                    panel.query,
                    UNITS.get(panel.unit or "", panel.unit or ""),
                    panel.threshold,
                    panel.min,
                    panel.max,
                )
                for panel in page.panel
            ),
            page.source or "",
        )
        for number, page in enumerate(context.pages, 1)
    )


async def suggest(metrics: Metrics, source: str) -> tuple[Page, ...]:
    """Pages for what a server has now. Raises `BackendError`."""
    names, labels, scrapes = await asyncio.gather(
        metrics.names(), metrics.label_names(), metrics.query(f"max(count_over_time(up[{LOOKED}s]))")
    )
    often = max((point[1] for one in scrapes for point in one.points), default=1.0)
    window = max(60, round(4 * LOOKED / max(1.0, often)))
    pages = suggested_pages(frozenset(names), frozenset(labels), window)
    return tuple(Page(page.title, page.panels, source) for page in pages)


def suggested_pages(names: Set[str], labels: Set[str], window: int) -> tuple[Page, ...]:
    """Pages for what a server has, by the names of its metrics and labels. `window` is the seconds over which
    rates are taken: at least four scrapes, or there is none."""
    pages = (
        Page("services", tuple(_services(names, labels, window))),
        Page("hosts", tuple(_hosts(names, window))),
        Page("etcd", tuple(_etcd(names, window))),
    )
    return tuple(page for page in pages if page.panels)


def _services(names: Set[str], labels: Set[str], window: int) -> Iterator[Panel]:
    requests = _request_counter(names)
    status = next((label for label in STATUS if label in labels), None)
    if requests is not None:
        by = f"sum by ({status}) " if status else "sum"
        yield Panel("requests", f"{by}(rate({requests}[{window}s]))", "req/s")
    if requests is not None and status is not None:
        failed = f'sum(rate({requests}{{{status}=~"5.."}}[{window}s]))'
        yield Panel("errors", f"({failed} or vector(0)) / sum(rate({requests}[{window}s]))", "ratio")
    bucket = _duration_buckets(names)
    if bucket is not None:
        query = f"histogram_quantile(0.95, sum by (le) (rate({bucket}[{window}s])))"
        yield Panel("p95", query, "seconds")
    if "process_cpu_seconds_total" in names:
        yield Panel("cpu", f"100 * sum by (job) (rate(process_cpu_seconds_total[{window}s]))", "percent")
    if "process_resident_memory_bytes" in names:
        yield Panel("memory", "sum by (job) (process_resident_memory_bytes)", "bytes")
    if "up" in names:
        yield Panel("targets up", "sum by (job) (up)", low=0)


def _hosts(names: Set[str], window: int) -> Iterator[Panel]:
    if "node_load1" in names:
        yield Panel("load", "node_load1", low=0)
    if "node_cpu_seconds_total" in names:
        idle = f'rate(node_cpu_seconds_total{{mode="idle"}}[{window}s])'
        yield Panel("host cpu", f"100 * (1 - avg by (instance) ({idle}))", "percent", low=0, high=100)
    if {"node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"} <= names:
        query = "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"
        yield Panel("memory used", query, "percent", low=0, high=100)
    if {"node_filesystem_avail_bytes", "node_filesystem_size_bytes"} <= names:
        query = "100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)"
        yield Panel("disks used", query, "percent", low=0, high=100)


def _etcd(names: Set[str], window: int) -> Iterator[Panel]:
    if "etcd_server_has_leader" in names:
        yield Panel("has a leader", "etcd_server_has_leader", low=0, high=1)
    if "etcd_server_leader_changes_seen_total" in names:
        query = f"max(increase(etcd_server_leader_changes_seen_total[{window}s]))"
        yield Panel("leader changes", query, low=0)
    if "etcd_mvcc_db_total_size_in_bytes" in names:
        yield Panel("store", "etcd_mvcc_db_total_size_in_bytes", "bytes", low=0)
    if "etcd_disk_wal_fsync_duration_seconds_bucket" in names:
        rate = f"rate(etcd_disk_wal_fsync_duration_seconds_bucket[{window}s])"
        yield Panel("wal fsync p99", f"histogram_quantile(0.99, sum by (le, instance) ({rate}))", "seconds")
    if "etcd_server_proposals_committed_total" in names:
        query = f"rate(etcd_server_proposals_committed_total[{window}s])"
        yield Panel("proposals", query, "/s", low=0)


def _request_counter(names: Set[str]) -> str | None:
    known = [name for name in REQUESTS if name in names]
    alike = sorted(name for name in names if "http" in name and name.endswith("requests_total"))
    return next(iter([*known, *alike]), None)


def _duration_buckets(names: Set[str]) -> str | None:
    found = sorted(name for name in names if name.endswith("_duration_seconds_bucket"))
    return min(found, key=lambda name: (not name.startswith("http"), "request" not in name), default=None)
