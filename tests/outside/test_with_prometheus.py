"""The program against a real Prometheus: what it prints, and how it ends when there is nothing to print."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.outside.program import run, run_within
from tests.outside.pty_program import Dashboard
from tests.servers.prometheus_server import PrometheusServer

pytestmark = pytest.mark.server

RULES = """
      - {record: mw_ramp, expr: "vector(time())", labels: {instance: a, evil: "\\e]0;owned\\a\\u202e"}}
      - {record: mw_ramp, expr: "vector(1) / 0", labels: {instance: b}}
      - {record: mw_ramp, expr: "vector(0) / 0", labels: {instance: c}}
      - alert: Evil
        expr: vector(1)
        labels: {severity: critical, instance: web-3}
        annotations: {summary: "\\e[2J\\e]0;owned\\a is down", description: "two\\nlines"}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(rules=RULES, jobs={"dead": ["127.0.0.1:1"]}) as made:
        made.knows("ALERTS")
        until = time.monotonic() + 20
        while not made.ask("targets")["activeTargets"] and time.monotonic() < until:
            time.sleep(0.05)
        made.knows("up")
        yield made


@pytest.fixture
def config(server: PrometheusServer, tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(f'[context.lab]\nlocal = false\n[context.lab.prometheus.main]\nurl = "{server.url}"\n')
    return str(path)


def test_query(config: str) -> None:
    began = datetime.now(UTC)
    ran = run("query", 'mw_ramp{instance!="a"}', "-o", "json", "--config", config)
    assert (ran.status, ran.err) == (0, "")
    document = ran.document
    assert list(document) == ["kind", "context", "readings", "items"]
    assert (document["kind"], document["context"]) == ("query", "lab")
    (reading,) = document["readings"]
    assert list(reading) == ["source", "state", "as_of", "error"]
    assert (reading["source"], reading["state"], reading["error"]) == ("prometheus/main", "live", None)
    # As fine as every other time: none is before the question.
    assert began <= datetime.fromisoformat(reading["as_of"]) <= datetime.now(UTC)
    items = document["items"]
    assert [list(item) for item in items] == [["labels", "value", "time"]] * 2
    assert [(item["labels"]["instance"], item["value"]) for item in items] == [("b", "+Inf"), ("c", "NaN")]
    assert datetime.fromisoformat(items[0]["time"]).tzinfo is not None


def test_a_selector_of_several_metrics(config: str, server: PrometheusServer) -> None:
    """Series that differ in their names alone, each with the time of its own sample."""
    asked = time.time()
    for query in ('{job="dead"}', ' {__name__=~"up|scrape_duration_seconds", job = "dead"} '):
        ran = run("query", query, "-o", "jsonl", "--config", config)
        assert (ran.status, ran.err) == (0, "")
        times = {item["labels"]["__name__"]: item["time"] for item in ran.items}
        assert {"up", "scrape_duration_seconds"} <= set(times)
        for name in ("up", "scrape_duration_seconds"):
            own = server.ask("query", query=f'timestamp({name}{{job="dead"}})')["result"][0]["value"][1]
            told = datetime.fromisoformat(times[name]).timestamp()
            assert told <= float(own) + 0.002
            assert told == pytest.approx(float(own), abs=3 + time.time() - asked)
    assert run("query", '{job="dead"}', "--config", config).status == 0


def test_what_is_computed_of_selectors_has_the_time_of_the_question(config: str) -> None:
    (item,) = run(
        "query", 'mw_ramp{instance="a"} - mw_ramp{instance="a"}', "-o", "jsonl", "--config", config
    ).items
    assert item["value"] == 0
    assert time.time() - datetime.fromisoformat(item["time"]).timestamp() < 5


def test_query_over_a_range(config: str, server: PrometheusServer) -> None:
    server.knows('count_over_time(mw_ramp{instance="a"}[10s]) > 2')
    words = ("query", 'mw_ramp{instance="a"}', "--range", "4s", "--step", "1s", "--config", config)
    (item,) = run(*words, "-o", "jsonl").items
    assert list(item) == ["labels", "values"]
    assert {right[0] - left[0] for left, right in zip(item["values"], item["values"][1:], strict=False)} == {1.0}
    table = run(*words).out.splitlines()
    assert table[0].split() == ["LAST", "MIN", "MAX", "POINTS", "SPAN", "NAME", "EVIL", "INSTANCE"]


def test_tables_line_up_and_nothing_acts_on_the_terminal(config: str) -> None:
    printed = [run(*words, "--config", config) for words in (("query", "mw_ramp"), ("alerts",), ("targets",))]
    for ran in printed:
        assert (ran.status, ran.err) == (0, "")
        assert "\x1b" not in ran.out
        assert "\x07" not in ran.out
    lines, alerts, targets = (ran.out.splitlines() for ran in printed)
    assert lines[0].split() == ["VALUE", "NAME", "EVIL", "INSTANCE"]
    assert len({line.index("mw_ramp") for line in lines[1:]}) == 1
    assert {line.split()[0] for line in lines[2:]} == {"+Inf", "NaN"}
    assert alerts[0].split() == ["NAME", "STATE", "SEVERITY", "SINCE", "ON", "SOURCE", "SUMMARY"]
    assert alerts[1].endswith("is down")
    assert "connection refused" in targets[1]


def test_alerts_and_targets_as_json(config: str) -> None:
    (alert,) = run("alerts", "-o", "jsonl", "--config", config).items
    assert list(alert) == ["name", "state", "severity", "since", "labels", "annotations", "source"]
    assert (alert["name"], alert["state"], alert["severity"]) == ("Evil", "firing", "critical")
    assert alert["annotations"]["description"] == "two\nlines"
    assert datetime.fromisoformat(alert["since"]).tzinfo is not None
    (target,) = run("targets", "-o", "json", "--config", config).document["items"]
    assert list(target) == ["job", "instance", "state", "last_scrape", "error", "source"]
    assert (target["job"], target["state"]) == ("dead", "down")
    assert "connection refused" in target["error"]


def test_a_wrong_query_is_said_in_the_server_s_words(config: str) -> None:
    ran = run("query", "mw_ramp{", "--config", config)
    assert (ran.status, ran.out) == (2, "")
    assert "1:9: parse error: unexpected end of input inside braces" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    empty = run("query", "nothing_such", "--config", config)
    assert empty.status == 0
    assert "no series" in empty.out


def test_several_servers(server: PrometheusServer, tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(
        f'[context.lab]\nlocal = false\n[context.lab.prometheus.main]\nurl = "{server.url}"\n'
        '[context.lab.prometheus.gone]\nurl = "http://u:hunter2@127.0.0.1:1/p"\n'
    )
    config = ("--config", str(path))
    ran = run("query", "1", *config)
    assert ran.status == 2
    assert "--source with one of prometheus/main, prometheus/gone" in ran.err
    assert run("query", "1", "--source", "main", *config).status == 0
    assert run("alerts", "--source", "prometheus/main", *config).status == 0
    for words in (("query", "1"), ("targets",)):
        gone = run(*words, "--source", "gone", *config)
        assert gone.status == 3
        assert "prometheus/gone: http://127.0.0.1:1/p: connection refused" in gone.err
        assert len(gone.err.strip().splitlines()) == 1
    both = run("targets", "-o", "json", *config)
    assert both.status == 3
    assert [item["source"] for item in both.document["items"]] == ["prometheus/main"]
    assert {one["source"]: one["state"] for one in both.document["readings"]} == {
        "prometheus/main": "live",
        "prometheus/gone": "unreachable",
    }
    for verb in (["config", "show"], ["doctor"]):
        shown = run(*verb, *config)
        assert "hunter2" not in shown.out + shown.err


def test_a_frozen_server_holds_nothing_up(server: PrometheusServer, config: str) -> None:
    server.freeze()
    try:
        for words in (("query", "1"), ("alerts",), ("doctor",)):
            ran = run_within(4, *words, "--timeout", "1", "--config", config)
            assert ran.status == 3
            assert "no answer" in ran.err + ran.out
            assert server.url in ran.err + ran.out
        failed = run("query", "1", "--timeout", "1", "-o", "json", "--config", config)
        assert failed.document["items"] == []
        assert failed.document["readings"][0]["state"] == "unreachable"
    finally:
        server.thaw()


def test_what_the_environment_names_is_a_source() -> None:
    ran = run("targets", env={"PROMETHEUS_URL": "http://u:hunter2@127.0.0.1:1"})
    assert ran.status == 3
    assert "prometheus/main: http://127.0.0.1:1: connection refused" in ran.err
    assert "hunter2" not in ran.err + ran.out
    bad = run("targets", env={"PROMETHEUS_URL": "ftp://u:hunter2@x"})
    assert bad.status == 3
    assert "no url of a server" in bad.err
    assert "hunter2" not in bad.err


def test_the_dashboard_shows_them_and_says_when_the_server_is_frozen(
    server: PrometheusServer, config: str
) -> None:
    with Dashboard("--config", config, "-c", "alerts", size=(80, 24)) as board:
        board.until("Evil")
        board.until("firing")
        server.freeze()
        try:
            began = time.monotonic()
            board.until("unreachable", 10)
            assert time.monotonic() - began < 9
            assert "Evil" in board.text
        finally:
            server.thaw()
        board.until(lambda: "unreachable" not in board.text, 15)
