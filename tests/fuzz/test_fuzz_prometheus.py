"""What a Prometheus answers: any JSON is rows and series, or one of our errors."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api.errors import BackendError
from backends.metrics.prometheus_access import PrometheusSettings
from backends.metrics.prometheus_answers import (
    active_alerts,
    active_targets,
    alert_rows,
    moment,
    series,
    target_rows,
)
from backends.metrics.prometheus_trouble import refusal
from tests.fuzz.junk import bytes_like, json_like, numbers, texts
from tui.kinds.alerts import ALERTS
from tui.kinds.targets import TARGETS
from widgets.promql import complete, pointed_at

labels = st.dictionaries(texts, texts, max_size=4)
times = st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-02T00:00:00+23:59",
        "0002-01-01T00:00:00+14:00",
    ]
)
targets = st.fixed_dictionaries(
    {},
    optional={
        "labels": labels,
        "scrapePool": texts,
        "scrapeUrl": texts,
        "lastError": texts,
        "lastScrape": times | texts,
        "lastScrapeDuration": st.floats() | numbers,
        "health": texts | st.just("up"),
        "scrapeInterval": texts,
    },
)
alerts = st.fixed_dictionaries(
    {},
    optional={
        "labels": labels,
        "annotations": labels,
        "state": texts | st.just("firing"),
        "activeAt": times | texts,
        "value": texts | st.floats(),
    },
)
points = st.tuples(st.floats() | numbers, texts | st.floats(allow_nan=False) | st.none())
found = st.fixed_dictionaries(
    {"metric": labels}, optional={"value": points, "values": st.lists(points, max_size=3)}
)
KEYS = (
    "resultType",
    "result",
    "metric",
    "value",
    "values",
    "activeTargets",
    "alerts",
    "labels",
    "error",
    "errorType",
)
PIECES = (*(f'"{key}":'.encode() for key in KEYS), *(b"{", b"}", b"[", b"]", b'"vector"', b'"matrix"', b","))


def written(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@given(bytes_like(PIECES) | json_like(KEYS).map(written))
@settings(max_examples=300, deadline=None)
def test_no_answer_raises_anything_but_our_errors(data: bytes) -> None:
    for read in (
        lambda: series(data, "here", instant=True),
        lambda: series(data, "here", instant=False),
        lambda: active_targets(data, "here"),
        lambda: active_alerts(data, "here"),
    ):
        with suppress(BackendError):
            read()
    for status in (302, 400, 422, 503):
        assert isinstance(refusal(status, {}, data, PrometheusSettings().access()), BackendError)


def test_an_answer_that_is_nested_without_end_is_one_of_our_errors() -> None:
    for data in (b"[" * 100_000, b'{"alerts":' * 50_000, b'{"x":' * 50_000, b'{"result":' * 50_000):
        for read in (active_targets, active_alerts, partial(series, instant=True)):
            with pytest.raises(BackendError):
                read(data, "here")
        assert isinstance(refusal(400, {}, data, PrometheusSettings().access()), BackendError)


@given(st.lists(targets, max_size=4), st.lists(alerts, max_size=4))
@settings(max_examples=200, deadline=None)
def test_each_target_and_alert_is_a_row_whatever_it_says(many: list[object], more: list[object]) -> None:
    with suppress(BackendError):
        rows = target_rows(active_targets(written({"activeTargets": many}), "here"), "p/m", {})
        assert len(rows) == len(many)
        assert all(json.dumps(TARGETS.json(row)) for row in rows.values())
    with suppress(BackendError):
        firing = alert_rows(active_alerts(written({"alerts": more}), "here"), "p/m", {})
        assert len(firing) == len(more)
        assert all(json.dumps(ALERTS.json(row)) for row in firing.values())


@given(st.lists(found, max_size=3), st.sampled_from(["vector", "matrix", "scalar", "string"]))
@settings(max_examples=200, deadline=None)
def test_each_series_is_numbers(many: list[object], kind: str) -> None:
    data = written({"resultType": kind, "result": many})
    with suppress(BackendError):
        for one in series(data, "here", instant=False):
            assert len(one.points) <= 3


@given(times | texts | st.datetimes().map(str) | st.none())
def test_no_time_raises(text: str | None) -> None:
    found = moment(text)
    assert found is None or found.utcoffset() is not None


@given(texts, texts, numbers, numbers)
def test_a_caret_stands_below_the_query_wherever_the_server_points(
    query: str, words: str, row: int, column: int
) -> None:
    lines = pointed_at(query, f"{words}{row}:{column}: {words}")
    assert sum(map(len, lines)) < 20_000
    assert pointed_at(query, words)


@given(texts, st.lists(texts, max_size=5))
def test_completing_takes_any_names(text: str, names: list[str]) -> None:
    assert all(isinstance(offer, str) for offer in complete(text, names, names))
