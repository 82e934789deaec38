"""`-o json` of the verbs that stream: one document where they end, whatever came, else one item a line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.outside.program import PROGRAM, run


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "a.log").write_bytes(b"2026-11-24T02:13:20Z ERROR one\n\xff\x1b[2J\nlast")
    path = tmp_path / "config.toml"
    path.write_text(
        f'[context.lab]\nlocal = false\n[context.lab.files.app]\npaths = ["{tmp_path}/a.log"]\n'
        f'[context.lab.files.gone]\npaths = ["{tmp_path}/a.log", "{tmp_path}/no.log"]\n'
    )
    return str(path)


def test_one_document_with_its_items_and_readings(config: str) -> None:
    ran = run("logs", "app", "-o", "json", "--config", config)
    document = ran.document
    assert (ran.status, ran.err) == (0, "")
    assert sorted(document) == ["context", "items", "kind", "readings"]
    assert (document["kind"], document["context"]) == ("logs", "lab")
    assert [item["encoding"] for item in document["items"]] == ["utf-8", "base64", "utf-8"]
    (reading,) = document["readings"]
    assert (reading["source"], reading["state"], reading["error"]) == ("files/app", "live", None)
    assert reading["as_of"].endswith("Z")


def test_no_item_is_a_document_too(config: str) -> None:
    ran = run("logs", "app", "-o", "json", "--config", config, "--grep", "nowhere")
    assert (ran.status, ran.document["items"]) == (0, [])
    assert len(ran.document["readings"]) == 1


def test_counted_patterns_are_one_document(config: str) -> None:
    document = run(
        "logs", "-", "-o", "json", "--patterns", "--config", config, stdin=b"took 5\ntook 7\n"
    ).document
    assert document["items"] == [{"count": 2, "pattern": "took …"}]


def test_what_could_not_be_read_is_in_the_readings_and_in_the_exit_code(config: str, tmp_path: Path) -> None:
    ran = run("logs", "-o", "json", "--config", config)
    assert ran.status == 3
    assert f"files/gone: {tmp_path}/no.log: no such file" in ran.err
    assert len(ran.document["items"]) == 6
    app, gone = ran.document["readings"]
    assert (app["state"], gone["state"]) == ("live", "unreachable")
    assert gone["error"] == f"{tmp_path}/no.log: no such file"


def test_a_pattern_that_matches_nothing_is_no_live_source(config: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").unlink()
    Path(config).write_text(
        f'[context.lab]\nlocal = false\n[context.lab.files.app]\npaths = ["{tmp_path}/*.log"]\n'
    )
    ran = run("logs", "app", "-o", "json", "--config", config)
    assert (ran.status, ran.err) == (3, f"files/app: no file matches {tmp_path}/*.log\n")
    (reading,) = ran.document["readings"]
    assert (reading["state"], reading["error"]) == ("unreachable", f"no file matches {tmp_path}/*.log")


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="needs another user")
def test_one_file_that_may_not_be_read_beside_others(config: str, tmp_path: Path) -> None:
    (tmp_path / "closed.log").write_text("secret\n")
    (tmp_path / "closed.log").chmod(0)
    words = [PROGRAM, "logs", f"{tmp_path}/*.log", "--config", config]
    if os.geteuid() == 0:
        words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 3
    assert "ERROR one" in done.stdout
    assert "closed.log: permission denied" in done.stderr


@pytest.mark.parametrize("flag", ["-f", "--watch"])
def test_going_on_it_is_one_item_a_line(config: str, flag: str) -> None:
    words = [PROGRAM, "logs", "app", flag, "-o", "json", "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            items = [json.loads(process.stdout.readline()) for _ in range(3)]
        finally:
            process.terminate()
    assert [item["source"] for item in items] == ["files/app"] * 3


def test_a_watch_that_never_stood_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[context.lab.etcd.main]\nendpoints = ["127.0.0.1:1"]\n')
    ran = run("watch", "etcd/main", "/", "-o", "json", "--timeout", "1", "--config", str(path))
    assert (ran.status, ran.document["kind"], ran.document["items"]) == (3, "watch", [])
    (reading,) = ran.document["readings"]
    assert (reading["source"], reading["state"], reading["as_of"]) == ("etcd/main", "unreachable", None)
    assert "127.0.0.1:1" in reading["error"]
