"""The sockets and files by which a supervisord of this host is found. Imports nothing slow: whether one of them
is there is asked before anything is imported that could speak with it."""

from __future__ import annotations

import os

SOCKETS = ("/run/supervisor.sock", "/var/run/supervisor.sock", "/tmp/supervisor.sock")
"""Debian's, Red Hat's and supervisor's own default (supervisord.org/configuration.html)."""
CONFIGURATIONS = ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")
"""Where packages put it. supervisorctl also looks into the folder one happens to stand in; we don't."""


def any_there() -> bool:
    """Whether one of them is there; without any, discovery finds no supervisord."""
    return any(map(os.path.lexists, (*SOCKETS, *CONFIGURATIONS)))
