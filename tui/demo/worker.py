"""One worker of the demo: a small HTTP service with metrics, two logs and a place in etcd and ZooKeeper. Standard
library only, but for kazoo where there is a ZooKeeper.

Everything comes from the environment (`WORKER_…`). It is started by supervisord and dies with it.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import http.client
import json
import logging
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TTL = 6
"""Seconds of the lease: an instance that dies is gone from its group after these."""
WARM_UP = 8
"""Seconds between a crash and the next answer; more than TTL."""
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
RELEASES = "releases"
"""The folder in the demo's own where a rollout leaves the version with which each instance starts."""
ROUTES = ("/", "/cart", "/search", "/checkout", "/metrics", "/debug/vars")
"""Paths that are counted by name; whatever else is asked for is one series."""
WATCHING = ("/metrics", "/debug/vars")
"""Paths that watchers ask for: no user waits for them."""
OUTAGE_EACH, OUTAGE = 180, 40
"""Seconds from one trouble of the payment provider to the next, and how long it lasts."""
BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0)
MESSAGES = ("cart priced", "session resumed", "stock reserved", "page rendered", "cache refreshed")


class Log:
    """One file, opened for appending and written a whole line at a time: threads don't mix, and it may be
    rotated or cut to nothing under us. A full disk costs lines, never the service."""

    def __init__(self, path: str) -> None:
        self.is_new = not os.path.exists(path) or not os.path.getsize(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._file, line.encode("utf-8", "replace"))


class Worker:
    def __init__(self, env: dict[str, str]) -> None:
        self.service = env["WORKER_SERVICE"]
        self.instance = env["WORKER_INSTANCE"]
        self.host, _, port = env["WORKER_ADDRESS"].rpartition(":")
        self.port = int(port)
        self.etcd = env["WORKER_ETCD"].split()
        self.zookeeper = env["WORKER_ZOOKEEPER"]
        self.peers = env["WORKER_PEERS"].split()
        self.mode = env["WORKER_MODE"]
        self.version, self.is_new_release = _release(env["WORKER_RELEASE"], env["WORKER_VERSION"])
        self.started = time.time()
        self.requests: Counter[tuple[int, str]] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.lease = 0
        self.session: Any = None
        self._lock = threading.Lock()
        self._app = Log(env["WORKER_APP_LOG"])
        self._access = Log(env["WORKER_ACCESS_LOG"])

    # Logs

    def log(self, level: str, message: str, **fields: Any) -> None:
        """JSON lines; the checkouts write logfmt, for variety."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.service == "checkout":
            pairs = " ".join(f"{key}={json.dumps(value)}" for key, value in fields.items())
            self._app.write(f'time={now} level={level} msg="{message}" {pairs}\n')
        else:
            line = {"time": now, "level": level, "msg": message, "service": self.service, **fields}
            self._app.write(json.dumps(line) + "\n")

    def say(self, text: str) -> None:
        """To its own output, which its supervisor keeps."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sys.stderr.write(f"{now} {self.instance} {text}\n")

    def answered(self, request: str, path: str, code: int, size: int, spent: float, agent: str) -> None:
        with self._lock:
            self.requests[code, path if path in ROUTES else "other"] += 1
            if path not in WATCHING:
                self.seconds += spent
                self.buckets[next((i for i, most in enumerate(BUCKETS) if spent <= most), len(BUCKETS))] += 1
        now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        asked, by = (text.encode("unicode_escape").decode().replace('"', "'") for text in (request, agent))
        self._access.write(f'127.0.0.1 - - [{now}] "{asked}" {code} {size} "-" "{by}"\n')

    # What it serves

    def metrics(self) -> str:
        lines = ["# TYPE http_requests_total counter"]
        with self._lock:
            for (code, path), count in sorted(self.requests.items()):
                lines.append(f'http_requests_total{{code="{code}",path="{path}"}} {count}')
            lines.append("# TYPE http_request_duration_seconds histogram")
            total = 0
            for most, count in zip((*map(str, BUCKETS), "+Inf"), self.buckets, strict=True):
                total += count
                lines.append(f'http_request_duration_seconds_bucket{{le="{most}"}} {total}')
            lines.append(f"http_request_duration_seconds_sum {self.seconds:.6f}")
            lines.append(f"http_request_duration_seconds_count {total}")
        lines += ["# TYPE worker_build_info gauge", f'worker_build_info{{version="{self.version}"}} 1']
        lines += ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {self.started:.3f}"]
        return "\n".join(lines) + "\n"

    def variables(self) -> str:
        with self._lock:
            total = sum(self.requests.values())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return json.dumps(
            {
                "cmdline": [self.instance],
                "memstats": {"Sys": memory, "HeapObjects": len(gc.get_objects())},
                "requests": total,
                "uptime": round(time.time() - self.started, 3),
            }
        )

    def work(self, path: str) -> tuple[int, str, float]:
        """Status, body, and seconds that the work takes."""
        spent = random.choice((0.001, 0.002, 0.004, 0.01))
        dice = random.random()
        outage = self.service == "checkout" and (time.time() - self.started) % OUTAGE_EACH > OUTAGE_EACH - OUTAGE
        if dice < (0.3 if outage else 0.02):
            self.log("error", "payment refused: deadline exceeded", trace=f"{random.getrandbits(32):08x}")
            return 503, "try again\n", spent * 20
        if dice < 0.06:
            self.log("warn", "slow upstream", took_ms=random.randint(200, 900))
            return 404 if dice < 0.04 else 200, "slow\n", spent * 30
        if dice < 0.4:
            self.log("info", random.choice(MESSAGES), took_ms=round(spent * 1000))
        return 200, f"{self.instance}\n", spent

    # etcd, by its JSON gateway

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call to the first endpoint that answers. Raises OSError when none does."""
        failed: Exception = OSError("no etcd")
        for endpoint in self.etcd:
            connection = http.client.HTTPConnection(endpoint, timeout=1.5)
            try:
                connection.request("POST", path, json.dumps(body))
                answer = json.loads(connection.getresponse().read() or b"{}")
            except (OSError, ValueError, http.client.HTTPException) as error:
                failed = error
                self.etcd = [*self.etcd[1:], self.etcd[0]]
                continue
            finally:
                connection.close()
            return dict(answer)
        raise OSError(str(failed))

    @property
    def key(self) -> str:
        return f"/services/{self.service}/{self.instance}"

    @property
    def value(self) -> str:
        address = f"{self.host}:{self.port}"
        return json.dumps({"address": address, "version": self.version, "started": int(self.started)})

    def register(self) -> None:
        self.lease = int(self.call("/v3/lease/grant", {"TTL": TTL}).get("ID", 0))
        if not self.lease:
            raise OSError("no lease")
        put = {"key": _b64(self.key), "value": _b64(self.value), "lease": self.lease}
        if "header" not in self.call("/v3/kv/put", put):
            raise OSError("not registered")

    def stay_registered(self) -> None:
        """Keep the lease, and take a new one where it was lost; etcd being away is no reason to say much."""
        told = False
        while True:
            try:
                alive = self.lease and self.call("/v3/lease/keepalive", {"ID": self.lease})
                if not alive or not int(alive.get("result", {}).get("TTL", 0)):
                    self.register()
                    self.log("info", "registered", lease=f"{self.lease:x}")
                told = False
            except (OSError, ValueError, TypeError) as error:
                if not told:
                    self.log("warn", "etcd does not answer", error=str(error))
                told = True
            time.sleep(TTL / 4)

    def stay_in_zookeeper(self) -> None:
        """Keep an ephemeral; one of a former life goes with its session, and then ours takes its place."""
        from kazoo.client import KazooClient
        from kazoo.exceptions import KazooException
        from kazoo.handlers.threading import KazooTimeoutError

        logging.getLogger("kazoo").addHandler(logging.NullHandler())
        self.session = KazooClient(self.zookeeper, timeout=TTL)  # type: ignore[no-untyped-call]
        self.session.start_async()
        while True:
            # kazoo blocks for ever where calls pile up without a connection.
            if self.session.connected:
                with contextlib.suppress(KazooException, KazooTimeoutError):
                    if self.session.exists_async(self.key).get(timeout=2) is None:
                        create = self.session.create_async(
                            self.key, self.value.encode(), ephemeral=True, makepath=True
                        )
                        create.get(timeout=2)
            time.sleep(TTL / 4)

    def leave(self) -> None:
        if self.session is not None and self.session.connected:
            self.session.stop()
        if self.lease:
            try:
                self.call("/v3/lease/revoke", {"ID": self.lease})
            except OSError:
                return  # The lease ends by itself.

    def visit(self) -> None:
        """Traffic: about three requests a second to the others."""
        while True:
            time.sleep(random.expovariate(3.5))
            connection = http.client.HTTPConnection(random.choice(self.peers), timeout=2)
            try:
                path = random.choice(("/", "/", "/cart", "/search?q=lamp", "/checkout"))
                connection.request("GET", path, headers={"User-Agent": self.instance})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException) as error:
                self.log("error", "peer does not answer", error=str(error))
            finally:
                connection.close()

    def warm_up(self) -> None:
        """After a crash it takes a while to serve again: long enough for its lease to end, for all to see."""
        if self.mode == "crashes" and not self._app.is_new:
            self.log("info", "rebuilding the cache", seconds=WARM_UP)
            time.sleep(WARM_UP)

    def crash(self) -> None:
        time.sleep(random.uniform(45, 90))
        self.log("fatal", "out of luck", code=3)
        self.say("FATAL out of luck: exit with 3")
        os._exit(3)


def _release(path: str, first: str) -> tuple[str, bool]:
    """The version that a rollout left for us, else the one we began with; and whether it is another one."""
    try:
        with open(path) as file:
            version = file.read().strip()
    except OSError:
        return first, False
    return version, version != first


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def handler_of(worker: Worker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            begin = time.monotonic()
            code, spent = 200, 0.0
            if path == "/metrics":
                body = worker.metrics()
            elif path == "/debug/vars":
                body = worker.variables()
            else:
                code, body, spent = worker.work(path)
                time.sleep(spent)
            data = body.encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            agent = self.headers.get("User-Agent", "-")
            worker.answered(self.requestline, path, code, len(data), time.monotonic() - begin, agent)

        def log_message(self, format: str, *args: Any) -> None:
            """The access log says it."""

    return Handler


def is_child_of(pidfile: str) -> bool:
    """Whether our parent still is the process of that pid file. It may have died before we asked the kernel to
    tell us, and the kernel tells only of deaths to come."""
    try:
        with open(pidfile) as file:
            return int(file.read()) == os.getppid()
    except (OSError, ValueError):
        return False


def main() -> int:
    # Whatever becomes of supervisord, no worker is left behind (prctl(2)).
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if not is_child_of(os.environ["WORKER_SUPERVISOR"]):
        return 1
    worker = Worker(dict(os.environ))
    # Six processes called `python` would be told apart by their pids alone.
    ctypes.CDLL(None).prctl(PR_SET_NAME, worker.instance.encode(), 0, 0, 0)
    if worker.mode == "outdated" and worker.is_new_release:
        worker.log("fatal", "its tables have schema 41, and this release needs 42", version=worker.version)
        return 1
    worker.warm_up()
    server = ThreadingHTTPServer((worker.host, worker.port), handler_of(worker))
    server.daemon_threads = True
    stop = threading.Event()
    ignores = worker.mode == "stubborn"
    signal.signal(signal.SIGTERM, signal.SIG_IGN if ignores else lambda number, frame: stop.set())
    jobs = [server.serve_forever, worker.stay_registered]
    jobs += [worker.stay_in_zookeeper] if worker.zookeeper else []
    jobs += [worker.visit] if worker.peers else []
    jobs += [worker.crash] if worker.mode == "crashes" else []
    for job in jobs:
        threading.Thread(target=job, daemon=True).start()
    worker.log("info", "listening", address=f"{worker.host}:{worker.port}")
    worker.say(f"INFO {worker.version} listens on {worker.host}:{worker.port}")
    stop.wait()
    worker.leave()
    worker.log("info", "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
