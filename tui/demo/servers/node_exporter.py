"""node-exporter: this host's figures for the demo's Prometheus."""

from __future__ import annotations

from tui.demo.getting import Program
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

NODE_EXPORTER = Program("prometheus-node-exporter", ("prometheus-node-exporter",))

# Debian's build has collectors on that are not for a plain user, an error line for each scrape.
COLLECTORS = ("cpu", "filesystem", "loadavg", "meminfo", "netdev")


class DemoNodeExporter:
    name = "node-exporter"
    programs = (NODE_EXPORTER,)

    def plan(self, scene: Scene) -> list[Start]:
        program = scene.program(NODE_EXPORTER)
        address = f"127.0.0.1:{free_ports(1)[0]}"
        scene.exporters["node"] = {"this-host": address}
        return [
            Start(
                part=Part("node-exporter", address, f"http://{address}/metrics"),
                argv=(
                    program,
                    f"--web.listen-address={address}",
                    "--web.disable-exporter-metrics",
                    "--log.level=warn",
                    "--collector.disable-defaults",
                    *(f"--collector.{name}" for name in COLLECTORS),
                ),
                patience=1.0,
            )
        ]

    def abandon(self, scene: Scene) -> None:
        scene.exporters.pop("node", None)

    def config(self, scene: Scene) -> list[Snippet]:
        return []
