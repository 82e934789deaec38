"""ZooKeeper: an ensemble's servers, the ephemerals registered below its groups' paths, and the changes of znodes.

Servers are asked one by one, by four-letter words or their AdminServers; groups and changes are watched with a
session of kazoo's (zookeeper.apache.org/doc, Administrator's and Programmer's Guides).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, ClassVar

import msgspec

from backends.api.backend import TIMEOUT, Backend, Check, Found
from backends.api.capabilities import KeyWatch, Membership, Registry
from backends.api.errors import BackendError, Misconfigured, NotFound, Unreachable
from backends.api.members import Member, Members
from backends.api.nouns import Row
from backends.api.readings import Seen
from backends.api.settings import Secret, SecretSetting, Settings
from backends.coordination.all_failed import why_all_failed
from backends.coordination.registered import expected_sizes
from backends.coordination.rounds import milliseconds_since, poll
from backends.coordination.zookeeper_access import (
    WORDS,
    Access,
    NotListed,
    NotServing,
    Wire,
    endpoint,
    split_hosts,
)
from backends.coordination.zookeeper_census import ZookeeperCensus
from backends.coordination.zookeeper_changes import Changes, root_of
from backends.coordination.zookeeper_instances import Groups
from backends.coordination.zookeeper_link import connected, load_client
from backends.coordination.zookeeper_members import ZookeeperAsker
from backends.coordination.zookeeper_tree import Changed, Confirmed, Listed, Step, follow
from backends.coordination.zookeeper_words import whitelist_line
from backends.host_port import split
from backends.no_json import NO_JSON
from backends.secrets import reveal

DEFAULT = "127.0.0.1:2181"
WATCHED = 2_000
"""Znodes that are watched at most for `changes`: each one costs two watches on the server."""
INSTANCES = 10_000
"""Znodes that all groups together may have."""
PROOF = 1.2
"""Seconds that a server has to prove that it is there, where there is no group to watch."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group by the path of its parent, which `prefix` means as well; fewer than `expect` instances are a
    problem."""

    path: str | None = None
    prefix: str | None = None
    expect: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if len([name for name in (self.path, self.prefix) if name]) != 1:
            raise ValueError("Expected exactly one of path, prefix")


class ZookeeperSettings(Settings, frozen=True):
    """`hosts` is a connection string, `host:port,host:port/chroot`; groups' paths are below the chroot. `admin`
    are the AdminServers (`host:port`) of these hosts in the same order. `username` and `password` are for the
    scheme `digest`; `ca` or `cert` mean TLS."""

    hosts: Annotated[str, msgspec.Meta(min_length=1)] = DEFAULT
    groups: dict[str, str | Group] = msgspec.field(default_factory=dict)
    admin: tuple[str, ...] = ()
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: SecretSetting | None = None

    def access(self) -> Access:
        """Raises `Misconfigured` for hosts that are none."""
        endpoints, chroot = split_hosts(self.hosts)
        admin = tuple(endpoint(address) for address in self.admin)
        if admin and len(admin) != len(endpoints):
            hint = "admin lists the AdminServer of each of hosts, in the same order"
            raise Misconfigured(f"{len(admin)} of admin for {len(endpoints)} hosts", where="admin", hint=hint)
        ca, cert, key = (os.path.expanduser(path) if path else None for path in (self.ca, self.cert, self.key))
        return Access(
            endpoints,
            chroot,
            admin,
            tls=bool(ca or cert),
            ca=ca,
            cert=cert,
            key=key,
            username=self.username,
            password=self.password,
        )

    def paths(self) -> dict[str, str]:
        """The path of each group."""
        groups = self.groups.items()
        return {name: g if isinstance(g, str) else g.path or g.prefix or "/" for name, g in groups}


class Zookeeper(Backend, Membership, Registry, KeyWatch):
    kind: ClassVar[str] = "zookeeper"
    Settings: ClassVar[type[Settings]] = ZookeeperSettings
    example: ClassVar[str] = """\
# [context.lab.zookeeper.main]
# hosts = "127.0.0.1:2181,127.0.0.1:2182"
# groups = { web = "/services/web" }
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._access = settings.access()
        self._wire = Wire(self._access)
        self._census = ZookeeperCensus(self.source)
        self._groups = Groups(self.source, settings.paths())
        self._changes: dict[bytes, Changes] = {}

    @classmethod
    def preload(cls) -> None:
        load_client()

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        """zkCli.sh looks at localhost:2181 and has no variable of the environment for it."""
        tried = f"{DEFAULT}, ZooKeeper's default"
        wire = Wire(ZookeeperSettings().access())
        try:
            await wire.word(DEFAULT, "srvr", timeout)
        except (NotListed, NotServing):
            pass
        except BackendError as error:
            return (Found(tried, None, error.reason),)
        return (Found(tried, ZookeeperSettings()),)

    def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        asker = ZookeeperAsker(self._wire, self._census)
        return poll(asker, self._census, self._access.endpoints, last)

    async def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        rows = last
        async with aclosing(self._group_steps()) as following:
            async for step in following:
                if isinstance(step, Listed):
                    seen = self._groups.listed(rows, step)
                elif rows is None:
                    continue
                elif isinstance(step, Changed):
                    seen = self._groups.changed(rows, step)
                else:
                    seen = Seen(rows, frozenset())
                rows = seen.value
                yield seen

    def expected_sizes(self) -> Mapping[str, int]:
        return expected_sizes(self.settings.groups)

    async def changes(self, prefix: bytes, last: int | None) -> AsyncGenerator[Seen[int], None]:
        """The value is the zxid of the last change that was seen."""
        root = root_of(prefix.decode("utf-8", "replace"))
        if last is None or prefix not in self._changes:
            self._changes[prefix] = Changes(prefix)
        changes = self._changes[prefix]
        secret = await self._secret()
        steps = follow(self._wire, secret, [root], data=last is not None, most=WATCHED)
        async with aclosing(steps) as following:
            async for step in following:
                if isinstance(step, Listed):
                    yield changes.listed(step)
                elif isinstance(step, Changed):
                    yield changes.changed(step)
                else:
                    yield changes.confirmed()

    async def _group_steps(self) -> AsyncGenerator[Step, None]:
        roots = self._groups.roots
        if not roots:
            async with aclosing(self._no_groups()) as proving:
                async for step in proving:
                    yield step
            return
        secret = await self._secret()
        learn = None if self._access.chroot else self._census.learn
        steps = follow(self._wire, secret, roots, data=True, most=INSTANCES, learn=learn)
        async with aclosing(steps) as following:
            async for step in following:
                yield step

    async def _no_groups(self) -> AsyncGenerator[Step, None]:
        """Nothing to watch, and no session for it: that a server is there and serves, each second."""
        await self._wire.ready()
        step: Step = Listed({})
        while True:
            await self._any_serves()
            yield step
            step = Confirmed()
            await asyncio.sleep(1.0)

    async def _any_serves(self) -> None:
        failed: dict[str, BackendError] = {}
        endpoints = self._access.endpoints
        for at in range(len(endpoints)):
            address = endpoints[(self._wire.turn + at) % len(endpoints)]
            try:
                await self._wire.word(address, "srvr", PROOF)
            except NotListed:
                pass
            except BackendError as error:
                failed[address] = error
                continue
            self._wire.turn += at
            return
        raise why_all_failed(failed)

    async def _secret(self) -> Secret | None:
        password = self._access.password
        return None if password is None else await asyncio.to_thread(reveal, password)

    async def check(self) -> tuple[Check, ...]:
        try:
            await self._wire.ready()
            secret = await self._secret()
        except BackendError as error:
            return (Check(error.where, False, error.reason, hint=error.hint),)
        return tuple(await asyncio.gather(*(self._check(address, secret) for address in self._access.endpoints)))

    async def _check(self, address: str, secret: Secret | None) -> Check:
        """By its words, and by a session, as far as groups need one."""
        start = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                status = await self._wire.status(address, self.timeout)
                took = milliseconds_since(start)
                full = await self._wire.add_monitored(address, status, self.timeout)
                said = [f"ZooKeeper {status.version or 'of unknown version'}", status.mode or ""]
                if self._groups.roots:
                    async with connected(self._access, address, secret, self.timeout) as link:
                        await link.prove(self.timeout)
                    said.append("session ok")
        except BackendError as error:
            return Check(address, False, error.reason, hint=error.hint)
        except TimeoutError:
            return Check(address, False, f"no answer within {self.timeout:g} s")
        hints = [] if full.voters is not None or len(full.more) > 1 else [f"{whitelist_line(WORDS)} shows more"]
        if (trouble := self._wire.admin_trouble.get(address)) is not None:
            hints.append(f"asked by words: {trouble}")
        return Check(address, True, ", ".join(text for text in said if text), took, "; ".join(hints))

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if not isinstance(row, Member):
            return None
        if row.group is None:
            if row.address is None:
                return None
            host, port = split(row.address)
            return ("sh", "-c", f"echo srvr | nc {host} {port}")
        hosts = ",".join(self._access.endpoints) + self._access.chroot
        return ("zkCli.sh", "-server", hosts, "get", "-s", self._groups.path_of(row))

    async def raw(self, row: Row) -> str:
        if not isinstance(row, Member):
            raise NotFound("ZooKeeper has no such row", where=self.source)
        await self._wire.ready()
        if row.group is None:
            return await self._words_of(row.address or self._access.endpoints[0])
        return await self._znode(self._groups.path_of(row))

    async def _words_of(self, address: str) -> str:
        said: list[str] = []
        for word in WORDS:
            try:
                said.append(f"{word}\n{await self._wire.word(address, word, self.timeout / 2)}")
            except NotListed as error:
                said.append(f"{word}\n{error.reason}; {error.hint}\n")
        return "\n".join(said)

    async def _znode(self, path: str) -> str:
        secret = await self._secret()
        failed: dict[str, BackendError] = {}
        for address in self._access.endpoints:
            try:
                async with connected(self._access, address, secret, PROOF) as link:
                    data, stat = await link.get(path, PROOF)
            except NotFound:
                raise NotFound("the znode is gone", where=path) from None
            except Unreachable as error:
                failed[address] = error
                continue
            value = data.decode("utf-8", "replace")
            with contextlib.suppress(*NO_JSON):
                value = msgspec.json.format(value, indent=2)
            facts = "\n".join(f"{name:<16} {_shown(name, item)}" for name, item in stat._asdict().items())
            return f"znode            {path}\n{facts}\n\n{value}"
        raise why_all_failed(failed)

    async def close(self) -> None:
        await self._wire.close()


def _shown(name: str, value: int) -> str:
    """As zkCli.sh writes a stat: zxids and sessions in hex."""
    return f"{value % (1 << 64):#x}" if name.endswith("zxid") or name == "ephemeralOwner" else str(value)
