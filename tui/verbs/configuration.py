"""`config path|init|check|show`."""

from __future__ import annotations

import argparse
import os
from typing import Any

from backends.config_file import config_path
from backends.context import Context
from backends.masking import masked
from tui.verbs.opening import load
from tui.verbs.output import complain, say, to_json

EXAMPLE = """# midwatch: one [context.NAME] for each production, with one [context.NAME.KIND.NAME] a source.
default = "lab"

[context.lab]
colour = "green"            # of the bar at the top; a context named prod is red by itself
# read_only = true          # nothing can be changed, and nothing lifts it

# This host's processes are the source local/host of every context; local = false leaves them out.

[context.lab.etcd.main]
endpoints = ["127.0.0.1:2379"]              # https:// for TLS
groups = { web = "/services/web/" }         # who registered below a prefix
# ca = "ca.pem"
# username = "midwatch"
# password = { env = "ETCD_PASSWORD" }      # or { file = "…" }, or { command = ["pass", "show", "etcd"] }

[context.lab.files.app]
paths = ["/var/log/*.log"]

# [context.lab.zookeeper.main]
# hosts = "127.0.0.1:2181,127.0.0.1:2182"
# groups = { web = "/services/web" }

# [context.lab.supervisord.main]
# url = "unix:///run/supervisor.sock"       # or http://…; username, password as above

# [context.lab.journald.main]
# units = ["nginx.service"]                 # all without it

# [context.lab.prometheus.main]
# url = "http://127.0.0.1:9090"

# Charts; without any, Metrics suggests some for what Prometheus scrapes.
# [[context.lab.page]]
# title = "web"
# [[context.lab.page.panel]]
# title = "requests/s"
# query = "sum(rate(http_requests_total[1m])) by (code)"
# unit = "req/s"

# What can be rolled out: a command, run by a process of its own; no shell, {version} is filled in.
# [context.lab.deploy.web]
# kind = "command"
# argv = ["./deploy.sh", "{version}"]
# [context.lab.deploy.web.params.version]
# choices = ["1.8.1", "1.8.2"]              # or from = ["git", "tag"], or pattern = "[0-9.]+"
"""


def configuration(options: argparse.Namespace) -> int:
    """Run one of them. `check` and `show` raise `ConfigError` for a mistake in the file."""
    path, _ = config_path(options.config, os.environ)
    if options.what == "path":
        say(str(path))
        return 0
    if options.what == "init":
        return _init(str(path))
    config = load(options)
    if config.path is None:
        complain(f"{path}: no such file; `midwatch config init` writes one")
        return 2
    if options.what == "check":
        for name, context in config.contexts.items():
            say(f"{name}: {len(context.sources)} sources, {context.mode}")
        return 0
    document = {"default": config.default, "context": {n: _shown(c) for n, c in config.contexts.items()}}
    if options.output in ("json", "jsonl"):
        say(to_json(document))
    else:
        say(f"# {config.path}")
        _print("", document)
    return 0


def _init(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        complain(f"{path}: is there already and was left as it is")
        return 2
    except OSError as error:
        complain(f"{path}: {error.strerror}")
        return 2
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(EXAMPLE)
    say(f"wrote {path}; `midwatch config check` tests it after you have edited it")
    return 0


def _shown(context: Context) -> dict[str, Any]:
    sources: dict[str, Any] = {}
    for source in context.sources:
        sources.setdefault(source.kind, {})[source.name] = masked(source.settings)
    own = {
        "colour": context.paint,
        "read_only": context.read_only,
        "arm": context.arm,
        "confirm": context.confirm,
    }
    return {**own, **sources, "page": masked(context.pages)}


def _print(path: str, value: Any) -> None:
    """One `path = value` a line: what to grep for, and where to put it."""
    if isinstance(value, dict):
        for key, item in value.items():
            _print(f"{path}.{key}" if path else str(key), item)
    elif value is not None:
        say(f"{path} = {to_json(value)}")
