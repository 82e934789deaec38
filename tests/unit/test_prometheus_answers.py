"""What a Prometheus answers, without one: hostile text stays data, keys last, secrets stay hidden."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.alerts import Alert, AlertState
from backends.api.errors import BackendError, BadReply
from backends.api.metrics import TargetState
from backends.api.readings import FeedKey, Reading, State
from backends.api.settings import SecretRef
from backends.config.settings_files import rooted
from backends.config.typed import typed
from backends.incident.problems import Now, problems
from backends.masking import masked
from backends.metrics.prometheus_access import PrometheusSettings
from backends.metrics.prometheus_answers import (
    active_alerts,
    active_targets,
    alert_rows,
    fingerprint,
    moment,
    series,
    target_rows,
)
from backends.metrics.prometheus_rows import command_for, raw_alert, selector
from backends.metrics.prometheus_trouble import refusal
from tui.kinds.alerts import ALERTS
from tui.kinds.targets import TARGETS
from tui.verbs.printing import to_json
from widgets.freshness import Sight

EVIL = 'a\x1b]0;owned\x07\x1b[2J\r\nb\u202ec [red]d[/] "e" \\ {{f}}'
SIGHT = Sight(now=0.0, wall=datetime(2026, 11, 25, tzinfo=UTC))


def alerts(*found: dict[str, Any]) -> dict[str, Alert]:
    data = json.dumps({"alerts": found}).encode()
    return alert_rows(active_alerts(data, "here"), "prometheus/main", {})


def alert(state: str = "firing", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": "A", **labels}, "annotations": {}, "state": state, "value": "1e+00"}


def test_hostile_labels_and_annotations_stay_data() -> None:
    found = alert(instance=EVIL) | {"annotations": {"summary": EVIL, EVIL: EVIL}}
    (row,) = alerts(found).values()
    assert row.labels["instance"] == EVIL
    assert "\n" not in row.summary
    printed = to_json(ALERTS.json(row))
    assert printed.isascii()
    assert json.loads(printed)["annotations"][EVIL] == EVIL
    access = PrometheusSettings().access()
    for word in command_for(row, access) or ():
        assert word.isprintable()
    (problem,) = problems(
        {FeedKey("prometheus/main", "alerts"): reading({row.key: row})}, [], {}, [], Now(0.0, SIGHT.wall)
    )
    assert problem.name == "A"


def reading(rows: dict[str, Alert]) -> Any:
    return Reading(State.LIVE, rows, 0.0, SIGHT.wall)


@given(labels=st.dictionaries(st.text(), st.text()))
def test_a_selector_is_printable_and_the_key_lasts(labels: dict[str, str]) -> None:
    assert selector(labels).isprintable()
    assert fingerprint(labels) == fingerprint(dict(reversed(labels.items())))


def test_two_rules_with_equal_labels_are_two_rows_and_unchanged_ones_are_the_same_objects() -> None:
    first = alerts(alert(), alert("pending"), alert(instance="x"))
    assert len(first) == 3
    assert all(row.key == key for key, row in first.items())
    data = json.dumps({"alerts": [alert(), alert("pending"), alert("pending", instance="x")]}).encode()
    again = alert_rows(active_alerts(data, "here"), "prometheus/main", first)
    same = [key for key in first if again[key] is first[key]]
    assert len(same) == 2
    assert {row.state for row in again.values()} == {AlertState.FIRING, AlertState.PENDING}


def target(health: str, scraped: str, error: str = "", url: str = "http://u:secret@h/m") -> bytes:
    one = {"labels": {"job": "web", "instance": "w1"}, "scrapePool": "web", "health": health}
    one |= {"scrapeUrl": url, "lastError": error, "lastScrape": scraped}
    return json.dumps({"activeTargets": [one]}).encode()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://10.0.0.5:9100/metrics", "10.0.0.5:9100"),
        ("https://u:secret@web-1/metrics", "web-1:443"),
        ("http://[fe80::1]:80/", "[fe80::1]:80"),
        ("http://h:nonsense/", None),
        ("http://[h/", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_target_knows_where_it_is_scraped(url: str, address: str | None) -> None:
    (row,) = target_rows(active_targets(target("up", "", url=url), "here"), "p/m", {}).values()
    assert row.address == address


def test_a_target_knows_since_when_it_is_down() -> None:
    never, first, second = "0001-01-01T00:00:00Z", "2026-11-25T02:00:00.123456789Z", "2026-11-25T02:00:02+01:00"
    rows = target_rows(active_targets(target("unknown", never), "here"), "p/m", {})
    (row,) = rows.values()
    assert (row.state, row.last_scrape, row.error) == (TargetState.UNKNOWN, None, None)
    down = target("down", first, 'Get "http://u:secret@h/m": context deadline exceeded')
    rows = target_rows(active_targets(down, "here"), "p/m", rows)
    (row,) = rows.values()
    assert row.since == datetime(2026, 11, 25, 2, 0, 0, 123456, UTC)
    assert row.error == "context deadline exceeded"
    rows = target_rows(active_targets(target("down", second), "here"), "p/m", rows)
    (later,) = rows.values()
    assert (later.since, later.last_scrape) == (row.since, datetime(2026, 11, 25, 1, 0, 2, tzinfo=UTC))
    assert "secret" not in repr(later)
    facts = dict(TARGETS.facts(later, SIGHT))
    assert facts["scraped at"] == "http://u:***@h/m"
    rows = target_rows(active_targets(target("jolly", second), "here"), "p/m", rows)
    assert next(iter(rows.values())).state is TargetState.UNKNOWN


@pytest.mark.parametrize("text", ["", "never", "2026-11-25", "2026-11-25T02:00:00", "0001-01-01T00:00:00Z", None])
def test_moments_that_are_none(text: str | None) -> None:
    assert moment(text) is None


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_anything_but_our_errors(data: bytes) -> None:
    for call in (
        lambda: series(data, "here", instant=True),
        lambda: active_targets(data, "here"),
        lambda: active_alerts(data, "here"),
        lambda: raw_alert(Alert("k", "s", "n", AlertState.FIRING), data, "here"),
    ):
        try:
            call()
        except BackendError:
            continue
    assert isinstance(refusal(418, {}, data, PrometheusSettings().access()), BackendError)


@pytest.mark.parametrize(
    "result",
    ['"vector","result":[{"metric":{},"value":[1,"1_"]}]', '"vector","result":3', '"scalar","result":[1]', '"x"'],
)
def test_answers_that_make_no_sense(result: str) -> None:
    with pytest.raises(BadReply):
        series(f'{{"resultType":{result}}}'.encode(), "here", instant=True)


def test_secrets_in_headers_are_hidden_and_their_files_found() -> None:
    table = {
        "url": "http://u:hunter2@h:9090/p",
        "token": "t0k",
        "ca": "ca.pem",
        "headers": {"X-Plain": "hidden-too", "X-File": {"file": "key"}},
    }
    settings = typed(rooted(table, Path("/etc/midwatch")), PrometheusSettings)
    assert isinstance(settings, PrometheusSettings)
    assert settings.ca == "/etc/midwatch/ca.pem"
    assert settings.headers["X-File"] == SecretRef(file="/etc/midwatch/key")
    shown = masked(settings)
    assert shown["url"] == "http://u:***@h:9090/p"
    assert shown["token"] == "***"
    assert shown["headers"] == {"X-Plain": "***", "X-File": {"file": "/etc/midwatch/key"}}
    assert "hunter2" not in repr(settings.access())


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("http://[::1]:9090/", "http://[::1]:9090"),
        ("https://h/a/b//", "https://h/a/b"),
        ("http://u:p%40@h", "http://h"),
    ],
)
def test_the_base_of_a_url(url: str, base: str) -> None:
    assert PrometheusSettings(url=url).access().base == base


@pytest.mark.parametrize("url", ["ftp://h", "http://", "http://h:port", "http://h/?a=b", "http://u:p@h:9/x#y"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(BackendError, match="no url") as caught:
        PrometheusSettings(url=url).access()
    assert "p@" not in str(caught.value)
