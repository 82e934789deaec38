"""The program against a real cluster: rows, streams, and how long a frozen one may hold it up."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.program import PROGRAM, run, run_within
from tests.outside.pty_program import Dashboard
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.getting import program
from tui.demo.fetch import ETCDCTL

pytestmark = pytest.mark.server


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[EtcdCluster, str]]:
    with EtcdCluster() as made:
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in made.endpoints)
        config = tmp_path / "config.toml"
        config.write_text(
            f'[context.lab.etcd.main]\nendpoints = [{endpoints}]\ngroups = {{ web = "/services/web/" }}\n'
        )
        yield made, str(config)


def etcdctl(cluster: EtcdCluster, *words: str) -> None:
    argv = [program(ETCDCTL), f"--endpoints={','.join(cluster.endpoints)}", *words]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)


def test_members_and_groups(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    etcdctl(made, "get", "/services/web/w1")  # which needs a leader
    empty = run("members", "--group", "web", "--config", config)
    assert (empty.status, empty.err) == (0, "")
    assert "nobody is registered in web now; who was before is not known from here" in empty.out
    etcdctl(made, "put", "/services/web/w1", '{"address":"10.0.3.1:8080","version":"1.8.2"}')
    ran = run("members", "-o", "json", "--config", config)
    assert (ran.status, ran.err) == (0, "")
    items = ran.document["items"]
    assert [item["role"] for item in items].count("leader") == 1
    assert {item["name"] for item in items} == {"m0", "m1", "m2", "w1"}
    assert list(items[0]) == [
        *("name", "group", "source", "role", "state", "address", "version", "db_size", "db_in_use"),
        *("raft_term", "raft_index", "zxid", "lag", "connections", "latency_ms", "alarms"),
    ]
    grouped = run("members", "--group", "web", "-o", "jsonl", "--config", config).items
    assert [(item["name"], item["group"], item["address"]) for item in grouped] == [
        ("w1", "web", "10.0.3.1:8080")
    ]
    assert grouped[0]["db_size"] is None
    table = run("members", "--config", config)
    assert table.out.splitlines()[0].split()[:3] == ["NAME", "GROUP", "ROLE"]
    assert "\x1b" not in table.out


def test_a_frozen_cluster_holds_nothing_up_for_long(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    for server in made.servers:
        server.freeze()
    for verb in ("members", "doctor"):
        ran = run_within(3.5, verb, "--timeout", "2", "--config", config)
        assert ran.status == 3
        assert "Traceback" not in ran.err


def test_watch_prints_each_change_once_until_ctrl_c(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    words = [PROGRAM, "watch", "etcd/main", "/services/", "-o", "jsonl", "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "watching" in process.stderr.readline()
        etcdctl(made, "put", "/services/web/a", "one")
        etcdctl(made, "del", "/services/web/a")
        put, gone = (json.loads(process.stdout.readline()) for _ in range(2))
        assert list(put) == ["time", "kind", "key", "version", "modified", "value", "encoding"]
        assert (put["kind"], put["key"], put["value"], put["version"]) == ("put", "/services/web/a", "one", 1)
        assert (gone["kind"], gone["value"]) == ("delete", None)
        assert gone["modified"] == put["modified"] + 1
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert (rest, err) == ("", "")


def test_two_sources_of_one_cluster_see_one_event(cluster: tuple[EtcdCluster, str], tmp_path: Path) -> None:
    made, _ = cluster
    config = tmp_path / "two.toml"
    table = '[context.lab.etcd.{}]\nendpoints = {}\ngroups = {{ web = "/services/web/" }}\n'
    endpoints = json.dumps(made.endpoints)
    config.write_text("[context.lab]\nlocal = false\n" + "".join(table.format(n, endpoints) for n in "ab"))
    etcdctl(made, "put", "/services/web/early", "10.0.3.9:80")
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    words = [PROGRAM, "events", "--watch", "-o", "jsonl", "--config", str(config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out = process.stdout

        def read() -> None:
            for line in out:
                lines.put(line)

        reader = threading.Thread(target=read)
        reader.start()
        until = time.monotonic() + 20
        while lines.empty() and time.monotonic() < until:
            # Until both listen: what is there already is no event.
            etcdctl(made, "del", "/services/web/early")
            time.sleep(0.5)
            etcdctl(made, "put", "/services/web/early", "10.0.3.9:80")
        etcdctl(made, "put", "/services/web/w1", '{"address":"10.0.3.1:8080"}')
        etcdctl(made, "del", "/services/web/w1")
        time.sleep(1.0)
        leader = next(
            i for i in run("members", "-o", "jsonl", "--config", str(config)).items if i["role"] == "leader"
        )
        server = next(server for server in made.servers if server.name == leader["name"])
        server.kill()
        found = [json.loads(lines.get(timeout=20))]
        while found[-1]["kind"] != "leader" or not any(item["kind"] == "state" for item in found):
            found.append(json.loads(lines.get(timeout=20)))
        items = run("members", "-o", "jsonl", "--config", str(config)).items
        assert [item["role"] for item in items if item["name"] == leader["name"]] == [None, None]
        time.sleep(6)  # Whatever would be told a second time is told within five seconds.
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        reader.join()
        assert process.stderr.read() == ""
    while not lines.empty():
        found.append(json.loads(lines.get()))
    assert all(list(item) == ["time", "kind", "source", "target", "text", "witnesses"] for item in found)
    mine = [item for item in found if item["target"] == "web/w1"]
    assert [item["kind"] for item in mine] == ["joined", "left"]
    changed = [item for item in found if item["kind"] in ("leader", "state")]
    assert sorted(item["kind"] for item in changed) == ["leader", "state"]
    assert all(set(item["witnesses"]) == {"etcd/a", "etcd/b"} for item in (*mine, *changed))
    assert next(item["target"] for item in changed if item["kind"] == "state") == leader["name"]


def test_the_dashboard_tells_a_frozen_member_within_five_seconds(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    with Dashboard("--config", config, "-c", "members", size=(80, 24)) as board:
        board.until("leader")
        made.servers[2].freeze()
        began = time.monotonic()
        board.until("silent", 8)
        assert time.monotonic() - began < 5.5
        made.servers[2].thaw()
        board.until(lambda: "silent" not in board.text)
        for server in made.servers:
            server.kill()
        board.until("UNREACHABLE", 10)
        board.until("again in", 10)
        assert "m1" in board.text


def test_a_table_that_goes_on_says_when_its_rows_are_no_longer_true(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    words = [PROGRAM, "members", "--watch", "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        while "leader" not in process.stdout.readline():
            continue
        for server in made.servers:
            server.kill()
        while "unreachable" not in (line := process.stdout.readline()):
            assert line
        assert line.split()[0] in ("m0", "m1", "m2")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 130


def test_a_group_that_goes_on_says_until_when_somebody_was_in_it(cluster: tuple[EtcdCluster, str]) -> None:
    made, config = cluster
    etcdctl(made, "put", "/services/web/w1", "10.0.3.1:8080")
    words = [PROGRAM, "members", "--group", "web", "--watch", "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        while "w1" not in process.stdout.readline():
            continue
        etcdctl(made, "del", "/services/web/w1")
        while "nobody is registered in web any more; somebody was until" not in (
            line := process.stdout.readline()
        ):
            assert line
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 130
