"""supervisord: its programs as units, and what they write as logs (supervisord.org/api.html)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec.structs import replace

from backends.api.actions import Action, Outcome, Permit, Target, Tell
from backends.api.backend import TIMEOUT, Backend, Check, Found
from backends.api.capabilities import Acting, Logs, Supervisor
from backends.api.errors import BackendError, BadReply, NotFound
from backends.api.events import Event
from backends.api.logs import Beside, LogBatch, LogRecord, Sieve
from backends.api.nouns import Row
from backends.api.readings import Seen
from backends.api.settings import SecretSetting, Settings
from backends.api.units import Unit, Units
from backends.processes.frozen import frozen
from backends.processes.supervisord_programs import About, Info, ProgramConfig, Programs, Roll, told_to_stop
from backends.processes.supervisord_rpc import Rpc, address_of
from backends.threads import Threads

if TYPE_CHECKING:
    from backends.logs.formats import Formats
    from backends.processes.signal_offer import Subject
    from backends.processes.supervisord_actions import ProgramActions
    from backends.processes.supervisord_logs import ProgramLogs

ABOUT = ("getSupervisorVersion", "getPID", "getIdentification")
CONFIGS = 10.0
"""Seconds between two looks at the configuration: what it changes for a program restarts it as well."""
LOG_WITHIN = 1.0
"""Seconds that its own log may take: units are told then, with or without it."""
FROZEN_WITHIN = 1.0
"""Seconds within which this host tells of its own processes: units are told then without that."""
INTERVAL = 2.0
"""Seconds between two looks: supervisord tells nobody over the wire what changes."""
LOG_READ = 8_192
"""Bytes of its own log that are looked at for how a program ended: some 80 lines."""
PATIENCE = 4.0
"""Seconds that a call may take at most."""


class SupervisordSettings(Settings, frozen=True):
    """`url`: `unix:///path` of its socket, or `http://host:port`; user and password may stand in it as well."""

    url: str = "unix:///run/supervisor.sock"
    username: str | None = None
    password: SecretSetting | None = None


class Supervisord(Backend, Supervisor, Logs, Acting):
    kind: ClassVar[str] = "supervisord"
    Settings: ClassVar[type[Settings]] = SupervisordSettings
    example: ClassVar[str] = """\
# [context.lab.supervisord.main]
# url = "unix:///run/supervisor.sock"       # or http://…; username, password as above
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._address = address_of(settings.url)
        self._rpc = Rpc(self._address, settings.username, settings.password, min(PATIENCE, 0.8 * timeout))
        self._roll = Roll(self.source)
        self._configs: dict[str, ProgramConfig] = {}
        """What each program is configured to be, as last told; empty where this supervisord does not tell
        (before 4.0)."""
        self._looking = Threads("signals", 2)
        self._here = False
        """Whether its programs are processes of this host."""

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        from backends.processes.supervisord_discovery import places

        found = []
        for place in await places(env):
            if place.reason:
                found.append(Found(place.tried, None, place.reason))
                continue
            password = None if place.password is None else place.password.reveal()
            settings = SupervisordSettings(url=place.url, username=place.username, password=password)
            found.append(Found(place.tried, settings))
        return tuple(found)

    async def units(self, last: Units | None) -> AsyncGenerator[Seen[Units], None]:
        """Of a restart between two looks the pid and the start tell. What differs in the first look after an
        outage is marked as seen after a gap."""
        before = last if isinstance(last, Programs) else None
        after_gap = before is not None
        about = await self._about()
        await self._read_configs()
        read, doubtful = time.monotonic(), False
        untold: set[str] = set()
        while True:
            infos = await self._infos()
            names = {info.full_name for info in infos}
            # Of one that runs on after it was taken out of the configuration supervisord has nothing to tell.
            untold &= names
            unknown = bool(self._configs) and not names <= self._configs.keys() | untold
            if unknown or (doubtful and time.monotonic() - read > CONFIGS):
                await self._read_configs()
                read, doubtful = time.monotonic(), False
                untold = names - self._configs.keys()
            enabled = {name: config.autostart for name, config in self._configs.items()}
            frozen = await self._frozen(infos, about)
            seen = self._roll.look(before, infos, about, enabled, frozen=frozen, after_gap=after_gap)
            yield (seen := await self._asked(seen))
            before, after_gap = seen.value, False
            if seen.news:
                about = await self._about()
                doubtful = True
            await asyncio.sleep(INTERVAL)

    async def _frozen(self, infos: list[Info], about: About) -> frozenset[int] | None:
        """The pids of its programs whose process is stopped by a signal, where they are of this host: one short
        file each. None where this host does not tell in time."""
        pids = [info.pid for info in infos if info.pid]
        if not (about.here and pids):
            return frozenset()
        try:
            async with asyncio.timeout(FROZEN_WITHIN):
                return await self._looking.run(lambda: frozen("/proc", about.pid, pids))
        except (BackendError, TimeoutError):
            return None

    async def _asked(self, seen: Seen[Programs]) -> Seen[Programs]:
        """The same, with those restarts marked as such that nobody asked for: a stop that was too short for two
        looks is told by supervisord's log alone."""
        if not any(isinstance(item, Event) and item.restart for item in seen.news):
            return seen
        try:
            async with asyncio.timeout(LOG_WITHIN):
                log = await self._rpc.call("supervisor.readLog", -LOG_READ, 0)
        except (BackendError, TimeoutError):
            return seen  # It writes none, or to where it can't be read.
        stopped = told_to_stop(str(log), seen.value.infos.values())
        news = (
            replace(item, restart=False) if isinstance(item, Event) and item.target in stopped else item
            for item in seen.news
        )
        return replace(seen, news=tuple(news))

    @cached_property
    def _logs(self) -> ProgramLogs:
        # Here: the first frame does not wait for what reads its lines.
        from backends.processes.supervisord_logs import ProgramLogs

        return ProgramLogs(self._rpc, self._ask_all, self._infos)

    def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        return self._logs.follow(last)

    def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if beside is not None:
            return self._logs.beside(beside, sieve, since, self.parse)
        return self._logs.history(sieve)

    @cached_property
    def _formats(self) -> Formats:
        # Imported with the first line that is looked at: a start has a dozen sources, and no line yet.
        from backends.logs.formats import Formats

        return Formats(self.source)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    @cached_property
    def _actions(self) -> ProgramActions:
        # Imported with the first one: most watches end without any, and every start would pay for it.
        from backends.processes.supervisord_actions import ProgramActions

        return ProgramActions(self._rpc, self.source)

    async def actions(self, row: Row) -> tuple[Action, ...]:
        if not isinstance(row, Unit):
            return ()
        return self._actions.actions(row, self._configs.get(row.name), await self._process(row))

    def target(self, row: Row) -> Target:
        if not isinstance(row, Unit):
            raise NotFound("supervisord has no such row", where=self.source)
        return self._actions.target(row)

    async def perform(self, action: Action, permit: Permit, tell: Tell) -> None:
        await self._actions.perform(action, permit, tell)

    async def look(self, action: Action, tell: Tell) -> Outcome:
        return await self._actions.look(action, tell)

    async def check(self) -> tuple[Check, ...]:
        where = self._address.shown
        try:
            async with asyncio.timeout(self.timeout):
                about, infos = await self._ask_all()
                # Once more: the first ones also connected.
                started = time.monotonic()
                await self._rpc.call("supervisor.getState")
                took = (time.monotonic() - started) * 1000
        except BackendError as error:
            return (Check(error.where or where, False, error.reason, hint=error.hint),)
        except TimeoutError:
            return (Check(where, False, f"no answer within {self.timeout:g} s"),)
        running = sum(info.statename == "RUNNING" for info in infos)
        text = f"supervisord {about.version}, pid {about.pid}, {running} of {len(infos)} programs run"
        return (Check(where, True, text, took),)

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if not isinstance(row, Unit):
            return None
        user = ("-u", self._rpc.username) if self._rpc.username else ()
        return ("supervisorctl", "-s", self._address.shown, *user, "status", row.name)

    async def raw(self, row: Row) -> str:
        if not isinstance(row, Unit):
            raise NotFound("supervisord has no such row", where=self.source)
        facts = await self._rpc.call("supervisor.getProcessInfo", row.name)
        with suppress(BackendError):
            every = await self._rpc.call("supervisor.getAllConfigInfo")
            own = [item for item in every if (item["group"], item["name"]) == (facts["group"], facts["name"])]
            facts |= {f"config {key}": value for item in own for key, value in item.items() if key not in facts}
        width = max(len(key) for key in facts)
        return "\n".join(f"{key:<{width}}  {value}" for key, value in facts.items())

    async def close(self) -> None:
        with suppress(Exception):
            await self._rpc.close()

    async def _ask_all(self) -> tuple[About, list[Info]]:
        *about, infos = await self._calls(*ABOUT, "getAllProcessInfo")
        return await self._made(*about), self._read(infos)

    async def _about(self) -> About:
        return await self._made(*await self._calls(*ABOUT))

    async def _calls(self, *names: str) -> list[Any]:
        """What several methods answer, asked at once."""
        answers: list[Any] = await self._rpc.call(
            "system.multicall", [{"methodName": f"supervisor.{name}", "params": []} for name in names]
        )
        if len(answers) != len(names) or any(isinstance(answer, dict) for answer in answers):
            # A fault of one of them, in the words of the call itself.
            answers = [await self._rpc.call(f"supervisor.{name}") for name in names]
        return answers

    async def _made(self, version: object, pid: Any, identification: object) -> About:
        host, here = self._address.host, False
        if self._address.near:
            # Behind an address of this host there may be a tunnel, or a container: whose host it is, nobody says.
            here = await asyncio.to_thread(_runs_here, pid)
            host = socket.gethostname().split(".")[0] if here else None
        self._here = here
        return About(str(version), int(pid), str(identification), host, here)

    async def _infos(self) -> list[Info]:
        return self._read(await self._rpc.call("supervisor.getAllProcessInfo"))

    def _read(self, answer: object) -> list[Info]:
        try:
            return msgspec.convert(answer, list[Info])
        except msgspec.ValidationError as error:
            raise BadReply(f"an answer that makes no sense: {error}", where=self._address.shown) from error

    async def _read_configs(self) -> None:
        try:
            answer = await self._rpc.call("supervisor.getAllConfigInfo")
            configs = msgspec.convert(answer, list[ProgramConfig])
        except (BackendError, msgspec.ValidationError):
            return
        self._configs = {config.full_name: config for config in configs}

    async def _process(self, row: Unit) -> Subject | None:
        """What its process is seen to be; None where it is on another host, or can't be looked at."""
        from backends.processes.signal_subject import subject_of_pid

        if not self._here or row.pid is None:
            return None
        pid, target = row.pid, self._actions.target(row)
        try:
            async with asyncio.timeout(self.timeout):
                return await self._looking.run(lambda: subject_of_pid("/proc", target, pid))
        except (OSError, ValueError, BackendError):
            return None


def _runs_here(pid: int) -> bool:
    """Whether the process is one of this host: its pid alone could be that of another one."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"supervisord" in file.read(1 << 16)
    except OSError:
        return False
