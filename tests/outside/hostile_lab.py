"""A production of real servers that all mean harm: whatever can carry a text carries `tests.hostile`."""

from __future__ import annotations

import glob
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from tests.hostile import BYTES, EVIL, NAME
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.getting import program
from tests.servers.journal import Journal, journalctl
from tests.servers.prometheus_server import Exporter, PrometheusServer
from tests.servers.supervisord_server import SupervisordServer
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble
from tui.demo.fetch import ETCDCTL

ZNODE = "EVIL" + "".join(char for char in EVIL if 0xA0 <= ord(char) < 0xD800 or char in "[]@=.ax") + "LIVE"
"""What ZooKeeper takes as the name of a znode (PathUtils.java)."""
PROGRAM = "EVIL\x1b[6;66r\x1b[66m\u202e\u200bs" + "\u0301" * 40 + "[red]LIVE"
"""What supervisord takes as the name of a program."""


class Lab(Struct, frozen=True):
    config: Path
    folder: Path
    etcd: EtcdCluster


@contextmanager
def hostile_lab(folder: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        etcd = stack.enter_context(EtcdCluster(size=1))
        exporter = stack.enter_context(Exporter(_exposition()))
        prometheus = stack.enter_context(PrometheusServer({"job": [exporter.address]}, rules=_rules()))
        supervisord = stack.enter_context(SupervisordServer({PROGRAM: _printing(folder)}))
        zookeeper = stack.enter_context(ZookeeperEnsemble(size=1))
        stack.enter_context(_titled())
        put(etcd, b"/services/web/" + BYTES.replace(b"\0", b""), BYTES.replace(b"\0", b""))
        put(etcd, f"/services/web/{EVIL}".encode(), json.dumps({"address": "h:1", "version": EVIL}).encode())
        client = zookeeper.client()
        client.create(f"/services/{ZNODE}", BYTES, makepath=True)
        client.stop()
        client.close()
        logs = folder / NAME
        logs.mkdir()
        (logs / f"{NAME}.log").write_bytes(
            BYTES + b"\n" + json.dumps({"level": EVIL, "msg": EVIL}).encode() + b"\n"
        )
        with Journal(folder) as journal:
            journal.write([BYTES, EVIL], SYSLOG_IDENTIFIER=NAME, _SYSTEMD_UNIT=NAME)
        prometheus.knows("ALERTS")
        prometheus.knows("evil_metric")
        path = folder / f"{NAME}.toml"
        path.write_text(_config(etcd, prometheus, supervisord, zookeeper, journal, logs, folder))
        yield Lab(path, folder, etcd)


def toml(text: str) -> str:
    """A string of TOML: JSON's, but for what is beyond 16 bits."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


def _config(
    etcd: EtcdCluster,
    prometheus: PrometheusServer,
    supervisord: SupervisordServer,
    zookeeper: ZookeeperEnsemble,
    journal: Journal,
    logs: Path,
    folder: Path,
) -> str:
    at, name = f"context.{toml(NAME)}", toml(NAME)
    return f"""
[{at}]
arm = "always"
[{at}.etcd.{name}]
endpoints = ["{etcd.endpoints[0]}"]
groups = {{ {name} = "/services/web/" }}
[{at}.zookeeper.{name}]
hosts = "{zookeeper.hosts}"
groups = {{ {name} = "/services" }}
[{at}.prometheus.{name}]
url = "{prometheus.url}"
[{at}.supervisord.{name}]
url = "{supervisord.url}"
[{at}.files.{name}]
paths = [{toml(f"{glob.escape(str(logs))}/*.log")}]
[{at}.journald.{name}]
program = "{journalctl()}"
files = ["{journal.pattern}"]
[{at}.deploy.EVIL-run]
kind = "command"
argv = ["cat", "{folder}/output", "{{version}}"]
[{at}.deploy.EVIL-run.params.version]
choices = ["/dev/null", {toml(EVIL)}]
default = "/dev/null"
[[{at}.page]]
title = {toml(EVIL)}
[[{at}.page.panel]]
title = {toml(EVIL)}
query = "evil_metric"
unit = {toml(EVIL)}
[[{at}.page.panel]]
title = "wrong"
query = {toml("EVIL(" + EVIL)}
"""


def put(etcd: EtcdCluster, key: bytes, value: bytes) -> None:
    argv = [program(ETCDCTL).encode(), f"--endpoints={etcd.endpoints[0]}".encode(), b"put", b"--", key, value]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)


def _exposition() -> str:
    quoted = EVIL.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    help_ = EVIL.replace("\\", "\\\\").replace("\r", "")
    head = f"# HELP evil_metric {help_}\n# TYPE evil_metric gauge\n"
    return head + f'evil_metric{{a="{quoted}"}} 1\nevil_metric{{a="b"}} 2\n'


def _rules() -> str:
    evil = '"' + "".join(f"\\U{ord(char):08x}" for char in EVIL) + '"'
    return f"""
      - alert: Evil
        expr: vector(1)
        labels: {{severity: {evil}, instance: {evil}}}
        annotations: {{summary: {evil}, description: {evil}}}
"""


def _printing(folder: Path) -> str:
    (folder / "output").write_bytes(b"::step " + EVIL.encode() + b"\n" + BYTES + b"\n")
    return f"command=sh -c 'cat {folder}/output; exec sleep 600'\nstartsecs=0\n"


@contextmanager
def _titled() -> Iterator[None]:
    """A process whose arguments are not even UTF-8."""
    argv = [b"sh", b"-c", b"read x", BYTES.replace(b"\0", b"")]
    sleeper = subprocess.Popen([os.fsencode(word) for word in argv], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        sleeper.communicate()
