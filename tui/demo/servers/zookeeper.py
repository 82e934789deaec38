"""Three ZooKeeper servers."""

from __future__ import annotations

from pathlib import Path

from tui.demo.getting import Program
from tui.demo.packages.command import Missing
from tui.demo.ports import free_ports
from tui.demo.servers import Scene, Snippet, Start
from tui.demo.state import Part

JAVA = Program("java", ("default-jre-headless",), folders=("usr/lib/jvm/*/bin",))
ZOOKEEPER = Program(
    "zookeeper.jar",
    ("libzookeeper-java", "libslf4j-java", "libdropwizard-metrics-java", "libsnappy-java"),
    folders=("usr/share/java",),
)

JARS = ("zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "metrics-core", "snappy-java")
"""All that a server needs without its AdminServer; snappy-java for an ensemble."""
GROUPS = ("search", "web")
"""The services whose instances are looked for here too; every worker registers in both."""


class DemoZookeeper:
    name = "zookeeper"
    programs = (JAVA, ZOOKEEPER)

    def plan(self, scene: Scene) -> list[Start]:
        java, jar = scene.program(JAVA), Path(scene.program(ZOOKEEPER))
        ports = free_ports(9)
        clients, peers, elections = ports[:3], ports[3:6], ports[6:]
        ensemble = "".join(
            f"server.{number}=127.0.0.1:{peer}:{election}\n"
            for number, (peer, election) in enumerate(zip(peers, elections, strict=True), start=1)
        )
        scene.zookeeper = [f"127.0.0.1:{port}" for port in clients]
        starts: list[Start] = []
        for number, client in enumerate(clients, start=1):
            config = configure(scene.folder / "zookeeper" / f"s{number}", number, client, ensemble)
            part = Part(f"zookeeper s{number}", f"127.0.0.1:{client}", f"srvr://127.0.0.1:{client}")
            # Told to end together, the last has no quorum; their data is thrown away.
            starts.append(Start(part, server(java, jar, config), patience=0.5))
        return starts

    def abandon(self, scene: Scene) -> None:
        scene.zookeeper = []

    def config(self, scene: Scene) -> list[Snippet]:
        groups = ", ".join(f'{name} = "/services/{name}"' for name in GROUPS if name in scene.services)
        text = f'[context.demo.zookeeper.main]\nhosts = "{",".join(scene.zookeeper)}"\n'
        return [Snippet("zookeeper", text + (f"groups = {{ {groups} }}\n" if groups else ""))]


def configure(folder: Path, number: int, client: int, ensemble: str, more: str = "") -> Path:
    """Write what a server reads; its configuration's path. `ensemble` are the lines `server.N=…`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "myid").write_text(f"{number}\n")
    path = folder / "zoo.cfg"
    path.write_text(
        # A second leader within 2 s of a kill.
        "tickTime=500\ninitLimit=20\nsyncLimit=4\n"
        f"dataDir={folder}\nclientPort={client}\nclientPortAddress=127.0.0.1\n"
        "admin.enableServer=false\n4lw.commands.whitelist=srvr,mntr,conf\n"
        f"{more}{ensemble}"
    )
    return path


def server(java: str, jar: Path, config: Path) -> tuple[str, ...]:
    """How a server is started. Raises `Missing` where one of the jars beside the first is not there."""
    jars = [jar.with_name(f"{name}.jar") for name in JARS]
    lacking = [path.name for path in jars if not path.exists()]
    if lacking:
        raise Missing(f"{jar.parent} has no {' '.join(lacking)}")
    return (
        java,
        *("-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        # Else a file in /tmp outlives a killed one.
        "-XX:-UsePerfData",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *("-cp", ":".join(map(str, jars))),
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        str(config),
    )
