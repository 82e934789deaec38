"""What discovery finds of a supervisord: where supervisorctl would look, and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.masking import masked
from backends.processes import supervisord_discovery as module
from backends.processes.supervisord import Supervisord
from tests.servers.supervisord_server import PASSWORD, USER, SupervisordServer

pytestmark = pytest.mark.server


@pytest.fixture
def server() -> Iterator[SupervisordServer]:
    with SupervisordServer() as made:
        yield made


async def test_a_default_socket_and_a_configuration(
    server: SupervisordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "supervisord.conf"
    conf.write_text(
        f"[unix_http_server]\nfile=%(here)s/own.sock ; the socket\n"
        f"[supervisorctl]\nserverurl=http://127.0.0.1:%(ENV_PORT)s\nusername={USER}\npassword={PASSWORD}\n"
    )
    (tmp_path / "same.sock").symlink_to(f"{server.folder}/s.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/own.sock")
    sockets = (f"{server.folder}/s.sock", f"{tmp_path}/same.sock", f"{tmp_path}/none.sock")
    monkeypatch.setattr(module, "SOCKETS", sockets)
    monkeypatch.setattr(module, "CONFIGURATIONS", (str(conf), f"{tmp_path}/no.conf"))
    found = await Supervisord.discover({"PORT": str(server.port)}, 2.0)
    over_http, own, default, none = found
    assert over_http.settings is not None
    assert "[supervisorctl] of" in over_http.tried
    assert PASSWORD not in f"{over_http!r}{masked(over_http.settings)}"
    backend = Supervisord("main", over_http.settings)
    (check,) = await backend.check()
    assert check.ok
    await backend.close()
    assert own.settings is None
    assert "left behind" in own.reason
    # One socket with two names is one source.
    assert default.settings is not None
    assert none.settings is None
    assert none.reason == "no such socket"
