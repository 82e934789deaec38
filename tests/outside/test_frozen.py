"""Every verb against sources that take a connection and then say nothing, as a frozen server does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from backends.api.capabilities import ABILITIES
from backends.api.registry import MODULES, load
from tests.outside.program import Ran, run, verbs
from tests.waiting import wait_until
from tui.kinds.known import KINDS

LIMIT = 2.0
"""Seconds beside the program's start: the timeout of 1 s, and the 1 s that the contract adds."""

CONFIG = """
[context.all]
local = false
arm = "always"
[context.all.etcd.main]
endpoints = ["{tcp}"]
groups = {{ web = "/services/web/" }}
[context.all.zookeeper.main]
hosts = "{tcp}"
groups = {{ web = "/services/web" }}
[context.all.prometheus.main]
url = "http://{tcp}"
[context.all.supervisord.main]
url = "unix://{unix}"
[context.all.supervisord.far]
url = "http://{tcp}"
[context.all.journald.main]
program = "{program}"
files = ["/var/log/none.journal"]
[context.all.journald.other]
program = "{halting}"
files = ["/var/log/other.journal"]
"""
ENTRY = '{"__CURSOR":"s=1;i=1","__REALTIME_TIMESTAMP":"1577844000000000","MESSAGE":"before the halt"}'


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("frozen")
    program, halting, unix = folder / "journalctl", folder / "halting", folder / "s.sock"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    halting.write_text(f"#!/bin/sh\necho '{ENTRY}'\nexec sleep 600\n")
    for script in (program, halting):
        script.chmod(0o755)
    with ExitStack() as stack:
        # Never accepted: the kernel takes the connection, as it does for a process that was stopped.
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
        near = stack.enter_context(socket.socket(socket.AF_UNIX))
        near.bind(str(unix))
        near.listen(100)
        address = "{}:{}".format(*tcp.getsockname())
        path = folder / "config.toml"
        path.write_text(CONFIG.format(tcp=address, unix=unix, program=program, halting=halting))
        yield str(path)


def _asks(kind: str) -> bool:
    """Whether a source of `CONFIG` may have rows of a kind, and so is asked for them."""
    classes = [load(name) for name in MODULES if f"[context.all.{name}." in CONFIG]
    return any(ABILITIES[noun].protocol in one.__mro__ for noun in KINDS[kind].nouns for one in classes)


LISTINGS = [name for name, takes in verbs().items() if takes.get_default("by") == "listing"]
CASES = (
    *[((kind,), 3 if _asks(kind) else 0) for kind in LISTINGS],
    *[(("doctor",), 3), (("query", "up"), 3), (("query", "up", "--range", "1m"), 3)],
    *[(("watch", source, "/services"), 3) for source in ("etcd/main", "zookeeper/main")],
    *[(("logs", source), 3) for source in ("supervisord/main", "far", "journald/main", "other")],
    *[(("logs",), 3), (("logs", "--since", "1h", "--patterns"), 3)],
    *[((verb, "web", "--yes", "--reason", "x"), 3) for verb in ("start", "stop", "restart")],
    # What asks no server ends as ever.
    *[(("processes",), 0), (("deploy", "web", "--plan"), 2)],
    *[(("run", "attach", "x"), 3), (("audit",), 0), (("config", "check"), 0), (("config", "show"), 0)],
    (("signal", "1", "TERM", "--yes", "--reason", "x"), 3),
)
STREAMS = {"events", "demo"}
"""Go on until ctrl-c; or have no sources."""


def test_every_verb_is_here() -> None:
    lacking = ", ".join(sorted(set(verbs()) ^ ({words[0] for words, _ in CASES} | STREAMS)))
    assert {words[0] for words, _ in CASES} | STREAMS == set(verbs()), f"{lacking}: what it does, in CASES above"


def in_time(*words: str, config: str) -> Ran:
    for _ in range(3):  # A busy machine delays one of them; what hangs is late each time.
        start = run("deploys", "--config", config).seconds
        ran = run(*words, "--timeout", "1", "--config", config)
        if ran.seconds < start + LIMIT:
            return ran
    raise AssertionError(f"{' '.join(words)} took {ran.seconds:.1f} s")


@pytest.mark.parametrize(
    ("words", "status"), CASES, ids=lambda value: " ".join(value) if value.__class__ is tuple else ""
)
def test_a_verb_ends_in_time(words: tuple[str, ...], status: int, config: str) -> None:
    ran = in_time(*words, config=config)
    assert ran.status == status, ran.err
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err


def test_what_was_read_before_a_halt_is_printed(config: str) -> None:
    ran = run("logs", "journald/other", "--timeout", "1", "--config", config, "-o", "jsonl")
    assert [item["message"] for item in ran.items] == ["before the halt"]
    assert "journald/other: " in ran.err
    assert "within 1 s" in ran.err


def test_a_secret_that_is_waited_for_keeps_no_verb_and_leaves_no_command(tmp_path: Path) -> None:
    asking = tmp_path / "ask"
    asking.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 600\n")
    asking.chmod(0o755)
    path = tmp_path / "config.toml"
    secret = f'username = "u"\npassword = {{ command = ["{asking}"] }}\n'
    path.write_text(f'[context.a]\nlocal = false\n[context.a.etcd.main]\nendpoints = ["127.0.0.1:1"]\n{secret}')
    ran = in_time("members", config=str(path))
    assert ran.status == 3
    wait_until(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))
