"""supervisord: its programs as units, and what they write as logs (supervisord.org/api.html)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from backends.api.actions import Action, Outcome, Permit, Target, Tell
from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import Acting, Logs, Supervisor
from backends.api.errors import BackendError, BadReply, NotFound
from backends.api.logs import LogBatch, LogRecord
from backends.api.models import Row, Seen, Unit, Units
from backends.api.settings import SecretSetting, Settings
from backends.logs.formats import Formats
from backends.processes.handling import Handling, parse_handling
from backends.processes.supervisord_actions import ProgramActions
from backends.processes.supervisord_discovery import places
from backends.processes.supervisord_logs import ProgramLogs
from backends.processes.supervisord_programs import About, Info, Programs, Roll
from backends.processes.supervisord_rpc import Rpc, address_of

INTERVAL = 1.0
"""Seconds between two looks: supervisord tells nobody over the wire what changes."""
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

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._address = address_of(settings.url)
        self._rpc = Rpc(self._address, settings.username, settings.password, min(PATIENCE, 0.8 * timeout))
        self._roll = Roll(self.source)
        self._actions = ProgramActions(self._rpc, self.source)
        self._here = False
        """Whether its programs are processes of this host."""
        self._logs = ProgramLogs(self._rpc, self._ask_all)
        self._formats = Formats(self.source)

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
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
        enabled = await self._enabled()
        while True:
            infos = await self._infos()
            if any(info.full_name not in enabled for info in infos) and enabled:
                enabled = await self._enabled()
            seen = self._roll.look(before, infos, about, enabled, after_gap=after_gap)
            yield seen
            before, after_gap = seen.value, False
            if seen.news:
                about = await self._about()
            await asyncio.sleep(INTERVAL)

    def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        return self._logs.follow(last)

    def history(self, since: datetime | None = None) -> AsyncGenerator[LogBatch, None]:
        return self._logs.history()

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)

    async def actions(self, row: Row) -> tuple[Action, ...]:
        if not isinstance(row, Unit):
            return ()
        near = self._here and row.pid is not None
        return self._actions.actions(row, await asyncio.to_thread(_handling, row.pid) if near else None)

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
            return (Check(where, False, f"no answer for {self.timeout:g} s"),)
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
        return await self._about(), await self._infos()

    async def _about(self) -> About:
        calls = ("getSupervisorVersion", "getPID", "getIdentification")
        answers = await self._rpc.call(
            "system.multicall", [{"methodName": f"supervisor.{name}", "params": []} for name in calls]
        )
        if len(answers) != len(calls) or any(isinstance(answer, dict) for answer in answers):
            # A fault of one of them, in the words of the call itself.
            answers = [await self._rpc.call(f"supervisor.{name}") for name in calls]
        version, pid, identification = answers
        host, here = self._address.host, False
        if self._address.near:
            # Behind an address of this host there may be a tunnel, or a container: whose host it is, nobody says.
            here = await asyncio.to_thread(_runs_here, pid)
            host = socket.gethostname().split(".")[0] if here else None
        self._here = here
        return About(str(version), int(pid), str(identification), host, here)

    async def _infos(self) -> list[Info]:
        answer = await self._rpc.call("supervisor.getAllProcessInfo")
        try:
            return msgspec.convert(answer, list[Info])
        except msgspec.ValidationError as error:
            raise BadReply(f"an answer that makes no sense: {error}", where=self._address.shown) from error

    async def _enabled(self) -> dict[str, bool]:
        """Which programs start by themselves; empty where this supervisord does not tell (before 4.0)."""
        try:
            answer = await self._rpc.call("supervisor.getAllConfigInfo")
            items = msgspec.convert(answer, list[_Config])
        except (BackendError, msgspec.ValidationError):
            return {}
        return {
            item.name if item.name == item.group else f"{item.group}:{item.name}": item.autostart
            for item in items
        }


class _Config(msgspec.Struct, frozen=True):
    """What is read of a row of getAllConfigInfo."""

    name: str
    group: str
    autostart: bool


def _handling(pid: int | None) -> Handling | None:
    """What a process of this host does with signals; None where that can't be looked at."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return parse_handling(file.read())
    except (OSError, ValueError):
        return None


def _runs_here(pid: int) -> bool:
    """Whether the process is one of this host: its pid alone could be that of another one."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"supervisord" in file.read(1 << 16)
    except OSError:
        return False
