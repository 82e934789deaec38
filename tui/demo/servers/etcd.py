"""Three etcd members."""

from __future__ import annotations

from tui.demo.getting import ETCD, get
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Start


class DemoEtcd:
    name = "etcd"

    def plan(self, scene: Scene) -> list[Start]:
        program = get(ETCD)
        ports = free_ports(6)
        clients, peers = ports[:3], ports[3:]
        initial = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, peer in enumerate(peers))
        scene.etcd = [f"127.0.0.1:{port}" for port in clients]
        return [
            Start(
                name=f"etcd m{i}",
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
                    "--heartbeat-interval=100",
                    "--election-timeout=1000",
                    "--log-level=warn",
                    "--logger=zap",
                ),
                ready=f"http://127.0.0.1:{client}/health",
                address=f"127.0.0.1:{client}",
                environment={"ETCD_UNSUPPORTED_ARCH": "arm64"},
            )
            for i, (client, peer) in enumerate(zip(clients, peers, strict=True))
        ]

    def config(self, scene: Scene) -> str:
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in scene.etcd)
        groups = ", ".join(f'{name} = "/services/{name}/"' for name in sorted(scene.services))
        return f"[context.demo.etcd.main]\nendpoints = [{endpoints}]\ngroups = {{ {groups} }}\n"
