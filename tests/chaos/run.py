"""One run: a demo, the dashboard on it, the blows of a plan, and what is not as it ought to be afterwards."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from tests.chaos.answers import Servers
from tests.chaos.audited import complaints_of as audit_complaints_of
from tests.chaos.blows import SIZE, Production, Undo
from tests.chaos.growth import Held
from tests.chaos.person import Person
from tests.chaos.plan import THROUGH_THE_DOOR, Blow, Verb, planned
from tests.chaos.shown import fits, open_screen, redrawn, rows, saved, sort_by_time
from tests.chaos.skew import Skew
from tests.chaos.told import read
from tests.chaos.verdict import Moment, complaints_of
from tests.chaos.well import WELL, until_well
from tests.outside.program import run as program
from tests.outside.pty_program import XTERM, Dashboard, restored
from tests.servers.demo_parts import Server, quiet_demo
from tests.servers.demo_run import WORKERS, loaded

SERVERS = (
    *(f"etcd m{number}" for number in range(3)),
    *(f"zookeeper s{number}" for number in (1, 2, 3)),
    *("supervisord", "prometheus", "node-exporter", "journald"),
)
COMPARED = ("members", "units", "targets", "alerts")
CONTEXT = "guarded"
VISITED = (*COMPARED, "processes", "metrics", "logs", "events", "overview")
SHOWN = 15.0
"""Seconds within which the screen shows it then."""
LINGER = 12.0
"""Seconds after which what nobody looks at has let go of what it held."""
MEMORY = 30_000
"""KiB more that the dashboard may hold afterwards: modules that only a fault needs, 2,000 events (3 MB) and some
lines at most, caches of layouts and texts (3 MB), what allocators keep of a storm. Ten minutes take 17,000."""
BEFORE_ANSWER = 48_000
"""Bytes that may come before the answer of a key that was pressed on a slow link: what the system keeps, and a
frame that had been begun. On a busy machine the key itself is late, and another frame comes first."""
LET_GO = 30.0
"""Seconds within which idle connections are closed, and files that lost their names."""
OTHERS = 4
"""Files, threads and children more: those of attempts that go on."""
NOON = 12
"""The hour at which it is made to begin, so that an hour more or less is the same day."""

Say = Callable[[str], object]


@dataclass
class Run:
    """A run, while it goes on."""

    here: Production
    servers: Servers
    person: Person
    say: Say
    wrong: list[str] = field(default_factory=list)

    def open(self) -> Moment:
        """Look at everything once, so that what is only ever imported or made once is there."""
        self.here.board.until(lambda: "all live" in self.here.board.text.splitlines()[0], WELL)
        beginning = self._moment()
        for screen in VISITED:
            open_screen(self.here, screen)
            self.wait(1.0)
        self.wait(LINGER)
        return beginning

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.here.pass_time(min(left, 0.2))

    def strike(self, blows: Sequence[Blow]) -> list[Blow]:
        """Each blow at its moment, and taken back at its own; a busy machine, or a person who acts meanwhile,
        makes some late. Gives them as they fell."""
        began = time.monotonic()
        fell: list[Blow] = []
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
            acts = blow.verb is Verb.ARM or blow.verb in THROUGH_THE_DOOR
            late = max(blow.at, round(time.monotonic() - began, 2))
            fell.append(replace(blow, at=late, lasts=max(0.0, blow.until - late)))
            undo = self.person.act(blow) if acts else self.here.strike(blow)
            if undo is not None:
                heapq.heappush(due, (blow.until, next(number), undo))
        go_on(max((blow.until for blow in blows), default=0.0))
        return fell

    def heal(self) -> None:
        """Until production itself is well again; on the overview, so that what lingers ends meanwhile."""
        open_screen(self.here, "overview")
        self.wait(LINGER)

        def wait(seconds: float) -> None:
            self.here.lab.revive()
            self.servers.start_stopped()
            self.wait(seconds)

        until_well(self.servers, wait)

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

    def measure(self, before: Held) -> None:
        end = time.monotonic() + LET_GO
        while (after := Held.by(self.here.board.process.pid)).more_than(before, MEMORY, OTHERS):
            if time.monotonic() > end:
                break
            self.wait(1)
        self.say(f"after:  {after}; opened: {after.opened_since(before)}")
        if after.more_than(before, MEMORY, OTHERS):
            self.complain(f"it has grown: {before} → {after}; opened: {after.opened_since(before)}")

    def judge_link(self) -> None:
        """Whether what a slow link still had to carry was little, however long it was slow."""
        late = self.here.late
        self.say(f"bytes before the answers of a slow link: {late}")
        if max(late, default=0) > BEFORE_ANSWER:
            self.complain(f"a key on a slow link was answered after {late} bytes")

    def hear(self, beginning: Moment, blows: Sequence[Blow], began: datetime) -> None:
        """Its timeline, on the screen that is open."""
        sort_by_time(self.here)
        text = saved(self.here, self.here.lab.folder / "events.txt")
        told = read(text, began, datetime.now(began.tzinfo))
        self.say(f"{len(blows)} blows, {len(told)} events")
        ending = self._moment()
        history = self.servers.history(beginning.revision)
        for complaint in complaints_of(told, beginning, ending, history, blows, began):
            self.complain(complaint)

    def read_log(self, path: Path) -> None:
        """Of bugs of our own. Slow to end may be the machine's fault; what never ends holds something."""
        for line in path.read_text().splitlines() if path.exists() else ():
            slow = line.endswith("would not end and was abandoned")
            if (" ERROR midwatch" in line and not slow) or line.startswith("Traceback"):
                self.complain(f"its log says {line}")

    def read_audit(self, state: Path) -> None:
        """Once the dashboard has ended: what it could not write at first has been written by then."""
        environment = {"XDG_STATE_HOME": str(state)}
        verified = program("audit", "verify", env=environment)
        if verified.status:
            self.complain(f"the audit is not whole: {verified.out}")
        entries = program("audit", "-o", "jsonl", env=environment).items
        told = Counter(entry["outcome"] for entry in entries)
        self.say(f"ordered: {', '.join(map(str, self.person.ordered))}; in the audit: {dict(told)}")
        for complaint in audit_complaints_of(entries, self.person.ordered):
            self.complain(complaint)

    def quit(self) -> None:
        self.here.board.send(":q\r")
        if (status := self.here.board.ended()) != 0:
            self.complain(f"it ended with {status}")
        if not restored(self.here.board):
            self.complain("it has not given the terminal back")

    def _moment(self) -> Moment:
        return Moment.of(self.servers, Server(self.here.lab, "supervisord").identity.pid)

    def complain(self, text: str) -> None:
        self.wrong.append(text)
        self.say(f"WRONG  {text}")


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
        words = ("--config", str(lab.config), "--context", CONTEXT)
        with Dashboard(*words, size=SIZE, env=environment, answers=XTERM) as board:
            here = Production(lab, board, skew)
            run = Run(here, servers, Person(here), say)
            beginning = run.open()
            before = Held.by(board.process.pid)
            say(f"before: {before}")
            blows = planned(seed, seconds, SERVERS, sorted(WORKERS))
            began = datetime.now(zone)
            fell = run.strike(blows)
            run.judge_link()
            run.heal()
            run.measure(before)
            run.compare()
            run.look_for_remains()
            run.hear(beginning, fell, began)
            run.read_log(state / "midwatch" / "midwatch.log")
            run.quit()
            run.read_audit(state)
    return run.wrong
