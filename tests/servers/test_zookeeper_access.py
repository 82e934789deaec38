"""What stands between us and a ZooKeeper: refused words, other programs, other passwords; each is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kazoo.security import make_digest_acl

from backends.api.errors import BackendError, BadReply, Denied, Misconfigured, Silent, Unreachable
from backends.api.members import MemberState, Role
from backends.api.readings import Seen
from backends.coordination.zookeeper import Zookeeper, ZookeeperSettings
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble

pytestmark = [pytest.mark.server, pytest.mark.timeout(60)]
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """Something at a port, and its address."""
    writers: list[asyncio.StreamWriter] = []

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await answer(reader, writer)

    server = await asyncio.start_server(noted, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            # One that has not sent all of it would be left open when the loop ends.
            writer.transport.abort()
        await asyncio.sleep(0)


def saying(text: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.write(text)
        writer.close()

    return answer


async def first(backend: Zookeeper) -> Seen[Any]:
    source = backend.members(None)
    try:
        async with asyncio.timeout(10):
            return await anext(source)
    finally:
        await source.aclose()
        await backend.close()


def on(hosts: str, **more: Any) -> Zookeeper:
    return Zookeeper("main", ZookeeperSettings(hosts=hosts, **more), timeout=2)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>", BadReply, "not ZooKeeper"),
        (b"\x15\x03\x01\x00\x02\x02\xff", BadReply, "not ZooKeeper"),
        (b"", BadReply, "hung up without a word"),
        (b"-ERR unknown command\r\n", BadReply, "without saying its mode"),
        (b"x" * (2 << 20), BadReply, "no end"),
    ],
)
async def test_something_else_at_that_port(text: bytes, kind: type[BackendError], words: str) -> None:
    async with answering(saying(text)) as address:
        with pytest.raises(kind, match=words) as raised:
            await first(on(address))
        assert raised.value.where == address
        check = (await on(address).check())[0]
        assert not check.ok
        assert words in check.text
        source = on(address, groups={"g": "/g"}).instances(None)
        with pytest.raises(BackendError):
            await anext(source)


async def test_nothing_and_nobody() -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        await first(on("127.0.0.1:1"))
    with pytest.raises(Unreachable, match="host name not found"):
        await first(on("nowhere.invalid:2181"))

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with answering(silence) as address:
        with pytest.raises(Silent):
            await first(on(address))


@pytest.mark.parametrize("hosts", ["", "/app", "a:b", "a:99999", "http://a:1", "a b"])
def test_hosts_that_are_none(hosts: str) -> None:
    with pytest.raises(Misconfigured, match=r"no hosts?: expected"):
        on(hosts)


def test_admin_is_as_long_as_hosts() -> None:
    with pytest.raises(Misconfigured, match="1 of admin for 2 hosts"):
        on("a,b", admin=("a:8080",))


async def test_srvr_alone_will_do_and_the_line_to_add_is_said() -> None:
    with ZookeeperEnsemble(size=1, more="4lw.commands.whitelist=srvr\n") as ensemble:
        row = next(iter((await first(on(ensemble.hosts))).value.values()))
        assert (row.role, row.state, row.name) == (Role.STANDALONE, MemberState.UP, ensemble.hosts)
        assert row.zxid is not None
        facts = {detail.label: str(detail.value) for detail in row.details}
        assert "4lw.commands.whitelist=srvr,mntr,conf" in facts["mntr"]
        assert row.quorum is None
        backend = on(ensemble.hosts)
        check = (await backend.check())[0]
        assert check.ok
        assert "4lw.commands.whitelist=srvr,mntr,conf" in check.hint
        assert "mntr is not in its whitelist" in await backend.raw(row)
        await backend.close()


@pytest.mark.parametrize("listed", ["mntr", "isro"])
async def test_a_server_that_does_not_even_take_srvr(listed: str) -> None:
    """At the wire: those of today always take it, since zkServer.sh asks for it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = (await reader.read(4)).decode()
        refused = f"{word} is not executed because it is not in the whitelist.\n"
        mntr = "zk_version\t3.8.0-x\nzk_server_state\tstandalone\nzk_num_alive_connections\t4\n"
        writer.write((mntr if word == listed else refused).encode())
        writer.close()

    async with answering(answer) as address:
        if listed == "mntr":
            row = next(iter((await first(on(address))).value.values()))
            assert (row.role, row.zxid, row.connections) == (Role.STANDALONE, None, 4)
            return
        with pytest.raises(Denied, match="not in its whitelist") as raised:
            await first(on(address))
        assert "4lw.commands.whitelist=srvr,mntr,conf" in raised.value.hint


async def test_a_group_that_only_one_user_may_read_and_a_chroot() -> None:
    with ZookeeperEnsemble(size=1) as ensemble:
        client = await asyncio.to_thread(ensemble.client)
        await asyncio.to_thread(client.create, "/app/g", b"", makepath=True)
        await asyncio.to_thread(client.create, "/app/g/a", b"10.0.0.1:80", ephemeral=True)
        only = make_digest_acl("u", "right", read=True)  # type: ignore[no-untyped-call]
        await asyncio.to_thread(client.set_acls, "/app/g", [only])
        groups = {"g": "/g"}
        for more in ({}, {"username": "u", "password": "wrong"}):
            backend = on(f"{ensemble.hosts}/app", groups=groups, **more)
            with pytest.raises(Denied, match="permission denied") as raised:
                await anext(backend.instances(None))
            assert "username and password" in raised.value.hint
            await backend.close()
        backend = on(f"{ensemble.hosts}/app", groups=groups, username="u", password="right")
        source = backend.instances(None)
        rows = (await anext(source)).value
        assert [(row.name, row.address) for row in rows.values()] == [("a", "10.0.0.1:80")]
        row = next(iter(rows.values()))
        assert "/g/a" in await backend.raw(row)
        assert backend.ask(row) == ("zkCli.sh", "-server", f"{ensemble.hosts}/app", "get", "-s", "/g/a")
        await source.aclose()
        await backend.close()
        await asyncio.to_thread(client.stop)
        client.close()


async def test_admin_server_first_and_words_where_it_does_not_answer() -> None:
    """At the wire: Debian's packages for a real one are four times ZooKeeper's own."""
    bodies = {
        "monitor": b'{"version":"3.9.1-x","server_state":"leader","quorum_size":3,"num_alive_connections":7}',
        "server_stats": b'{"server_stats":{"last_processed_zxid":4294967302},"error":null}',
    }

    async def admin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        body = bodies.get(path.removeprefix("/commands/"), b"")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    srvr = b"Zookeeper version: 3.8.0-x\nZxid: 0x5\nMode: follower\nConnections: 1\nNode count: 5\n"
    async with answering(admin) as address, answering(saying(srvr)) as server:
        row = next(iter((await first(on(server, admin=(address,)))).value.values()))
        assert (row.role, row.version, row.zxid, row.connections) == (Role.LEADER, "3.9.1", 4294967302, 7)
        bodies["monitor"] = b"<html>404</html>"
        row = next(iter((await first(on(server, admin=(address,)))).value.values()))
        assert (row.role, row.version, row.zxid, row.connections) == (Role.FOLLOWER, "3.8.0", 5, 1)
        row = next(iter((await first(on(server, admin=("127.0.0.1:1",)))).value.values()))
        assert row.role is Role.FOLLOWER


async def test_a_backend_that_was_never_looked_at_closes_at_once() -> None:
    async with asyncio.timeout(1):
        await on("127.0.0.1:1").close()
