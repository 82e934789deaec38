"""`config path|init|check|show`: which file it is, an example, its mistakes, what it comes to."""

from __future__ import annotations

import argparse
import os
from typing import Any

from backends.api import registry
from backends.config.configuration import ConfigError
from backends.config.context import Context
from backends.config.file import config_path
from backends.masking import masked
from tui.verbs.opening import load
from tui.verbs.printing import complain, say, to_json

HEAD = """# midwatch: one [context.NAME] for each production, with one [context.NAME.KIND.NAME] a source.
default = "lab"

[context.lab]
colour = "green"            # of the bar at the top; a context named prod is red by itself
# read_only = true          # nothing can be changed, and nothing lifts it

# This host's processes are the source local/host of every context; local = false leaves them out.
"""
PAGES = """# Charts; without any, Metrics suggests some for what Prometheus scrapes.
# [[context.lab.page]]
# title = "web"
# [[context.lab.page.panel]]
# title = "requests/s"
# query = "sum(rate(http_requests_total[1m])) by (code)"
# unit = "req/s"
"""


def example() -> str:
    """A whole file: what is in use before what may be, and each kind of source in its own words."""
    kinds = [text for kind in registry.MODULES if (text := registry.load(kind).example)]
    in_use_first = sorted(kinds, key=lambda text: all(line.startswith("#") for line in text.splitlines()))
    return "\n".join([HEAD, *in_use_first, PAGES])


def configuration(options: argparse.Namespace) -> int:
    """Run one of them; 2 for a mistake in the file."""
    try:
        return _run(options)
    except ConfigError as error:
        complain(str(error))
        return 2


def _run(options: argparse.Namespace) -> int:
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
            sources = len(context.sources)
            say(f"{name}: {sources} source{'' if sources == 1 else 's'}, {context.mode}")
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
        file.write(example())
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
