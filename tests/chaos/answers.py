"""What the servers themselves say, as rows that ought to stand on the dashboard's screens."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tui.demo.servers.zookeeper import GROUPS
from tui.demo.state import Demo

MARK = "/services/~"
"""A key that no group of the demo is below; with it the history that is asked for has an end."""
SERVICES = ("/services/", "/services0")


@dataclass(frozen=True, slots=True)
class Registered:
    """An instance, the system in which it is registered, and that system's count of when."""

    system: str
    group: str
    name: str
    address: str
    created: int


class Servers:
    """The servers of one demo, asked by their own ways, never by ours."""

    def __init__(self, demo: Demo) -> None:
        self._folder = demo.folder
        self._address = {part.name: part.address for part in demo.parts}

    def rows(self) -> dict[str, list[str]]:
        """By screen, how each of its rows begins, cell by cell. They raise while they are ill."""
        return {
            "members": [*self._etcd_members(), *self._zookeeper_servers(), *map(_member, self.registered())],
            "units": [
                f"{unit['group']}:{unit['name']} {unit['statename'].lower()} {unit['statename']} {unit['pid']}"
                for unit in self.units()
            ],
            "targets": [
                f"{target['labels']['job']} {target['labels']['instance']} {target['health']}"
                for target in self._prometheus("targets?state=active")["activeTargets"]
            ],
            "alerts": [
                f"{alert['labels']['alertname']} {alert['state']}"
                for alert in self._prometheus("alerts")["alerts"]
            ],
        }

    def registered(self) -> list[Registered]:
        return [*self._in_etcd(), *self._in_zookeeper()]

    def units(self) -> list[dict[str, Any]]:
        with self._supervisor() as server:
            return list(server.supervisor.getAllProcessInfo())  # type: ignore[arg-type]

    def start_stopped(self) -> None:
        """Start programs that are stopped: a restart whose supervisor did not answer any more has left it so."""
        with suppress(OSError, xmlrpc.client.Error, http.client.HTTPException), self._supervisor() as server:
            for unit in server.supervisor.getAllProcessInfo():  # type: ignore[union-attr]
                if unit["statename"] == "STOPPED":  # type: ignore[index, call-overload]
                    server.supervisor.startProcess(f"{unit['group']}:{unit['name']}", False)  # type: ignore[call-overload, index]

    def leader(self, source: str) -> str:
        """Its name, as the dashboard has it."""
        rows = [*self._etcd_members(), *self._zookeeper_servers()]
        return next(row.split()[0] for row in rows if row.split()[1:3] == [source, "leader"])

    def revision(self) -> int:
        return int(self._etcd("kv/range", {"key": _b64(MARK)})["header"]["revision"])

    def history(self, since: int) -> list[tuple[str, bool]]:
        """What came (true) and went below /services/ after that revision, in etcd's order: group and name. A key
        that is put where it is already comes not."""
        there = self._etcd("kv/range", {**_span(*SERVICES), "revision": since}).get("kvs", [])
        known = {_text(pair["key"]) for pair in there}
        self._etcd("kv/put", {"key": _b64(MARK)})
        told: list[tuple[str, bool]] = []
        for event in self._events(since + 1):
            key, came = _text(event["kv"]["key"]), event.get("type") != "DELETE"
            if key == MARK:
                break
            if came is not (key in known):
                told.append((key.removeprefix("/services/"), came))
            (known.add if came else known.discard)(key)
        return told

    def _events(self, since: int) -> Iterator[dict[str, Any]]:
        connection = http.client.HTTPConnection(self._some("etcd"), timeout=5)
        wanted = {"create_request": {**_span(*SERVICES), "start_revision": since}}
        try:
            connection.request("POST", "/v3/watch", json.dumps(wanted))
            for line in connection.getresponse():
                yield from json.loads(line)["result"].get("events", [])
        finally:
            connection.close()

    def _supervisor(self) -> xmlrpc.client.ServerProxy:
        from supervisor.xmlrpc import SupervisorTransport

        path = f"unix://{self._folder}/supervisor.sock"
        transport = SupervisorTransport(None, None, path)  # type: ignore[no-untyped-call]
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def _etcd_members(self) -> Iterator[str]:
        names = {one["ID"]: one["name"] for one in self._etcd("cluster/member/list")["members"]}
        for name in sorted(name for name in self._address if name.startswith("etcd ")):
            said = self._etcd("maintenance/status", at=name)
            number = said["header"]["member_id"]
            role = "leader" if said["leader"] == number else "follower"
            yield f"{names[number]} etcd/main {role} up {self._address[name]}"

    def _zookeeper_servers(self) -> Iterator[str]:
        for name in sorted(name for name in self._address if name.startswith("zookeeper ")):
            address = self._address[name]
            mode = next(line for line in _four_letters(address, "srvr") if line.startswith("Mode: "))
            yield f"server.{name[-1]} zookeeper/main {mode.removeprefix('Mode: ')} up {address}"

    def _in_etcd(self) -> Iterator[Registered]:
        for pair in self._etcd("kv/range", _span(*SERVICES)).get("kvs", []):
            if (key := _text(pair["key"])) != MARK:
                group, name = key.removeprefix("/services/").split("/")
                address = json.loads(_text(pair["value"]))["address"]
                yield Registered("etcd", group, name, address, int(pair["create_revision"]))

    def _in_zookeeper(self) -> Iterator[Registered]:
        from kazoo.client import KazooClient

        hosts = ",".join(address for name, address in self._address.items() if name.startswith("zookeeper "))
        client = KazooClient(hosts, timeout=5)  # type: ignore[no-untyped-call]
        client.start(timeout=5)  # type: ignore[no-untyped-call]
        try:
            for group in GROUPS:
                folder = f"/services/{group}"
                client.sync(folder)  # type: ignore[no-untyped-call]
                for name in client.get_children(folder):  # type: ignore[no-untyped-call]
                    value, stat = client.get(f"{folder}/{name}")  # type: ignore[no-untyped-call]
                    yield Registered("zookeeper", group, name, json.loads(value)["address"], stat.czxid)
        finally:
            client.stop()  # type: ignore[no-untyped-call]
            client.close()  # type: ignore[no-untyped-call]

    def _etcd(self, path: str, body: dict[str, Any] | None = None, *, at: str = "") -> dict[str, Any]:
        return _json(self._some("etcd") if not at else self._address[at], f"/v3/{path}", body or {})

    def _prometheus(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = _json(self._some("prometheus"), f"/api/v1/{path}")["data"]
        return answer

    def _some(self, system: str) -> str:
        return next(address for name, address in self._address.items() if name.startswith(system))


def _member(row: Registered) -> str:
    return f"{row.name} {row.group} {row.system} member up {row.address}"


def _json(address: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "error" in answer:
        raise OSError(f"{address}{path}: {answer['error']}")
    return answer


def _four_letters(address: str, words: str) -> list[str]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(words.encode())
        with connection.makefile("r") as answer:
            return answer.read().splitlines()


def _span(first: str, last: str) -> dict[str, Any]:
    return {"key": _b64(first), "range_end": _b64(last)}


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(data: str) -> str:
    return base64.b64decode(data).decode()
