"""What a ZooKeeper server says of itself, parsed: `srvr`, `mntr`, `conf`, the AdminServer's JSON. Pure, no I/O.

zookeeper.apache.org/doc, Administrator's Guide: "The Four Letter Words", "The AdminServer". Text from outside:
nothing in here raises for it, and what makes no sense is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from backends.api.members import Role
from backends.host_port import HOST

ROLES = {
    "leader": Role.LEADER,
    "follower": Role.FOLLOWER,
    "observer": Role.OBSERVER,
    "standalone": Role.STANDALONE,
}
READ_ONLY = "read-only"
"""The mode of one that has lost its quorum and still answers reads (`readonlymode.enabled`)."""
_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,6}){1,3}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_ZXID = re.compile(r"0x([0-9a-fA-F]{1,16})", re.ASCII)
_SERVER = re.compile(r"server\.(\d{1,10})=(\S+)", re.ASCII)
_HOST = re.compile(rf"({HOST})(?::\d{{1,5}}){{2}}(?::(\w+))?(?:;(\S+))?", re.ASCII)
_CLIENT = re.compile(rf"(?:({HOST}):)?(\d{{1,5}})", re.ASCII)
ANY = frozenset({"0.0.0.0", "[::]", "[0:0:0:0:0:0:0:0]"})
SHOWN = {
    "peer_state": "peer state",
    "znode_count": "znodes",
    "ephemerals_count": "ephemerals",
    "watch_count": "watches",
    "synced_followers": "synced followers",
    "synced_observers": "synced observers",
    "open_file_descriptor_count": "open files",
}
"""Keys of `mntr`, without `zk_`, that are shown, and how they are called."""


class Status(Struct, frozen=True):
    """What one server said of itself. `latency` is its own min/avg/max in milliseconds, as it writes it."""

    role: Role | None = None
    mode: str | None = None
    """The server's own word for its role; there is `read-only` too."""
    version: str | None = None
    zxid: int | None = None
    connections: int | None = None
    outstanding: int | None = None
    latency: str | None = None
    voters: int | None = None
    more: Mapping[str, int | str] = field(default_factory=dict)
    """What of `mntr` is shown, by label."""

    @property
    def epoch(self) -> int | None:
        """The leader's term: the upper half of a zxid (ZooKeeper Internals, "Guarantees")."""
        return None if self.zxid is None else self.zxid >> 32


class Peer(Struct, frozen=True):
    """A line `server.N=…` of the ensemble's configuration. `client` is where it serves, None where not told."""

    number: int
    host: str
    votes: bool
    client: str | None


class Conf(Struct, frozen=True):
    """The ensemble as one server's configuration has it, and which of its servers that one is. `version` grows
    with each reconfiguration; a static ensemble has 0 for ever."""

    number: int | None = None
    peers: tuple[Peer, ...] = ()
    version: int = 0


def parse_srvr(text: str) -> Status:
    facts: dict[str, str] = {}
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if colon:
            facts.setdefault(label.strip().lower(), value.strip())
    mode = facts.get("mode")
    zxid = _ZXID.fullmatch(facts.get("zxid", ""))
    znodes = number(facts.get("node count"))
    return Status(
        role=ROLES.get(mode or ""),
        mode=mode,
        version=version(facts.get("zookeeper version")),
        zxid=int(zxid.group(1), 16) if zxid else None,
        connections=number(facts.get("connections")),
        outstanding=number(facts.get("outstanding")),
        latency=facts.get("latency min/avg/max"),
        more={} if znodes is None else {SHOWN["znode_count"]: znodes},
    )


def parse_mntr(text: str) -> Status:
    facts: dict[str, str] = {}
    for line in text.splitlines():
        key, tab, value = line.partition("\t")
        if tab and key.startswith("zk_"):
            facts.setdefault(key.removeprefix("zk_"), value.strip())
    return _monitored(facts)


def parse_admin(monitor: Mapping[str, Any], stats: Mapping[str, Any]) -> Status:
    """The answers of `/commands/monitor` and `/commands/server_stats`; only the second one knows the zxid."""
    plain = {key: str(value) for key, value in monitor.items() if isinstance(value, str | int | float)}
    inner = stats.get("server_stats")
    zxid = inner.get("last_processed_zxid") if isinstance(inner, dict) else None
    told = isinstance(zxid, int) and not isinstance(zxid, bool) and 0 <= zxid < 1 << 63
    return merged(Status(zxid=zxid if told else None), _monitored(plain))


def _monitored(facts: Mapping[str, str]) -> Status:
    mode = facts.get("server_state")
    times = [facts.get(f"{which}_latency") for which in ("min", "avg", "max")]
    voters = number(facts.get("quorum_size"))
    more: dict[str, int | str] = {}
    for key, label in SHOWN.items():
        counted = number(facts.get(key))
        if counted is not None:
            more[label] = counted
        elif key == "peer_state" and facts.get(key):
            more[label] = facts[key]
    return Status(
        role=ROLES.get(mode or ""),
        mode=mode,
        version=version(facts.get("version")),
        connections=number(facts.get("num_alive_connections")),
        outstanding=number(facts.get("outstanding_requests")),
        latency="/".join(time for time in times if time) if all(times) else None,
        voters=voters or None,
        more=more,
    )


def merged(first: Status, second: Status) -> Status:
    """What either of two answers of one server knows; the first one's word counts."""
    own = {name: getattr(first, name) for name in Status.__struct_fields__ if getattr(first, name) is not None}
    other = {name: getattr(second, name) for name in Status.__struct_fields__}
    return Status(**{**other, **own, "more": {**second.more, **first.more}})


def parse_conf(text: str) -> Conf:
    """`conf` of a server, or the text of `/zookeeper/config`, which does not say whose it is."""
    own = re.search(r"^serverId=(\d{1,10})$", text, re.MULTILINE | re.ASCII)
    version = re.search(r"^version=([0-9a-fA-F]{1,16})$", text, re.MULTILINE | re.ASCII)
    found: dict[int, Peer] = {}
    for line in text.splitlines():
        server = _SERVER.fullmatch(line.strip())
        if server and (peer := _peer(int(server.group(1)), server.group(2))) is not None:
            found[peer.number] = peer
    peers = tuple(found[key] for key in sorted(found))
    return Conf(int(own.group(1)) if own else None, peers, int(version.group(1), 16) if version else 0)


def _peer(number: int, value: str) -> Peer | None:
    # Several addresses of one server are parted by `|` (multiAddress.enabled); the last may carry the rest.
    found = _HOST.fullmatch(value.split("|")[-1])
    if found is None:
        return None
    host, kind, client = found.groups()
    address = None
    at = _CLIENT.fullmatch(client or "")
    if at is not None and 0 < int(at.group(2)) <= 65535:
        own = at.group(1)
        address = f"{host if own is None or own in ANY else own}:{at.group(2)}"
    return Peer(number, host, kind != "observer", address)


def version(text: str | None) -> str | None:
    """The release alone: what follows is a commit and the day on which it was built."""
    found = _VERSION.match(text or "")
    return found.group() if found else None


def number(text: str | None) -> int | None:
    """A count; ZooKeeper writes -1 for what it does not know."""
    found = _NUMBER.fullmatch(text or "")
    return int(found.group()) if found else None


def not_listed(answer: str, word: str) -> bool:
    """Whether a server refused a word (ServerCnxn: the same sentence since 3.4.10)."""
    return answer.startswith(f"{word} is not executed because it is not in the whitelist")


def not_serving(answer: str) -> bool:
    return answer.startswith("This ZooKeeper instance is not currently serving requests")


def broken_off(answer: str, word: str) -> bool:
    """Whether only the beginning of an answer has come, as far as its end tells: a whole line, in `srvr` one of
    those behind its mode; an ensemble's `conf` ends within its last line."""
    if word == "srvr" and answer.startswith("Zookeeper version"):
        return not answer.endswith("\n") or "\nNode count: " not in answer
    if word == "mntr" and answer.startswith("zk_"):
        return not answer.endswith("\n")
    if word == "conf" and answer.startswith("clientPort="):
        return not answer.endswith("\n") and not answer.rpartition("\n")[2].startswith("version=")
    return False


def whitelist_line(words: Iterable[str]) -> str:
    return f"4lw.commands.whitelist={','.join(words)}"
