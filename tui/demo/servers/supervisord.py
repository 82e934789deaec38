"""supervisord with six workers of ours: small HTTP services that register in etcd and ZooKeeper and write two
logs each."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from tui.demo import worker
from tui.demo.getting import Program
from tui.demo.packages.command import Missing
from tui.demo.ports import free_ports
from tui.demo.process import PART
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

SERVICES = {"web": 3, "checkout": 2, "search": 1}
CRASHES = "web-3"
"""Ends now and then, as services do."""
STUBBORN = "search-1"
"""Ignores SIGTERM."""
OUTDATED = "checkout-2"
"""Starts with no other version than its first: a rollout fails halfway."""
MODES = {CRASHES: "crashes", STUBBORN: "stubborn", OUTDATED: "outdated"}
ROLLED_OUT = {"web": ("1.8.2", "1.9.0", "1.9.1"), "checkout": ("1.8.2", "1.9.0")}
"""The services that can be deployed, and in which versions."""
USER = "midwatch"


class DemoSupervisord:
    name = "supervisord"
    programs: tuple[Program, ...] = ()

    def plan(self, scene: Scene) -> list[Start]:
        if importlib.util.find_spec("supervisor") is None:
            raise Missing("supervisord: the package supervisor is not installed: pip install 'midwatch[demo]'")
        ports = free_ports(sum(SERVICES.values()) + 1)
        http = ports.pop()
        for service, count in SERVICES.items():
            scene.services[service] = [f"127.0.0.1:{ports.pop()}" for _ in range(count)]
        conf = scene.folder / "supervisord.conf"
        password = secrets.token_urlsafe(12)
        _write(scene.folder / "supervisord.password", password)
        _write(conf, _conf(scene, http, password))
        socket = scene.folder / "supervisor.sock"
        return [
            Start(
                part=Part("supervisord", f"127.0.0.1:{http}", str(socket)),
                argv=(sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", str(conf)),
                starts=tuple(
                    Part(instance, address, f"http://{address}/metrics")
                    for _, instance, address in _instances(scene)
                ),
                patience=8.0,
            )
        ]

    def abandon(self, scene: Scene) -> None:
        scene.services = {}

    def config(self, scene: Scene) -> list[Snippet]:
        def logs(kind: str) -> str:
            return f"[context.demo.files.{kind}]\npaths = [{json.dumps(f'{scene.logs(kind)}/*.log')}]\n"

        address = json.dumps(f"unix://{scene.folder}/supervisor.sock")
        return [
            Snippet("files", logs("app")),
            Snippet("files", logs("access")),
            Snippet("supervisord", f"[context.demo.supervisord.main]\nurl = {address}\n"),
            *(Snippet("deploy", _deploy(scene, service)) for service in ROLLED_OUT),
        ]


def _instances(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Service, instance and address of each worker."""
    for service, addresses in scene.services.items():
        for number, address in enumerate(addresses, start=1):
            yield service, f"{service}-{number}", address


def _deploy(scene: Scene, service: str) -> str:
    argv = [sys.executable, "-P", "-m", "tui.demo.rollout", str(scene.folder), service, "{version}"]
    return (
        f'[context.demo.deploy.{service}]\nkind = "command"\nargv = {json.dumps(argv)}\ntimeout = 300\n'
        f"[context.demo.deploy.{service}.params.version]\nchoices = {json.dumps(ROLLED_OUT[service])}\n"
    )


def _conf(scene: Scene, http: int, password: str) -> str:
    folder = _value(str(scene.folder))
    parts = [
        f"[unix_http_server]\nfile={folder}/supervisor.sock\nchmod=0600\n",
        f"[inet_http_server]\nport=127.0.0.1:{http}\nusername={USER}\npassword={password}\n",
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        f"[supervisord]\npidfile={folder}/supervisord.pid\nlogfile={folder}/supervisord.log\n"
        f"childlogdir={folder}\nlogfile_maxbytes=1MB\n",
    ]
    for service, instance, address in _instances(scene):
        parts.append(_program(scene, service, instance, address))
    for service, addresses in scene.services.items():
        names = ",".join(f"{service}-{number}" for number in range(1, len(addresses) + 1))
        parts.append(f"[group:{service}]\nprograms={names}\n")
    return "\n".join(parts)


def _program(scene: Scene, service: str, instance: str, address: str) -> str:
    mode = MODES.get(instance, "plain")
    peers = " ".join(other for _, _, other in _instances(scene))
    environment = {
        PART: instance,
        "WORKER_SERVICE": service,
        "WORKER_INSTANCE": instance,
        "WORKER_VERSION": "1.8.1" if instance == CRASHES else "1.8.2",
        "WORKER_RELEASE": str(scene.folder / worker.RELEASES / instance),
        "WORKER_ADDRESS": address,
        "WORKER_ETCD": " ".join(scene.etcd),
        "WORKER_ZOOKEEPER": ",".join(scene.zookeeper),
        "WORKER_PEERS": "" if scene.quiet else peers,
        "WORKER_MODE": "plain" if scene.quiet and mode == "crashes" else mode,
        "WORKER_SUPERVISOR": str(scene.folder / "supervisord.pid"),
        "WORKER_APP_LOG": str(scene.logs("app") / f"{instance}.log"),
        "WORKER_ACCESS_LOG": str(scene.logs("access") / f"{instance}.log"),
    }
    quoted = ",".join(f'{key}="{_value(value)}"' for key, value in environment.items())
    command = _value(shlex.join((sys.executable, "-P", str(Path(worker.__file__)))))
    # The stubborn one is waited for on every way out, and one second is plenty for the others' goodbye.
    return (
        f"[program:{instance}]\ncommand={command}\n"
        f"environment={quoted}\nautorestart=true\nstartsecs=1\nstopwaitsecs=1\nredirect_stderr=true\n"
        f"stdout_logfile={_value(str(scene.folder))}/{instance}.out\nstdout_logfile_maxbytes=1MB\n"
    )


def _value(text: str) -> str:
    """supervisord expands `%(name)s` in every value."""
    return text.replace("%", "%%")


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
