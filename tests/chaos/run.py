"""One run: a demo, the dashboard on it, the blows of a plan, and what is not as it ought to be afterwards."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from tests.chaos.answers import Servers
from tests.chaos.blows import SIZE, Production, Undo
from tests.chaos.growth import Held
from tests.chaos.plan import Blow, planned
from tests.chaos.shown import fits, open_screen, redrawn, rows, saved
from tests.chaos.skew import Skew
from tests.chaos.told import read
from tests.chaos.verdict import Beginning, complaints_of
from tests.outside.pty_program import Dashboard, restored
from tests.servers.demo_parts import Server, quiet_demo
from tests.servers.demo_run import WORKERS, loaded
from tui.demo.servers.supervisord import SERVICES
from tui.demo.servers.zookeeper import GROUPS

SERVERS = (
    *(f"etcd m{number}" for number in range(3)),
    *(f"zookeeper s{number}" for number in (1, 2, 3)),
    *("supervisord", "prometheus", "node-exporter", "journald"),
)
COMPARED = ("members", "units", "targets", "alerts")
VISITED = (*COMPARED, "processes", "metrics", "logs", "events", "overview")
WELL = 45.0
"""Seconds within which production is well again after the last blow: a session has ended, an alert is over."""
SHOWN = 15.0
"""Seconds within which the screen shows it then."""
LINGER = 12.0
"""Seconds after which what nobody looks at has let go of what it held."""
MEMORY = 40_000
"""KiB more that the dashboard may hold afterwards: lines and events that it keeps, and above all Textual's caches
of layouts, which have a bound; storms fill them."""
OTHERS = 4
"""Files, threads and children more: those of attempts that go on."""
INSTANCES = len(WORKERS) + sum(SERVICES[group] for group in GROUPS)
"""Those in etcd, and those in ZooKeeper."""
NOON = 12
"""The hour at which it is made to begin, so that an hour more or less is the same day."""

Say = Callable[[str], object]


@dataclass
class Run:
    """A run, while it goes on. `zone` is where the dashboard believes to be."""

    here: Production
    servers: Servers
    zone: timezone
    say: Say
    wrong: list[str] = field(default_factory=list)

    def open(self) -> Beginning:
        """Look at everything once, so that what is only ever imported or made once is there."""
        self.here.board.until(lambda: "all live" in self.here.board.text.splitlines()[0], WELL)
        beginning = Beginning.of(self.servers, Server(self.here.lab, "supervisord").identity.pid)
        for screen in VISITED:
            open_screen(self.here, screen)
            self.wait(1.0)
        self.wait(LINGER)
        return beginning

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.here.still:
                time.sleep(min(left, 0.05))
            else:
                self.here.pass_time(min(left, 0.2))

    def strike(self, blows: Sequence[Blow]) -> None:
        """Each blow at its moment, and taken back at its own; a busy machine is late with some."""
        began = time.monotonic()
        number = itertools.count()
        due: list[tuple[float, int, Undo]] = []

        def go_on(at: float) -> None:
            while due and due[0][0] <= at:
                self.wait(began + due[0][0] - time.monotonic())
                heapq.heappop(due)[2]()
            self.wait(began + at - time.monotonic())

        for blow in blows:
            go_on(blow.at)
            assert self.here.board.process.poll() is None, "the dashboard has ended"
            self.say(f"{blow.at:7.1f}  {blow.verb:<8} {blow.whom}  for {blow.lasts:.1f} s")
            undo = self.here.strike(blow)
            if undo is not None:
                heapq.heappush(due, (blow.until, next(number), undo))
        go_on(max((blow.until for blow in blows), default=0.0))

    def heal(self) -> None:
        """Until production itself is well again; on the overview, so that what lingers ends meanwhile."""
        open_screen(self.here, "overview")
        self.wait(LINGER)
        until_well(self.servers, self.wait)

    def compare(self) -> None:
        """Each table with what the servers say now."""
        for screen in COMPARED:
            open_screen(self.here, screen)
            end = time.monotonic() + SHOWN
            while not fits(found := rows(self.here), wanted := self.servers.rows()[screen]):
                if time.monotonic() > end:
                    self.complain(f"{screen} shows {found}, and the servers say {wanted}")
                    break
                self.wait(0.5)

    def look_for_remains(self) -> None:
        """What only stands on the terminal since nobody has painted over it; on the screen whose rows stay."""
        open_screen(self.here, "events")
        for _ in range(3):
            self.wait(0.5)
            before, after = redrawn(self.here)
            if before == after:
                return
        self.complain(f"the screen was\n{before}\nand drawn anew it is\n{after}")

    def complain(self, text: str) -> None:
        self.wrong.append(text)
        self.say(f"WRONG  {text}")


def ill(servers: Servers) -> str:
    """What of production is not as it was at the beginning; empty where all of it is."""
    said = servers.rows()
    instances = [row for row in said["members"] if " member " in row]
    lacking = [*said["alerts"], *(row for row in said["targets"] if not row.endswith(" up"))]
    lacking += [row for row in said["units"] if " RUNNING " not in row]
    if len(instances) != INSTANCES:
        lacking.append(f"of {INSTANCES} registrations only {instances}")
    return ", ".join(lacking)


def until_well(servers: Servers, wait: Callable[[float], object]) -> None:
    """Until production is well; that it does not get so is no fault of the dashboard."""
    end = time.monotonic() + WELL
    while why := _asked(servers):
        assert time.monotonic() < end, f"production itself is not well: {why}"
        wait(1.0)


def _asked(servers: Servers) -> str:
    try:
        return ill(servers)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def chaos(seed: int, seconds: float, state: Path, say: Say) -> list[str]:
    """What a run with this seed has found wrong. `state` is an empty folder, for the dashboard's own files."""
    utc = datetime.now(UTC)
    zone = timezone(timedelta(hours=NOON - utc.hour))
    with quiet_demo() as lab:
        servers = Servers(loaded(lab.folder))
        skew = Skew(lab.folder / "skew")
        environment = {
            **skew.environment,
            "XDG_STATE_HOME": str(state),
            "TZ": f"NOON{utc.hour - NOON:+d}",
        }
        until_well(servers, time.sleep)
        with Dashboard("--config", str(lab.config), size=SIZE, env=environment) as board:
            run = Run(Production(lab, board, skew), servers, zone, say)
            beginning = run.open()
            before = Held.by(board.process.pid)
            say(f"before: {before}")
            blows = planned(seed, seconds, SERVERS, sorted(WORKERS))
            began = datetime.now(zone)
            run.strike(blows)
            run.heal()
            after = Held.by(board.process.pid)
            say(f"after:  {after}")
            if after.more_than(before, MEMORY, OTHERS):
                run.complain(f"it has grown: {before} → {after}")
            run.compare()
            run.look_for_remains()
            told = read(saved(run.here, lab.folder / "events.txt"), began, datetime.now(zone))
            say(f"{len(blows)} blows, {len(told)} events")
            ending = Beginning.of(servers, Server(lab, "supervisord").identity.pid)
            for text in complaints_of(told, beginning, ending, servers.history(beginning.revision), blows, began):
                run.complain(text)
            log = state / "midwatch" / "midwatch.log"
            for text in _bugs(log.read_text() if log.exists() else ""):
                run.complain(f"its log says {text}")
            board.send(":q\r")
            if (status := board.ended()) != 0 or not restored(board):
                run.complain(
                    f"it ended with {status}, the terminal {'clean' if restored(board) else 'not clean'}"
                )
    return run.wrong


def _bugs(log: str) -> list[str]:
    """Lines of the log that tell of a bug of our own. What was slow to end may be the machine's fault; what never
    ends holds something."""
    lines = [line for line in log.splitlines() if " ERROR midwatch" in line or line.startswith("Traceback")]
    return [line for line in lines if not line.endswith("would not end and was abandoned")]
