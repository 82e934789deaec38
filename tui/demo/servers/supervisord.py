"""supervisord with six workers of ours: small HTTP services that register in etcd and write two logs each."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from pathlib import Path

from tui.demo import worker
from tui.demo.getting import Missing
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Start

SERVICES = {"web": 3, "checkout": 2, "search": 1}
CRASHES = "web-3"
"""Ends now and then, as services do."""
STUBBORN = "search-1"
"""Ignores SIGTERM."""


class DemoSupervisord:
    name = "supervisord"

    def plan(self, scene: Scene) -> list[Start]:
        if importlib.util.find_spec("supervisor") is None:
            raise Missing("supervisord: the package supervisor is not installed: pip install 'midwatch[demo]'")
        ports = free_ports(sum(SERVICES.values()) + 1)
        http = ports.pop()
        for name, count in SERVICES.items():
            scene.services[name] = [f"127.0.0.1:{ports.pop()}" for _ in range(count)]
        conf = scene.folder / "supervisord.conf"
        password = secrets.token_urlsafe(12)
        _write(scene.folder / "supervisord.password", password)
        _write(conf, _conf(scene, http, password))
        return [
            Start(
                name="supervisord",
                argv=(sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", str(conf)),
                ready=str(scene.folder / "supervisor.sock"),
                address=f"127.0.0.1:{http}",
                patience=8.0,
            )
        ]

    def config(self, scene: Scene) -> str:
        return (
            f'[context.demo.files.app]\npaths = ["{scene.logs("app")}/*.log"]\n\n'
            f'[context.demo.files.access]\npaths = ["{scene.logs("access")}/*.log"]\n'
        )


def _conf(scene: Scene, http: int, password: str) -> str:
    folder = scene.folder
    parts = [
        f"[unix_http_server]\nfile={folder}/supervisor.sock\nchmod=0600\n",
        f"[inet_http_server]\nport=127.0.0.1:{http}\nusername=midwatch\npassword={password}\n",
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        f"[supervisord]\npidfile={folder}/supervisord.pid\nlogfile={folder}/supervisord.log\n"
        f"childlogdir={folder}\nlogfile_maxbytes=1MB\n",
    ]
    for service, addresses in scene.services.items():
        for number, address in enumerate(addresses, start=1):
            parts.append(_program(scene, service, f"{service}-{number}", address))
    return "\n".join(parts)


def _program(scene: Scene, service: str, instance: str, address: str) -> str:
    mode = "crashes" if instance == CRASHES else "stubborn" if instance == STUBBORN else "plain"
    peers = " ".join(other for others in scene.services.values() for other in others)
    environment = {
        "WORKER_SERVICE": service,
        "WORKER_INSTANCE": instance,
        "WORKER_ADDRESS": address,
        "WORKER_ETCD": " ".join(scene.etcd),
        "WORKER_PEERS": "" if scene.quiet else peers,
        "WORKER_MODE": "plain" if scene.quiet and mode == "crashes" else mode,
        "WORKER_APP_LOG": str(scene.logs("app") / f"{instance}.log"),
        "WORKER_ACCESS_LOG": str(scene.logs("access") / f"{instance}.log"),
    }
    quoted = ",".join(f'{key}="{value}"' for key, value in environment.items())
    return (
        f"[program:{instance}]\ncommand={sys.executable} -P {Path(worker.__file__)}\n"
        f"environment={quoted}\nautorestart=true\nstartsecs=1\nstopwaitsecs=2\nredirect_stderr=true\n"
        f"stdout_logfile={scene.folder}/{instance}.out\nstdout_logfile_maxbytes=1MB\n"
    )


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
