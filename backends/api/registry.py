"""Which module serves which kind of backend. Nothing here imports a backend that is not asked for."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

from backends.api.backend import Backend
from backends.api.errors import Misconfigured, Unsupported

MODULES: dict[str, str] = {
    "deploy": "backends.deploys.deploy",
    "etcd": "backends.coordination.etcd",
    "files": "backends.logs.files",
    "journald": "backends.logs.journald",
    "local": "backends.processes.local",
    "supervisord": "backends.processes.supervisord",
    "zookeeper": "backends.coordination.zookeeper",
    "prometheus": "backends.metrics.prometheus",
}
"""One row per kind. A new backend is one file of its own and one row here."""

LATER = frozenset(
    {"serf", "alertmanager", "exposition", "expvar", "pprof", "syslog"}
    | {"systemd", "runit", "monit", "god", "host"}
)
"""Kinds that the configuration knows by name and this version does not serve."""


def known(kind: str) -> bool:
    return kind in MODULES or "." in kind


def load(kind: str) -> type[Backend]:
    """The backend class for a kind. A dotted kind ("acme.consul") is a module outside midwatch.

    Raises `Unsupported` for a kind that has not come yet, `Misconfigured` for one that nobody knows or a
    module that cannot be imported.
    """
    if kind in LATER:
        raise Unsupported(f"{kind} is not in this version", where=kind)
    if not known(kind):
        raise Misconfigured("no such kind of backend", where=kind)
    name = MODULES.get(kind, kind)
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise Misconfigured(f"can't import {name}: {error}", where=kind) from error
    return _backend_of(module, kind)


def _backend_of(module: ModuleType, kind: str) -> type[Backend]:
    own = [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, Backend) and item.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise Misconfigured(f"{module.__name__} holds {len(own)} Backend classes, expected 1", where=kind)
    if own[0].kind != kind:
        # Its rows would name a source that nobody finds: no actions, no details.
        hint = f'kind = "{kind}" in {own[0].__name__}'
        raise Misconfigured(f"its class says that its kind is {own[0].kind!r}", where=kind, hint=hint)
    return own[0]
