"""A real Prometheus on a free loopback port, for tests: started, frozen, killed and stopped by pid.

Ready is not "has data": it begins to scrape 5 s after its start, and evaluates its rules within a second of it.
So what a test can have from rules (`vector`, `time`, recorded series) it has at once.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.etcd_cluster import free_port
from tests.servers.frozen import freeze
from tests.servers.getting import program
from tests.waiting import wait_until
from tui.demo.servers.prometheus import PROMETHEUS

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}}
rule_files: ["{folder}/rules.yml"]
scrape_configs:
{jobs}
"""
JOB = "  - {{job_name: {name}, static_configs: [{{targets: [{targets}]}}]}}\n"
RULES = """
groups:
  - name: midwatch
    interval: 1s
    rules:
{rules}
"""


@dataclass
class PrometheusServer:
    """`jobs` are addresses to scrape by job, `rules` the YAML of rules (six blanks before each dash), `web` the
    lines of its web configuration (TLS, users; then `user` is one of them, "name:password"), `prefix` the path
    below which it answers."""

    jobs: dict[str, list[str]] = field(default_factory=dict)
    rules: str = ""
    web: str = ""
    user: str = ""
    prefix: str = ""
    flags: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mw-prometheus-")))
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}{self.prefix}"

    def __enter__(self) -> Self:
        names = {
            name: ", ".join(f'"{address}"' for address in addresses) for name, addresses in self.jobs.items()
        }
        jobs = "".join(JOB.format(name=name, targets=targets) for name, targets in names.items())
        (self.folder / "prometheus.yml").write_text(CONFIG.format(folder=self.folder, jobs=jobs or "  []"))
        (self.folder / "web.yml").write_text(self.web)
        self.write_rules(self.rules)
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        argv = [
            *(program(PROMETHEUS), f"--config.file={self.folder}/prometheus.yml"),
            *(f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address={self.address}"),
            *("--web.enable-lifecycle", "--log.level=warn", f"--web.config.file={self.folder}/web.yml"),
            *([f"--web.external-url={self.url}"] if self.prefix else []),
            *self.flags,
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._is_up, 20)

    def write_rules(self, rules: str) -> None:
        (self.folder / "rules.yml").write_text(RULES.format(rules=rules) if rules else "groups: []\n")

    def reload(self, rules: str) -> None:
        self.write_rules(rules)
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    def ask(self, path: str, **parameters: str) -> Any:
        """The `data` of the server's own JSON."""
        words = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{words}", timeout=5) as reply:
            return json.load(reply)["data"]

    def knows(self, query: str, seconds: float = 20) -> None:
        """Wait until a query has an answer."""
        wait_until(lambda: self.ask("query", query=query)["result"], seconds)

    def freeze(self) -> None:
        assert self.process is not None
        freeze(self.process.pid)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-2000:]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = self.url.replace("http:", "https:") if "tls_server_config" in self.web else self.url
        request = urllib.request.Request(f"{url}/-/ready")
        if self.user:
            request.add_header("Authorization", f"Basic {base64.b64encode(self.user.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=2, context=context) as reply:
                return bool(reply.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except ssl.SSLError:
            return True  # It wants a certificate of ours; so it is there.
        except urllib.error.URLError as error:
            return isinstance(error.reason, ssl.SSLError)
        except OSError:
            return False


class Exporter:
    """Something to scrape: what it serves may be changed, and it may be away. One thread, one port."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = exporter.text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
