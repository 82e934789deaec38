"""`midwatch demo` as a person has it: its own processes, on a terminal where it wants one."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.getting import program
from tui.demo.process import Identity, end, end_members, members
from tui.demo.servers.etcd import ETCD
from tui.demo.servers.node_exporter import NODE_EXPORTER
from tui.demo.servers.prometheus import PROMETHEUS
from tui.demo.servers.zookeeper import JAVA, ZOOKEEPER
from tui.demo.state import Demo

DEMO = (sys.executable, "-P", "-m", "tui.cli", "demo")
WORKERS = {"web-1", "web-2", "web-3", "checkout-1", "checkout-2", "search-1"}
MEMBERS = {"etcd m0", "etcd m1", "etcd m2"}
SERVERS = {"zookeeper s1", "zookeeper s2", "zookeeper s3"}
METRICS = {"node-exporter", "prometheus"}


def demo(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *words],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        check=False,
    )


def loaded(folder: Path) -> Demo:
    found = Demo.load(folder)
    assert found is not None, f"no demo in {folder}"
    return found


@dataclass
class OnTerminal:
    """A program on a terminal of its own; `seen` is all that it has written."""

    pid: int
    terminal: int
    seen: bytearray = field(default_factory=bytearray)
    status: int | None = None

    def read(self) -> None:
        """Take what is there, and wait 20 ms for more where nothing is."""
        with contextlib.suppress(OSError):
            while select.select([self.terminal], [], [], 0.02)[0]:
                data = os.read(self.terminal, 65536)
                if not data:
                    return
                self.seen += data

    def shows(self, text: str) -> bool:
        self.read()
        return text.encode() in self.seen

    def ended(self) -> bool:
        """A program waits for ever to end where nobody reads its terminal."""
        self.read()
        if self.status is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if found else None
        return self.status is not None

    def child(self) -> Identity | None:
        """The dashboard: the child of `demo run` that is no keeper and no launcher any more."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
                if parent == self.pid and b"tui.cli" in words and words[1] == b"-P":
                    return Identity.of(int(entry.name))
        return None


@contextlib.contextmanager
def on_terminal(*words: str, environment: Mapping[str, str] | None = None) -> Iterator[OnTerminal]:
    """Start `midwatch demo …` on a terminal of its own; whatever is left of it ends with the block."""
    with spawned([*DEMO, *words], environment) as running:
        yield running


@contextlib.contextmanager
def spawned(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[OnTerminal]:
    """Start any program, named by its path, on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.execve(argv[0], list(argv), {**os.environ, **(environment or {})})
    running = OnTerminal(pid, terminal)
    try:
        yield running
    finally:
        if running.status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with contextlib.suppress(OSError):
            os.close(terminal)


def drained(running: OnTerminal) -> bool:
    """Read what is there: a shell whose terminal nobody reads writes nothing more. Always true."""
    running.read()
    return True


def is_gone(folder: Path, keeper: Identity) -> bool:
    """No process, no folder."""
    return not keeper.is_alive() and not members(folder) and not folder.exists()


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A folder for demos, its path short, as unix sockets want it. What is left in it is ended."""
    for wanted in (ETCD, JAVA, ZOOKEEPER, PROMETHEUS, NODE_EXPORTER):
        program(wanted)
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="mw-")))
    yield folder
    for found in folder.iterdir():
        left = Demo.load(found)
        if left is not None:
            end([left.keeper], 20.0)
        end_members(found)
    shutil.rmtree(folder, ignore_errors=True)


def up(folder: Path, *words: str) -> Demo:
    done = demo("up", "--dir", str(folder), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return loaded(folder)


def registered(running: Demo) -> dict[str, Any]:
    """What lies under /services/ in the demo's etcd, as etcdctl would list it."""
    address = next(part.address for part in running.parts if part.name == "etcd m0")
    connection = http.client.HTTPConnection(address, timeout=5)
    first, last = (base64.b64encode(text).decode() for text in (b"/services/", b"/services0"))
    connection.request("POST", "/v3/kv/range", json.dumps({"key": first, "range_end": last}))
    rows = json.loads(connection.getresponse().read()).get("kvs", [])
    connection.close()
    decode = base64.b64decode
    return {decode(row["key"]).decode().rpartition("/")[2]: json.loads(decode(row["value"])) for row in rows}
