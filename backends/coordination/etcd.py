"""etcd: a cluster's members, the instances registered below its prefixes, and the changes of its keys.

Read from etcd's v3 API (etcd.io/docs, "etcd API"): Maintenance.Status of each member for itself,
Cluster.MemberList and alarms from whoever answers, groups by our own watch loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec

from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import KeyWatch, Membership, Registry
from backends.api.errors import BackendError, NotFound
from backends.api.models import (
    ChangeKind,
    Detail,
    Event,
    EventKind,
    KeyChange,
    Member,
    Members,
    MemberState,
    News,
    Process,
    Role,
    Row,
    Seen,
)
from backends.api.settings import SecretSetting, Settings
from backends.coordination.address import address_of
from backends.coordination.etcd_diagnose import Access
from backends.coordination.etcd_members import Census, poll_members
from backends.coordination.etcd_watch import Change, Changed, KeyValue, Listed, follow
from backends.coordination.etcd_wire import Wire, host_port, milliseconds_since

DEFAULT = "127.0.0.1:2379"


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group by prefix; fewer than `expect` instances are a problem."""

    prefix: str
    expect: int | None = None


class EtcdSettings(Settings, frozen=True):
    """`endpoints` are `host:port`, or `https://host:port` for TLS, which `ca`, `cert` or `key` mean as well."""

    endpoints: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (DEFAULT,)
    groups: dict[str, str | Group] = msgspec.field(default_factory=dict)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: SecretSetting | None = None
    insecure_skip_verify: bool = False

    def access(self) -> Access:
        """Raises `Misconfigured` for an endpoint that is none."""
        parsed = [host_port(endpoint) for endpoint in self.endpoints]
        return Access(
            tuple(address for address, _ in parsed),
            tls=any(tls for _, tls in parsed) or bool(self.ca or self.cert or self.insecure_skip_verify),
            ca=self.ca,
            cert=self.cert,
            key=self.key,
            username=self.username,
            password=self.password,
            skip_verify=self.insecure_skip_verify,
        )


class Instances(dict[str, Member]):
    """The instances by key, with the store's revision up to which they are right: what a restart needs."""

    def __init__(self, rows: Mapping[str, Member], revision: int) -> None:
        super().__init__(rows)
        self.revision = revision


class Etcd(Backend, Membership, Registry, KeyWatch):
    kind: ClassVar[str] = "etcd"
    Settings: ClassVar[type[Settings]] = EtcdSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._access = settings.access()
        # Two: a watch that moves to another endpoint must not move the calls for members with it.
        self._wire = Wire(self._access, timeout)
        self._watch_wire = Wire(self._access, timeout)
        self._census = Census(self.source)
        self._groups = [
            (name, (group if isinstance(group, str) else group.prefix).encode())
            for name, group in settings.groups.items()
        ]

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        if env.get("ETCDCTL_ENDPOINTS"):
            user, _, password = env.get("ETCDCTL_USER", "").partition(":")
            settings = EtcdSettings(
                endpoints=tuple(part.strip() for part in env["ETCDCTL_ENDPOINTS"].split(",") if part.strip()),
                ca=env.get("ETCDCTL_CACERT") or None,
                cert=env.get("ETCDCTL_CERT") or None,
                key=env.get("ETCDCTL_KEY") or None,
                username=user or None,
                password=env.get("ETCDCTL_PASSWORD") or password or None,
                insecure_skip_verify=env.get("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", "") in ("1", "true", "True"),
            )
            return (Found("$ETCDCTL_ENDPOINTS", settings, deliberate=True),)
        host, _, port = DEFAULT.rpartition(":")
        tried = f"{DEFAULT}, etcd's default"
        try:
            async with asyncio.timeout(timeout):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError):
            return (Found(tried, None, "nothing listens there, and ETCDCTL_ENDPOINTS is not set"),)
        writer.close()
        return (Found(tried, EtcdSettings()),)

    def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        return poll_members(self._wire, self._census, last)

    async def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        if not self._groups:
            async for nothing in self._no_groups():
                yield nothing
        rows = last if isinstance(last, Instances) else None
        prefixes = [prefix for _, prefix in self._groups]
        revision = None if rows is None else rows.revision
        async for step in follow(self._watch_wire, prefixes, revision, list_first=True):
            if isinstance(step, Listed):
                found = self._listed(step)
                news = () if rows is None else _differences(rows, found, self.source)
                rows = Instances(found, step.revision)
                yield Seen(rows, None, news)
            elif isinstance(step, Changed):
                rows, changed, events = self._changed(rows or {}, step)
                yield Seen(rows, changed, events)
            elif rows is not None:
                rows = rows if rows.revision == step.revision else Instances(rows, step.revision)
                yield Seen(rows, frozenset())
            else:
                yield Seen(Instances({}, step.revision))

    async def changes(self, prefix: bytes, last: int | None) -> AsyncGenerator[Seen[int], None]:
        async for step in follow(self._watch_wire, [prefix], last, list_first=False):
            news: tuple[News, ...] = ()
            if isinstance(step, Changed):
                news = tuple(_key_change(change) for change in step.changes)
            elif isinstance(step, Listed) and step.gap:
                text = b"the store was compacted: changes before this revision are lost"
                news = (KeyChange(datetime.now(UTC), ChangeKind.GAP, prefix, None, step.revision, text),)
            yield Seen(step.revision, None if news else frozenset(), news)

    async def _no_groups(self) -> AsyncGenerator[Seen[Members], None]:
        await self._watch_wire.ready()
        while True:
            await self._watch_wire.any("Maintenance", "Status", self._watch_wire.pb.StatusRequest(), 2.0)
            yield Seen({}, frozenset())
            await asyncio.sleep(2.0)

    def _row(self, group: str, prefix: bytes, kv: KeyValue) -> Member:
        key = kv.key.decode("utf-8", "backslashreplace")
        name = kv.key.removeprefix(prefix).decode("utf-8", "replace") or key
        value = kv.value[:65_536].decode("utf-8", "replace")
        address, version = address_of(value, name)
        details = [
            Detail("key", key),
            Detail("mod revision", kv.modified),
            Detail("version of key", kv.version),
            Detail("value", value[:500]),
        ]
        if kv.lease:
            details.insert(1, Detail("lease", f"{kv.lease:x}"))
        return Member(
            key=f"{self.source}/{group}/{key}",
            name=name,
            source=self.source,
            role=Role.MEMBER,
            state=MemberState.UP,
            group=group,
            address=address,
            version=version,
            details=tuple(details),
        )

    def _listed(self, step: Listed) -> dict[str, Member]:
        rows = {}
        for (group, prefix), found in zip(self._groups, step.found, strict=True):
            for kv in found:
                row = self._row(group, prefix, kv)
                rows[row.key] = row
        return rows

    def _changed(
        self, before: Mapping[str, Member], step: Changed
    ) -> tuple[Instances, frozenset[str], tuple[News, ...]]:
        rows = dict(before)
        changed = set()
        news: list[News] = []
        for change in step.changes:
            group, prefix = self._groups[change.prefix]
            key = f"{self.source}/{group}/{change.key.decode('utf-8', 'backslashreplace')}"
            changed.add(key)
            if change.kv is None:
                gone = rows.pop(key, None)
                if gone is not None:
                    news.append(_event(EventKind.LEFT, gone))
                continue
            row = self._row(group, prefix, change.kv)
            if key not in rows:
                news.append(_event(EventKind.JOINED, row))
            rows[key] = row
        return Instances(rows, step.revision), frozenset(changed), tuple(news)

    async def check(self) -> tuple[Check, ...]:
        try:
            await self._wire.ready()
        except BackendError as error:
            return (Check(error.where, False, error.reason, hint=error.hint),)
        return tuple(await asyncio.gather(*(self._check(endpoint) for endpoint in self._access.endpoints)))

    async def _check(self, endpoint: str) -> Check:
        start = time.monotonic()
        try:
            status = await self._wire.call(
                endpoint, "Maintenance", "Status", self._wire.pb.StatusRequest(), self.timeout - 0.5
            )
        except BackendError as error:
            return Check(endpoint, False, error.reason, hint=error.hint)
        return Check(endpoint, True, f"etcd {status.version}", milliseconds_since(start))

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if not isinstance(row, Member):
            return None
        access = self._access
        words = ["etcdctl", f"--endpoints={','.join(access.endpoints)}"]
        words += [f"--{name}={path}" for name, path in (("cacert", access.ca), ("cert", access.cert)) if path]
        words += [f"--key={access.key}"] if access.key else []
        words += [f"--user={access.username}"] if access.username else []
        if row.group is None:
            words[1] = f"--endpoints={row.address}" if row.address else words[1]
            return (*words, "endpoint", "status", "-w", "table")
        return (*words, "get", _detail(row, "key"))

    async def raw(self, row: Row) -> str:
        await self._wire.ready()
        as_json = await asyncio.to_thread(importlib.import_module, "google.protobuf.json_format")
        pb = self._wire.pb
        if isinstance(row, Process) or not isinstance(row, Member):
            raise NotFound("etcd has no such row", where=self.source)
        if row.group is None:
            endpoint = row.address or self._access.endpoints[0]
            return str(
                as_json.MessageToJson(
                    await self._wire.call(endpoint, "Maintenance", "Status", pb.StatusRequest())
                )
            )
        key = _detail(row, "key")
        reply = await self._wire.any("KV", "Range", pb.RangeRequest(key=key.encode()))
        if not reply.kvs:
            raise NotFound("the key is gone", where=key)
        kv = reply.kvs[0]
        value = kv.value.decode("utf-8", "replace")
        with contextlib.suppress(ValueError):
            value = json.dumps(json.loads(value), indent=2)
        return (
            f"key              {key}\nversion          {kv.version}\ncreate_revision  {kv.create_revision}\n"
            f"mod_revision     {kv.mod_revision}\nlease            {kv.lease:x}\n\n{value}"
        )

    async def close(self) -> None:
        await asyncio.gather(self._wire.close(), self._watch_wire.close(), return_exceptions=True)


def _detail(row: Member, label: str) -> str:
    return next((str(detail.value) for detail in row.details if detail.label == label), "")


def _event(kind: EventKind, row: Member, *, after_gap: bool = False) -> Event:
    text = f"{row.name}  {row.address or ''}".rstrip()
    return Event(datetime.now(UTC), kind, row.source, f"{row.group}/{row.name}", text, after_gap=after_gap)


def _differences(before: Mapping[str, Member], now: Mapping[str, Member], source: str) -> tuple[News, ...]:
    """Who came and went while the history was lost."""
    left = [row for key, row in before.items() if key not in now]
    joined = [row for key, row in now.items() if key not in before]
    return (
        *(_event(EventKind.LEFT, row, after_gap=True) for row in left),
        *(_event(EventKind.JOINED, row, after_gap=True) for row in joined),
    )


def _key_change(change: Change) -> KeyChange:
    now = datetime.now(UTC)
    if change.kv is None:
        return KeyChange(now, ChangeKind.DELETE, change.key, None, change.modified, None)
    return KeyChange(now, ChangeKind.PUT, change.key, change.kv.version, change.modified, change.kv.value)
