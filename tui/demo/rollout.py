"""`python -m tui.demo.rollout FOLDER SERVICE VERSION`: the demo's own deploy, as teams write theirs.

One instance after the other gets the new release, is restarted by supervisord, and must serve it before the next
one's turn. The first that does not ends the rollout, halfway.
"""

from __future__ import annotations

import http.client
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path

from tui.demo.state import Demo
from tui.demo.worker import RELEASES

PATIENCE = 30.0
"""Seconds in which an instance has to serve its new release; one that crashed lately takes ten."""


class Failed(Exception):
    """An instance does not serve its new release; why."""


def main(folder: Path, service: str, version: str) -> int:
    demo = Demo.load(folder)
    if demo is None:
        return _fail(f"{folder} holds no demo")
    addresses = {part.name: part.address for part in demo.parts if part.name.startswith(f"{service}-")}
    say(f"rolling {service} {version} out to {len(addresses)} instances, one by one")
    for instance, address in sorted(addresses.items()):
        say(f"::step {instance}")
        try:
            _roll(_supervisor(folder), folder, f"{service}:{instance}", address, version)
        except (Failed, OSError, xmlrpc.client.Error) as error:
            return _fail(f"{instance}: {error}; the rollout ends here, and nothing is taken back")
    say(f"{service} serves {version}")
    return 0


def _supervisor(folder: Path) -> xmlrpc.client.ServerProxy:
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, f"unix://{folder}/supervisor.sock")  # type: ignore[no-untyped-call]
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def _roll(server: xmlrpc.client.ServerProxy, folder: Path, name: str, address: str, version: str) -> None:
    releases = folder / RELEASES
    releases.mkdir(exist_ok=True)
    instance = name.partition(":")[2]
    before = serves(address)
    (releases / instance).write_text(version)
    say(f"stopping {name}, which serves {before or 'nothing'}")
    if _info(server, name)["statename"] in ("RUNNING", "STARTING", "BACKOFF"):
        server.supervisor.stopProcess(name)
    say(f"starting it with {version}")
    server.supervisor.startProcess(name, False)
    _wait(lambda: _is_served(server, name, address, version))
    say(f"{name} serves {version} at {address}")


def _is_served(server: xmlrpc.client.ServerProxy, name: str, address: str, version: str) -> bool:
    info = _info(server, name)
    if info["statename"] in ("FATAL", "BACKOFF"):
        raise Failed(f"supervisord says {info['statename']}: {info['spawnerr'] or info['description']}")
    return serves(address) == version


def _info(server: xmlrpc.client.ServerProxy, name: str) -> dict[str, str]:
    return dict(server.supervisor.getProcessInfo(name))  # type: ignore[arg-type]


def serves(address: str) -> str | None:
    """The version that an instance says it is; None where it says nothing."""
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    lines = [line for line in text.splitlines() if line.startswith("worker_build_info{")]
    return lines[0].split('"')[1] if lines else None


def _wait(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > until:
            raise Failed(f"it does not serve it within {PATIENCE:g} s")
        time.sleep(0.2)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _fail(text: str) -> int:
    say(f"failed: {text}")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
