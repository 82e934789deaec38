"""supervisord's programs as units: its answers as rows, and what differs between two of them as news. No I/O.

States as in supervisord.org/subprocess.html: BACKOFF is `starting`, since supervisord goes on trying by itself
until it gives up (FATAL, `failed`). EXITED is `stopped` where the exit was expected, else `failed`: only for an
unexpected one supervisor/process.py sets a spawn error ("Bad exit code 3"), and it clears it at the next start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from backends.api.details import Detail
from backends.api.events import Event, EventKind
from backends.api.readings import News, Seen, differing
from backends.api.units import Unit, UnitState

STATES = {
    "STOPPED": UnitState.STOPPED,
    "STARTING": UnitState.STARTING,
    "RUNNING": UnitState.RUNNING,
    "BACKOFF": UnitState.STARTING,
    "STOPPING": UnitState.STOPPING,
    "FATAL": UnitState.FAILED,
}
IDLE = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
"""Its words for what does not run and is not about to."""
ASKED_FOR = frozenset({"STOPPING", "STOPPED", "FATAL"})
"""Its words for what it does not start again by itself."""
ENDED = re.compile(r"^\d{4}-\d\d-\d\d \S+ \w+ (stopped|exited): (.+) \(", re.MULTILINE)
"""How its own log tells that a program has ended: as it was told to, or by itself (supervisor/process.py)."""
DEBUG = re.compile(r"^\d{4}-\d\d-\d\d \S+ DEBG ", re.MULTILINE)
"""With these in it, it also holds what the programs print, which could be anything."""
FROZEN, THAWED = "frozen: its process was stopped by a signal", "its process goes on"
SKEW = 2.0
"""Seconds by which the server's clock may differ from ours before its times are corrected."""


class Named(msgspec.Struct, frozen=True):
    """A program, as supervisord tells of it."""

    name: str
    group: str

    @property
    def full_name(self) -> str:
        """`group:name`, plain where both are equal."""
        return self.name if self.group == self.name else f"{self.group}:{self.name}"


class Info(Named, frozen=True):
    """One row of getAllProcessInfo. Times are whole unix seconds of the server's clock, 0 for never."""

    start: int
    stop: int
    now: int
    statename: str
    spawnerr: str
    exitstatus: int
    pid: int
    stdout_logfile: str = ""
    stderr_logfile: str = ""


class ProgramConfig(Named, frozen=True):
    """What is read of a row of getAllConfigInfo; what an older supervisord does not tell is as it is by default.
    Seconds: how long one may take to stop before SIGKILL, and has to run before it counts as started."""

    autostart: bool
    command: str = ""
    stopwaitsecs: int = 10
    startsecs: int = 1


class About(msgspec.Struct, frozen=True):
    """Who answers. `here`: its process was found on this host; `host` is its host's name, where known."""

    version: str
    pid: int
    identification: str
    host: str | None
    here: bool


class Programs(dict[str, Unit]):
    """The units by key, with the answers they were made of. Not changed once it is yielded."""

    def __init__(self, rows: Mapping[str, Unit], infos: Mapping[str, Info], about: About) -> None:
        super().__init__(rows)
        self.infos = infos
        self.about = about


class Roll:
    """The programs of one supervisord, answer after answer."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._skew = 0.0

    def look(
        self,
        before: Programs | None,
        answer: Sequence[Info],
        about: About,
        enabled: Mapping[str, bool],
        *,
        frozen: Container[int] | None = (),
        after_gap: bool = False,
    ) -> Seen[Programs]:
        """Rows, what changed, and the news; `frozen` are pids, None where that is not known now: a process is as
        it was then. `after_gap` marks what is seen after an outage."""
        self._learn_skew(answer)
        rows, infos = {}, {}
        for info in answer:
            key = f"{self._source}/{info.full_name}"
            old = None if before is None else before.get(key)
            old_info = None if before is None else before.infos.get(key)
            row = self._row(key, info, old, old_info, about, enabled.get(info.full_name))
            if frozen is None:
                if old is not None and old.frozen and old.pid == row.pid:
                    row = replace(row, frozen=True, frozen_since=old.frozen_since)
            elif info.pid in frozen:
                row = replace(row, frozen=True, frozen_since=_frozen_since(old, after_gap))
            rows[key] = old if old == row else row
            infos[key] = info
        now = Programs(rows, infos, about)
        if before is None:
            return Seen(now)
        return Seen(now, differing(before, now), tuple(self._news(before, now, after_gap)))

    def _learn_skew(self, answer: Sequence[Info]) -> None:
        """How far the server's clock is behind ours; kept while it holds, so that no time moves."""
        if not answer:
            return
        differs = datetime.now(UTC).timestamp() - answer[0].now
        if abs(differs - self._skew) > SKEW:
            self._skew = differs if abs(differs) > SKEW else 0.0

    def _time(self, seconds: int) -> datetime | None:
        with suppress(ValueError, OverflowError, OSError):  # of a year that no calendar has
            return datetime.fromtimestamp(seconds + round(self._skew), UTC) if seconds else None
        return None

    def _row(
        self,
        key: str,
        info: Info,
        old: Unit | None,
        old_info: Info | None,
        about: About,
        enabled: bool | None,
    ) -> Unit:
        state = state_of(info)
        supervisor = f"{about.identification} {about.version}, pid {about.pid}"
        facts = [Detail("supervisor", supervisor)]
        facts += [Detail("stdout", info.stdout_logfile)] if info.stdout_logfile else []
        facts += [Detail("stderr", info.stderr_logfile)] if info.stderr_logfile else []
        return Unit(
            key=key,
            name=info.full_name,
            source=self._source,
            host=about.host,
            state=state,
            native=info.statename,
            pid=info.pid or None,
            since=self._since(info, old, old_info),
            restarts=_restarts(info, old, old_info),
            exit=_exit(info, old, old_info),
            enabled=enabled,
            spawn_error=_told(info) or None,
            details=tuple(facts),
        )

    def _since(self, info: Info, old: Unit | None, old_info: Info | None) -> datetime | None:
        """When it entered its state: the start or the last end. Nothing says since when a program is being
        stopped, unless we saw it begin."""
        if info.statename in ("STARTING", "RUNNING"):
            return self._time(info.start)
        if info.statename in ("BACKOFF", "FATAL"):
            # The last try, and it was over at once: one that could not be spawned has a start and no end.
            return self._time(max(info.start, info.stop))
        if info.statename != "STOPPING":
            return self._time(info.stop)
        if old is None or old_info is None:
            return None
        return old.since if old_info.statename == "STOPPING" else self._time(info.now)

    def _news(self, before: Programs, now: Programs, after_gap: bool) -> Iterator[News]:
        if before.about.pid != now.about.pid:
            yield self._event(
                self._source, f"supervisord was restarted: pid {before.about.pid} → {now.about.pid}", after_gap
            )
        for key, row in before.items():
            if key not in now:
                yield self._event(row.name, f"removed, was {said(row)}", after_gap)
        for key, row in now.items():
            old = before.get(key)
            text = f"added, {said(row)}" if old is None else _change(old, row, before.infos[key], now.infos[key])
            if text:
                # From a stop nothing is started that nobody has asked for.
                again = (
                    old is not None
                    and _started_again(now.infos[key], before.infos[key])
                    and before.infos[key].statename not in ASKED_FOR
                )
                bad = row.state is UnitState.FAILED or row.frozen
                yield self._event(row.name, text, after_gap, bad=bad, restart=again)

    def _event(
        self, target: str, text: str, after_gap: bool, *, bad: bool = False, restart: bool = False
    ) -> Event:
        facts = (datetime.now(UTC), EventKind.STATE, self._source, target, text)
        return Event(*facts, after_gap=after_gap, bad=bad, restart=restart)


def _frozen_since(old: Unit | None, after_gap: bool) -> datetime | None:
    if old is None or old.frozen:
        return None if old is None else old.frozen_since
    return None if after_gap else datetime.now(UTC)


def state_of(info: Info) -> UnitState:
    if info.statename == "EXITED":
        return UnitState.FAILED if info.spawnerr else UnitState.STOPPED
    return STATES.get(info.statename, UnitState.UNKNOWN)


def _told(info: Info) -> str:
    """supervisord's words for what went wrong; its -1 is any signal (supervisor/options.py)."""
    by_signal = info.statename == "EXITED" and info.exitstatus < 0
    return f"{info.spawnerr}: killed by a signal" if by_signal and info.spawnerr else info.spawnerr


def _started_again(info: Info, old: Info) -> bool:
    """Whether it was started since: a pid of its own tells two starts of one second apart."""
    return bool(old.start and info.start) and (
        info.start != old.start or bool(info.pid and old.pid and info.pid != old.pid)
    )


def _restarts(info: Info, old: Unit | None, old_info: Info | None) -> int | None:
    """supervisord keeps no count. Unknown until one is seen; from then on how many were, at least."""
    if old is None or old_info is None:
        return None
    return (old.restarts or 0) + 1 if _started_again(info, old_info) else old.restarts


def _exit(info: Info, old: Unit | None, old_info: Info | None) -> int | None:
    """The last exit status, known only in EXITED: a program that ended too quickly has lost it (a FATAL one that
    exited with 3 says 0), and -1 is any signal. It stays known for as long as the next run lasts."""
    if info.statename == "EXITED":
        return info.exitstatus if info.exitstatus >= 0 else None
    if old is None or old_info is None or info.statename not in ("STARTING", "RUNNING"):
        return None
    same_run = old_info.statename == "EXITED" or not _started_again(info, old_info)
    return old.exit if same_run else None


def _change(old: Unit, row: Unit, old_info: Info, info: Info) -> str:
    """What happened between two looks, as a phrase; empty for nothing."""
    if old.native == row.native:
        if not _started_again(info, old_info):
            return "" if old.frozen is row.frozen else FROZEN if row.frozen else THAWED
        pids = f": pid {old.pid} → {row.pid}" if old.pid and row.pid else ""
        return f"restarted{pids}" if row.state is UnitState.RUNNING else f"tried again: {said(row)}"
    words = f"{old.state.value} → {said(row)}"
    if old.state is row.state:
        words = f"{row.state.value} ({old.native} → {row.native})"
    why = _told(info)
    if info.statename == "EXITED" and not why:
        why = f"exit {info.exitstatus}, expected"
    if row.pid and old.pid and row.pid != old.pid:
        why = f"pid {old.pid} → {row.pid}"
    return f"{words}: {why}" if why else words


def said(row: Unit) -> str:
    """Its state, with the supervisor's own word for it where that is another one."""
    state = row.state.value
    return state if row.native.lower() == state else f"{state} ({row.native})"


def told_to_stop(log: str, programs: Iterable[Named]) -> set[str]:
    """The full names of the programs that ended last because they were told to, as far as supervisord's own log
    says so. It tells of them without their group: nothing is known of those that share their name."""
    if DEBUG.search(log):
        return set()
    last = {name: how for how, name in ENDED.findall(log)}
    known = list(programs)
    called = Counter(program.name for program in known)
    return {p.full_name for p in known if called[p.name] == 1 and last.get(p.name) == "stopped"}
