"""etcd: a cluster's members, the instances registered below its prefixes, and the changes of its keys.

Read from etcd's v3 API (etcd.io/docs, "etcd API"): Maintenance.Status of each member for itself,
Cluster.MemberList and alarms from whoever answers, groups by our own watch loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec

from backends.api.backend import TIMEOUT, Backend, Check, Found
from backends.api.capabilities import KeyWatch, Membership, Registry
from backends.api.errors import BackendError, NotFound
from backends.api.members import Member, Members
from backends.api.nouns import Row
from backends.api.readings import News, Seen
from backends.api.settings import SecretSetting, Settings
from backends.api.stores import ChangeKind, KeyChange
from backends.coordination.etcd_census import EtcdCensus
from backends.coordination.etcd_diagnose import Access
from backends.coordination.etcd_instances import Groups, Instances
from backends.coordination.etcd_members import EtcdAsker
from backends.coordination.etcd_stream import Change, Changed, Confirmed
from backends.coordination.etcd_watch import Listed, Step, follow
from backends.coordination.etcd_wire import Wire, client_address, load_client
from backends.coordination.registered import expected_sizes
from backends.coordination.rounds import milliseconds_since, poll
from backends.host_port import split
from backends.no_json import NO_JSON
from backends.secrets import Shared

DEFAULT = "127.0.0.1:2379"
TRUE = ("1", "t", "T", "true", "True", "TRUE")
"""What etcdctl takes for true in its environment (Go's strconv.ParseBool)."""
PROOF = 1.2
"""Seconds that an endpoint has to prove that it is there, where there is no group to watch."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group by prefix; fewer than `expect` instances are a problem."""

    prefix: str
    expect: Annotated[int, msgspec.Meta(ge=0)] | None = None


class EtcdSettings(Settings, frozen=True):
    """`endpoints` are `host:port`, or `https://host:port` for TLS, which `ca`, `cert` or `key` mean as well.

    `insecure_skip_tls_verify` is etcdctl's word; here it trusts exactly the certificate that the server shows,
    as long as that has not expired.
    """

    endpoints: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (DEFAULT,)
    groups: dict[str, str | Group] = msgspec.field(default_factory=dict)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password: SecretSetting | None = None
    insecure_skip_tls_verify: bool = False

    def access(self) -> Access:
        """Raises `Misconfigured` for an endpoint that is none."""
        parsed = [client_address(endpoint) for endpoint in self.endpoints]
        ca, cert, key = (os.path.expanduser(path) if path else None for path in (self.ca, self.cert, self.key))
        return Access(
            tuple(dict.fromkeys(address for address, _ in parsed)),
            tls=any(tls for _, tls in parsed) or bool(ca or cert or self.insecure_skip_tls_verify),
            ca=ca,
            cert=cert,
            key=key,
            username=self.username,
            password=None if self.password is None else Shared(self.password),
            skip_verify=self.insecure_skip_tls_verify,
        )

    def prefixes(self) -> dict[str, str]:
        """The prefix of each group."""
        return {name: group if isinstance(group, str) else group.prefix for name, group in self.groups.items()}


class Etcd(Backend, Membership, Registry, KeyWatch):
    kind: ClassVar[str] = "etcd"
    Settings: ClassVar[type[Settings]] = EtcdSettings
    example: ClassVar[str] = """\
[context.lab.etcd.main]
endpoints = ["127.0.0.1:2379"]              # https:// for TLS
groups = { web = "/services/web/" }         # who registered below a prefix
# ca = "ca.pem"
# username = "midwatch"
# password = { env = "ETCD_PASSWORD" }      # or { file = "…" }, or { command = ["pass", "show", "etcd"] }
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._access = settings.access()
        # Two: a watch that moves to another endpoint must not move the calls for members with it.
        self._wire = Wire(self._access, timeout)
        self._watch_wire = Wire(self._access, timeout)
        self._census = EtcdCensus(self.source)
        self._groups = Groups(self.source, settings.prefixes())

    @classmethod
    def preload(cls) -> None:
        load_client()

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        endpoints = tuple(part.strip() for part in env.get("ETCDCTL_ENDPOINTS", "").split(",") if part.strip())
        user, password = env.get("ETCDCTL_USER", ""), env.get("ETCDCTL_PASSWORD", "")
        if not password:
            user, _, password = user.partition(":")
        settings = EtcdSettings(
            endpoints=endpoints or (DEFAULT,),
            ca=env.get("ETCDCTL_CACERT") or None,
            cert=env.get("ETCDCTL_CERT") or None,
            key=env.get("ETCDCTL_KEY") or None,
            username=user or None,
            password=password or None,
            insecure_skip_tls_verify=env.get("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", "") in TRUE,
        )
        if endpoints:
            return (Found("$ETCDCTL_ENDPOINTS", settings),)
        host, port = split(DEFAULT)
        tried = f"{DEFAULT}, etcd's default"
        try:
            async with asyncio.timeout(timeout):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError):
            return (Found(tried, None, "nothing listens there, and ETCDCTL_ENDPOINTS is not set"),)
        writer.close()
        return (Found(tried, settings),)

    def members(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        asker = EtcdAsker(self._wire, self._census)
        return poll(asker, self._census, self._access.endpoints, last)

    async def instances(self, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        """The value carries the position in the store's history that a restart goes on from (`Instances`)."""
        rows = last if isinstance(last, Instances) else None
        prefixes = self._groups.prefixes
        position = None if rows is None else rows.position
        steps = follow(self._watch_wire, prefixes, position, keys=True) if prefixes else self._no_groups()
        async with aclosing(steps) as following:
            async for step in following:
                if isinstance(step, Listed):
                    seen = self._groups.listed(rows, step, self._watch_wire.cluster_id)
                elif rows is None:
                    continue
                elif isinstance(step, Changed):
                    seen = self._groups.changed(rows, step, self._watch_wire.cluster_id)
                else:
                    same = rows.position == step.position
                    seen = Seen(rows if same else Instances(rows, step.position), frozenset())
                rows = seen.value
                yield seen

    def expected_sizes(self) -> Mapping[str, int]:
        return expected_sizes(self.settings.groups)

    async def changes(self, prefix: bytes, last: int | None) -> AsyncGenerator[Seen[int], None]:
        position = None if last is None else (last,)
        async with aclosing(follow(self._watch_wire, [prefix], position, keys=False)) as following:
            async for step in following:
                news: tuple[News, ...] = ()
                revision = step.position[0]
                if isinstance(step, Changed):
                    news = tuple(_key_change(change) for change in step.changes)
                elif isinstance(step, Listed) and step.gap is not None:
                    why = step.gap.encode()
                    news = (KeyChange(datetime.now(UTC), ChangeKind.GAP, prefix, None, revision, why),)
                yield Seen(revision, frozenset() if revision == last else None, news)
                last = revision

    async def _no_groups(self) -> AsyncGenerator[Step, None]:
        """Nothing to watch: that the cluster is there, each second."""
        wire = self._watch_wire
        await wire.ready()
        step: Step = Listed((), ())
        while True:
            await wire.any("Maintenance", "Status", wire.pb.StatusRequest(), PROOF)
            yield step
            step = Confirmed(())
            await asyncio.sleep(1.0)

    async def check(self) -> tuple[Check, ...]:
        try:
            await self._wire.ready()
        except BackendError as error:
            return (Check(error.where, False, error.reason, hint=error.hint),)
        return tuple(await asyncio.gather(*(self._check(endpoint) for endpoint in self._access.endpoints)))

    async def _check(self, endpoint: str) -> Check:
        wire, pb = self._wire, self._wire.pb
        try:
            async with asyncio.timeout(self.timeout):
                await wire.call(endpoint, "Maintenance", "Status", pb.StatusRequest(), self.timeout)
                # Once more: the first one also connected and signed in.
                start = time.monotonic()
                status = await wire.call(endpoint, "Maintenance", "Status", pb.StatusRequest(), self.timeout)
                took = milliseconds_since(start)
                said = [f"etcd {status.version}", await self._auth(endpoint), *status.errors]
        except BackendError as error:
            return Check(endpoint, False, error.reason, hint=error.hint)
        except TimeoutError:
            return Check(endpoint, False, f"no answer within {self.timeout:g} s")
        return Check(endpoint, True, ", ".join(text for text in said if text), took)

    async def _auth(self, endpoint: str) -> str:
        """As whom we are there; "" where the server does not tell (etcd 3.4 cannot)."""
        wire = self._wire
        user = self._access.username
        try:
            enabled = (await wire.call(endpoint, "Auth", "AuthStatus", wire.pb.AuthStatusRequest(), 1.0)).enabled
        except BackendError:
            return f"user {user}" if user and wire.signed_in(endpoint) else ""
        if not enabled:
            return "no authentication"
        return f"user {user}" if user else "authentication is on, and no user is set"

    def ask(self, row: Row) -> tuple[str, ...] | None:
        if not isinstance(row, Member):
            return None
        access = self._access
        scheme = "https://" if access.tls else ""
        endpoints = access.endpoints if row.group is not None or row.address is None else (row.address,)
        words = ["etcdctl", "--endpoints=" + ",".join(scheme + endpoint for endpoint in endpoints)]
        paths = (("cacert", access.ca), ("cert", access.cert), ("key", access.key), ("user", access.username))
        words += [f"--{name}={path}" for name, path in paths if path]
        words += ["--insecure-skip-tls-verify"] if access.skip_verify else []
        if row.group is None:
            return (*words, "endpoint", "status", "-w", "table")
        return (*words, "get", "--", self._groups.key_of(row).decode("utf-8", "backslashreplace"))

    async def raw(self, row: Row) -> str:
        from google.protobuf.json_format import MessageToJson

        if not isinstance(row, Member):
            raise NotFound("etcd has no such row", where=self.source)
        await self._wire.ready()
        pb = self._wire.pb
        if row.group is None:
            endpoint = row.address or self._access.endpoints[0]
            status = await self._wire.call(endpoint, "Maintenance", "Status", pb.StatusRequest())
            return str(MessageToJson(status))
        key = self._groups.key_of(row)
        shown = key.decode("utf-8", "replace")
        reply = await self._wire.any("KV", "Range", pb.RangeRequest(key=key))
        if not reply.kvs:
            raise NotFound("the key is gone", where=shown)
        kv = reply.kvs[0]
        value = kv.value.decode("utf-8", "replace")
        with contextlib.suppress(*NO_JSON):
            value = msgspec.json.format(value, indent=2)
        return (
            f"key              {shown}\nversion          {kv.version}\ncreate_revision  {kv.create_revision}\n"
            f"mod_revision     {kv.mod_revision}\nlease            {kv.lease:x}\n\n{value}"
        )

    async def close(self) -> None:
        await asyncio.gather(self._wire.close(), self._watch_wire.close(), return_exceptions=True)


def _key_change(change: Change) -> KeyChange:
    now = datetime.now(UTC)
    if change.kv is None:
        return KeyChange(now, ChangeKind.DELETE, change.key, None, change.modified, None)
    return KeyChange(now, ChangeKind.PUT, change.key, change.kv.version, change.modified, change.kv.value)
