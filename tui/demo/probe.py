"""Whether a server answers: one question, answered at once or not at all."""

from __future__ import annotations

import contextlib
import http.client
import socket
from urllib.parse import urlsplit

SECONDS = 1.0
"""How long an answer on loopback may take; what is frozen accepts the connection and never answers."""


def answers(ready: str) -> bool:
    """Whether a URL says 200, a unix socket accepts, or at `srvr://` a ZooKeeper serves. Loopback only, so no
    proxy is asked."""
    if ready.startswith("http://"):
        url = urlsplit(ready)
        connection = http.client.HTTPConnection(url.netloc, timeout=SECONDS)
        try:
            connection.request("GET", url.path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
    if ready.startswith("srvr://"):
        host, _, port = ready.removeprefix("srvr://").rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), SECONDS) as asked:
            asked.sendall(b"srvr")
            return b"Mode: " in b"".join(iter(lambda: asked.recv(4096), b""))
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(SECONDS)
        return probe.connect_ex(ready) == 0
