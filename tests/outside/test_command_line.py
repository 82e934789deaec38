"""The contract, from outside: words, exit codes, JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.outside.program import PROGRAM, run

CONFIG = """
default = "lab"
[context.lab.etcd.main]
endpoints = ["127.0.0.1:1"]
groups = {{ web = "/services/web/" }}
[context.lab.files.app]
paths = ["{folder}/*.log"]
[context.prod]
read_only = true
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return str(path)


def test_version_and_help() -> None:
    assert run("--version").out.startswith("midwatch ")
    helped = run("--help")
    assert helped.status == 0
    for verb in ("members", "processes", "units", "query", "logs", "watch", "doctor", "config", "demo"):
        assert verb in helped.out
    assert "sessions" not in helped.out
    assert "an outcome unknown" in " ".join(helped.out.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["memers"], "nearest is members"),
        (["config"], "midwatch: config: expected one of path, init, check, show\n"),
        (["config", "chck"], "nearest is check"),
        (["run"], "midwatch: run: expected one of attach, abort, then ID\n"),
        (["run", "attach"], "midwatch: run: expected ID\n"),
        (["signal"], "midwatch: signal: expected TARGET, then SIG\n"),
        (["sessions"], "expected one of"),
        (["query", "up"], "this context has no metrics"),
        (["query", "up", "--range", "long"], "expected 90s, 15m"),
        (["units", "--source", "nowhere"], "nowhere has no units"),
        (["members", "--group", "nope"], "no group nope, and none is configured"),
        (["members", "--bogus"], "--bogus"),
        (["members", "--timeout", "soon"], "soon: expected a number of seconds, more than 0 and at most 3600"),
        (["members", "--timeout", "0"], "0: expected a number of seconds, more than 0 and at most 3600"),
        (["query", "up", "--step", "5s"], "--step: only with --range"),
        (["query", "up", "--watch"], "--watch: query does not go on by it"),
        (["config", "check", "-o", "json"], "-o json: config check takes table"),
        (["-o", "jsonl", "demo", "status"], "-o jsonl: demo status takes table"),
        (["-o", "json"], "-o json: the dashboard takes table"),
        (["-c", "logs", "members"], "-c: only for the dashboard, not for members"),
        (["audit", "verify", "--since", "1h"], "--since: audit verify looks at all of it"),
        (["logs", "--level", "loud", "-"], "expected one of fatal"),
        (["logs", "--grep", "(", "-"], "no regular expression"),
        (["logs", "--since", "yesterday", "-"], "expected a duration"),
        (["logs", "--since", "99999999999d", "-"], "expected a time of the years"),
        (["logs", "--since", "9" * 400 + "d", "-"], "expected a time of the years"),
        (["logs", "--since", "0001-01-01T00:00:00+14:00", "-"], "expected a time of the years"),
        (["audit", "--since", "99999999999d"], "expected a time of the years"),
        (["logs", "./nothing-here"], "No such file"),
    ],
)
def test_wrong_use_is_one_line_and_two(words: list[str], expected: str) -> None:
    ran = run(*words)
    assert ran.status == 2
    assert ran.out == ""
    assert expected in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_group_that_nobody_configured_is_wrong_use(config: str) -> None:
    ran = run("members", "--group", "nope", "--timeout", "1", "--config", config)
    assert (ran.status, ran.out) == (2, "")
    assert "no group nope, expected one of web" in ran.err
    assert run("members", "--group", "web", "--timeout", "1", "--config", config).status == 3


def test_without_a_terminal_it_says_what_to_type() -> None:
    ran = run()
    assert ran.status == 2
    assert "ssh -t" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_processes_as_json(config: str) -> None:
    ran = run("processes", "-o", "json", "--config", config, "--context", "prod")
    assert ran.status == 0
    assert ran.err == ""
    document = ran.document
    assert list(document) == ["kind", "context", "readings", "items"]
    assert (document["kind"], document["context"]) == ("processes", "prod")
    reading = document["readings"][0]
    assert (reading["source"], reading["state"], reading["error"]) == ("local/host", "live", None)
    assert datetime.fromisoformat(reading["as_of"]).tzinfo is not None
    mine = next(item for item in document["items"] if item["pid"] == os.getpid())
    assert list(mine) == [
        *("id", "host", "pid", "ppid", "name", "user", "state", "cpu", "rss", "started", "command", "unit"),
        "listening",
    ]
    assert mine["cpu"] is None
    assert mine["ppid"] == os.getppid()
    assert ran.out.isascii()


@pytest.fixture
def unconfigured(tmp_path: Path) -> dict[str, str]:
    """An environment in which no configuration and no source is named."""
    names = ("MIDWATCH_CONFIG", "MIDWATCH_CONTEXT", "ETCDCTL_ENDPOINTS", "PROMETHEUS_URL")
    return {"XDG_CONFIG_HOME": str(tmp_path), **dict.fromkeys(names, "")}


def test_processes_without_a_configuration_are_told_in_the_same_way(
    unconfigured: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "default.toml").write_text("[context.default]\n")
    short = run("processes", "-o", "json", env=unconfigured).document
    long = run("processes", "-o", "json", "--config", str(tmp_path / "default.toml")).document
    for document in (short, long):
        (reading,) = document["readings"]
        assert datetime.fromisoformat(reading.pop("as_of")).tzinfo is not None
        items = {item["pid"]: item for item in document.pop("items")}
        # What does not change from one look to the next.
        document["mine"] = {
            key: items[os.getpid()][key] for key in ("id", "ppid", "user", "started", "command", "cpu")
        }
    assert short == long
    tables = [
        run("processes", env=unconfigured).out,
        run("processes", "--config", str(tmp_path / "default.toml")).out,
    ]
    titles = [table.split("\n", 1)[0].split() for table in tables]
    assert titles[0] == titles[1]


def test_a_source_that_is_named_wrong_is_told_whatever_is_asked_for(unconfigured: dict[str, str]) -> None:
    ran = run("processes", "-o", "json", env={**unconfigured, "PROMETHEUS_URL": "ftp://x"})
    assert ran.status == 3
    assert ran.err.startswith("prometheus/main: ")
    assert {reading["source"] for reading in ran.document["readings"]} == {"local/host", "prometheus/main"}


@pytest.mark.parametrize("words", [("--context", "nope"), ("--config", "/nowhere/x.toml")])
def test_what_is_named_for_processes_must_be_there(words: tuple[str, str], unconfigured: dict[str, str]) -> None:
    ran = run("processes", *words, env=unconfigured)
    assert (ran.status, ran.out) == (2, "")
    assert words[1] in ran.err


def test_a_configuration_that_cannot_be_read_is_told_for_processes_too(
    unconfigured: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("a file where a folder should be")
    ran = run("processes", env={**unconfigured, "XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert (ran.status, ran.out) == (2, "")
    assert "Not a directory" in ran.err


def test_flags_stand_before_or_after_the_verb(config: str) -> None:
    before = run("--config", config, "--context", "prod", "-o", "jsonl", "processes")
    assert before.status == 0
    assert all("pid" in item for item in before.items)


def test_an_unreachable_source_is_three_and_one_line(config: str) -> None:
    began = time.monotonic()
    ran = run("members", "-o", "json", "--config", config, "--timeout", "3")
    assert time.monotonic() - began < 5
    assert ran.status == 3
    assert ran.document["readings"][0]["state"] == "unreachable"
    assert ran.document["items"] == []
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1
    assert "etcd/main" in lines[0]
    assert "127.0.0.1:1" in lines[0]
    assert "connection refused" in lines[0]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("[context.a.etcd.m]\nendpoint = ['x']\n", 2, "nearest is endpoints"),
        ("[context.a.etcd.m]\nendpoints = 'x'\n", 2, "expected"),
        ("[context.a.etdc.m]\n", 1, "nearest is etcd"),
        ("[context.a]\ncolor = 'red'\n", 2, "no such kind of backend, or no such key, expected one of"),
        ("[context.a]\ncolor = 'red'\n", 2, "nearest is colour"),
        ("[context.a.'no.such'.m]\n", 1, "can't import no.such"),
        ("[context.a]\netcd = 1\n", 2, "expected tables [context.a.etcd.NAME], got a whole number"),
        ("[context.a]\ncolour = 'gren'\n", 2, "nearest is green"),
        ("[context.a]\nread_only = 1\n", 2, "expected true or false"),
        ("[context.a.zookeeper.z]\nhost = 'h'\n", 2, "nearest is hosts"),
        ("[context.a.zookeeper.z.groups]\ng = { expect = 2 }\n", 2, "exactly one of path, prefix"),
        ("[context.a.serf.z]\nrpc = 'h'\n", 1, "not in this version"),
        ("default = 'b'\n[context.a]\n", 1, "no context 'b'"),
        ("[context.a\n", 1, "not TOML"),
        ("contxt = 1\n", 1, "nearest is context"),
        ("[context.a.deploy.web]\nkind = 'comand'\n", 2, "nearest is command"),
        ("[[context.a.page]]\n[[context.a.page.panel]]\nquerry = 'x'\n", 3, "nearest is query"),
    ],
)
def test_each_mistake_names_file_line_key_and_the_nearest_word(
    tmp_path: Path, text: str, line: int, expected: str
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    ran = run("config", "check", "--config", str(path))
    assert ran.status == 2
    assert ran.err.startswith(f"{path}:{line}: ")
    assert expected in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_file_that_others_can_write_names_no_module(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[context.a.'no.such'.m]\n")
    path.chmod(0o666)
    ran = run("config", "check", "--config", str(path))
    assert (ran.status, "so it may not name a module" in ran.err) == (2, True)
    assert "import" not in ran.err


def test_secrets_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[context.a.etcd.m]\nendpoints = ['h:1']\nusername = 'u'\npassword = 'hunter2'\n")
    ran = run("config", "show", "--config", str(path))
    assert ran.status == 0
    assert "hunter2" not in ran.out
    assert 'password = "***"' in ran.out
    path.chmod(0o666)
    path.write_text("[context.a.etcd.m]\npassword = { command = ['cat', 'x'] }\n")
    refused = run("config", "check", "--config", str(path))
    assert refused.status == 2
    assert "chmod" in refused.err


def test_init_never_overwrites_and_its_example_is_right(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.toml"
    assert run("config", "init", "--config", str(path)).status == 0
    assert path.stat().st_mode & 0o077 == 0
    assert run("config", "check", "--config", str(path)).status == 0
    again = run("config", "init", "--config", str(path))
    assert again.status == 2
    assert "left as it is" in again.err


def test_a_table_of_logs_says_which_of_several_files_a_line_is_from(config: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n")
    (tmp_path / "x\x1b[2J.log").write_text("two\nthree\n")

    def table(*words: str) -> list[list[str]]:
        ran = run("logs", *words, "-o", "table", "--config", config)
        assert "\x1b" not in ran.out
        return sorted(line.split() for line in ran.out.splitlines())

    glob = str(tmp_path / "*.log")
    several = table(glob)
    assert [(line[0], line[-1]) for line in several if "a.log" in line] == [(f"files/{glob}", "one")]
    assert [line[-1] for line in several if "x.log" in line] == ["three", "two"]
    alone = str(tmp_path / "a.log")
    assert table(alone) == [[f"files/{alone}", "one"]]
    assert sorted(run("logs", glob, "--config", config).out.splitlines()) == ["one", "three", "two"]


def test_logs_of_every_kind_of_source(config: str, tmp_path: Path) -> None:
    lines = b'{"time":"2026-11-24T02:13:20Z","level":"error","msg":"boom","trace":"a1"}\nplain \xff\x1b[2J\n'
    (tmp_path / "a.log").write_bytes(lines)
    by_name = run("logs", "app", "-o", "jsonl", "--config", config)
    by_path = run("logs", str(tmp_path / "a.log"), "-o", "jsonl", "--config", config)
    piped = run("logs", "-", "-o", "jsonl", "--config", config, stdin=lines)
    for ran in (by_name, by_path, piped):
        assert ran.status == 0
        first, second = ran.items
        assert list(first) == ["time", "level", "source", "format", "message", "fields", "raw", "encoding"]
        assert (first["level"], first["message"], first["fields"]) == ("error", "boom", {"trace": "a1"})
        assert first["raw"].encode() == lines.split(b"\n")[0]
        assert (second["level"], second["encoding"]) == (None, "base64")
    text = run("logs", str(tmp_path / "*.log"), "--config", config)
    assert "\x1b" not in text.out
    filtered = run("logs", "app", "--level", "warn", "--field", "trace=a1", "--config", config)
    assert len(filtered.out.splitlines()) == 1
    shapes = run("logs", "-", "--patterns", "--config", config, stdin=b"took 5 ms\ntook 7 ms\nother\n")
    assert "2  took … ms" in shapes.out


def test_following_a_file_flushes_each_line(config: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("first\n")
    words = [PROGRAM, "logs", "-f", "./a.log", "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        with path.open("a") as file:
            file.write("second\n")
        assert process.stdout.readline() == b"second\n"
        path.rename(tmp_path / "a.log.1")
        path.write_text("third\n")
        assert process.stdout.readline() == b"third\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert b"Traceback" not in err


def test_a_fifo_is_read_until_its_writer_closes(config: str, tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    words = [PROGRAM, "logs", str(fifo), "--config", config]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with fifo.open("wb") as writer:
            writer.write(b"one\n")
            writer.flush()
            assert process.stdout.readline() == b"one\n"
            writer.write(b"two")
        assert process.stdout.readline() == b"two\n"
        assert process.wait(5) == 0
    with subprocess.Popen(words) as waiting:
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(5) in (130, -signal.SIGINT)


def test_a_closed_pipe_is_silent(config: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("line\n" * 200_000)
    done = subprocess.run(
        ["sh", "-c", f"{PROGRAM} logs app --config {config} | head -1"], capture_output=True, check=False
    )
    assert done.stdout == b"line\n"
    assert done.stderr == b""


def test_doctor_names_what_was_tried(config: str) -> None:
    ran = run("doctor", "-o", "json", "--config", config)
    assert ran.status == 3
    items = {item["name"]: item for item in ran.document["items"]}
    assert items["etcd/main"]["ok"] is False
    assert items["etcd/main"]["text"] == "connection refused"
    assert items["local/host"]["ok"] is True
    assert json.dumps(items).isascii()


def test_what_was_set_on_purpose_is_a_source_and_a_default_place_is_not(tmp_path: Path) -> None:
    env = {"ETCDCTL_ENDPOINTS": "127.0.0.1:1"}
    assert run("members", env=env).status == 3
    alone = run("members", "-o", "json")
    assert alone.document["context"] == "default"


def test_watching_a_source_without_keys_names_those_that_have_them(config: str) -> None:
    ran = run("watch", "app", "/x", "--config", config)
    assert ran.status == 2
    assert "etcd/main" in ran.err


def test_a_bug_is_one_line_and_its_traceback_is_in_the_log(config: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import tui.verbs.configuration as c\n"
        "def boom(options):\n    raise RuntimeError('broken on purpose')\n"
        "c.configuration = boom\n"
    )
    state = tmp_path / "state"
    ran = run("config", "path", env={"PYTHONPATH": str(tmp_path), "XDG_STATE_HOME": str(state)})
    assert ran.status == 1
    assert len(ran.err.strip().splitlines()) == 1
    assert "Traceback" not in ran.err
    log = state / "midwatch" / "midwatch.log"
    assert "broken on purpose" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


EVIL = "\x1b]0;owned\x07\x1b[2Jwhite\u202elie"


HOSTILE = (
    *[("config", what) for what in ("path", "check", "show", "init")],
    *[("deploys",), ("doctor",), ("logs",), ("logs", "-o", "table"), ("units",), ("logs", "--patterns")],
    *[
        ("query", "up", "--source", EVIL),
        ("logs", EVIL),
        (EVIL,),
        ("processes", EVIL),
        ("deploy", EVIL, "--plan"),
    ],
    *[("run", "attach", EVIL), ("signal", EVIL, "TERM"), ("stop", EVIL), ("units", "--context", f"no {EVIL}")],
    ("units", "--config", f"no {EVIL}"),
)


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_outside_acts_on_the_terminal(words: tuple[str, ...], tmp_path: Path) -> None:
    """Names of contexts, sources and files are made by others too."""
    folder = tmp_path / EVIL
    folder.mkdir()
    (folder / "a.log").write_text(f"{EVIL} is a line\n")
    path = folder / "config.toml"
    name, pattern = json.dumps(EVIL), json.dumps(f"{folder}/*.log")
    path.write_text(
        f"[context.{name}]\n[context.{name}.files.{name}]\npaths = [{pattern}]\n"
        f"[context.{name}.supervisord.{name}]\nurl = {json.dumps(f'unix://{folder}/s.sock')}\n"
        f'[context.{name}.deploy.{name}]\nkind = "command"\nargv = [{name}]\n'
    )
    ran = run("--config", str(path), *words)
    assert "white" in ran.out + ran.err
    assert not set(ran.out + ran.err) & set("\x1b\x07\u202e")
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err


def test_a_mistake_in_a_hostile_configuration_acts_on_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / EVIL
    path.write_text(f"[context.{json.dumps(EVIL)}]\nwrong = 1\n")
    for words in (("units",), ("config", "check")):
        ran = run(*words, "--config", str(path))
        assert ran.status == 2
        assert "white" in ran.err
        assert not set(ran.err) & set("\x1b\x07\u202e")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("units", "-o", "text"), "-o text: units takes table, json, jsonl"),
        (("-o", "text", "audit"), "-o text: audit takes table, json, jsonl"),
        (("units", "-o", "xml"), "-o xml: units takes table, json, jsonl"),
        (("logs", "-o", "jsn"), "-o jsn: logs takes table, json, jsonl, text; nearest is json"),
    ],
)
def test_a_format_that_a_verb_does_not_take_names_those_that_it_does(
    words: tuple[str, ...], expected: str
) -> None:
    ran = run(*words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.strip() == f"midwatch: {expected}"
