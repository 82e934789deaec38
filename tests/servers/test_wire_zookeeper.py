"""ZooKeeper over a wire at fault, by its words, in a session, by an AdminServer: each told in its own words, in
time, at little cost."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from backends.api.errors import BadReply, Misconfigured, Silent, TooLarge, Unreachable
from backends.api.members import Role
from backends.api.readings import State
from backends.coordination.zookeeper import Zookeeper, ZookeeperSettings
from backends.coordination.zookeeper_access import WORDS
from backends.coordination.zookeeper_errors import Suspended
from tests.contract.starters import sooner
from tests.servers.fake_http import answer, fake
from tests.servers.relay import Cut, Drip, Fault, HalfOpen, Instead, Relay, Reset, Tls
from tests.servers.wire import (
    GROWTH,
    HUGE,
    PATIENT,
    TIMEOUT,
    Told,
    eyes_of,
    huge,
    huge_http,
    packed_http,
    suffers,
    tls_server,
)
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble
from tests.waiting import until

pytestmark = pytest.mark.server

AROUND = answer("", status="302 Found", more="Location: /commands/again\r\n")
WORD_CELLS: dict[str, tuple[Callable[[], Fault], Told]] = {
    "cut": (Cut, Told(Unreachable, "its answer to srvr broke off")),
    "half-open": (HalfOpen, Told(Silent, "no answer within")),
    "a byte a second": (Drip, Told(Silent, "no answer within")),
    "reset": (Reset, Told(Unreachable, "the connection was reset")),
    "tls": (lambda: Tls(tls_server()), Told(Misconfigured, "the server speaks TLS")),
    "redirect": (lambda: Instead(AROUND), Told(BadReply, "something answers there that is not ZooKeeper")),
}
SESSION_CELLS: dict[str, tuple[Callable[[], Fault], Told]] = {
    "cut": (Cut, Told(Suspended, "session suspended: the server closed the connection")),
    "cut from the start": (Cut, Told(Unreachable, "session suspended: it hung up before there was a session")),
    "half-open": (HalfOpen, Told(Silent, "session suspended: no (answer|session) within")),
    "a byte a second": (Drip, Told(Silent, "session suspended: no (answer|session) within")),
    "reset": (Reset, Told(Suspended, "session suspended: the connection was reset")),
}
ADMIN_CELLS: dict[str, tuple[Callable[[], Fault], str]] = {
    "cut": (Cut, "its answer broke off"),
    "half-open": (HalfOpen, "no answer from the AdminServer within"),
    "a byte a second": (Drip, "no answer from the AdminServer within"),
    "reset": (Reset, "the connection was reset"),
    "tls": (lambda: Tls(tls_server()), "no AdminServer"),
    "redirect": (lambda: Instead(AROUND), "answers 302 and sends us to /commands/again"),
    "huge": (lambda: Instead(huge_http("application/json")), "has no end"),
    "huge and packed": (lambda: Instead(packed_http("application/json")), "is no JSON"),
}


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZookeeperEnsemble]:
    intervals = ("coordination.rounds.INTERVAL", "coordination.zookeeper_tree.ASK")
    with sooner(*intervals), ZookeeperEnsemble(size=1) as made:
        client = made.client()
        client.create("/services/web/a", b"10.0.0.1:80", makepath=True)
        client.stop()
        client.close()
        yield made


@pytest.fixture
async def relay(ensemble: ZookeeperEnsemble) -> AsyncIterator[Relay]:
    async with Relay(ensemble.hosts) as made:
        yield made


@pytest.fixture
async def sessions(ensemble: ZookeeperEnsemble) -> AsyncIterator[Relay]:
    """Words pass it unharmed."""
    words = tuple(word.encode() for word in WORDS)
    async with Relay(ensemble.hosts, spared=lambda first: first.startswith(words)) as made:
        yield made


def over(relay: Relay, *admin: str, timeout: float = TIMEOUT) -> Zookeeper:
    settings = ZookeeperSettings(hosts=relay.address, groups={"web": "/services/web"}, admin=admin)
    return Zookeeper("main", settings, timeout=timeout)


@pytest.mark.parametrize("name", WORD_CELLS)
async def test_a_fault_of_words_is_told_as_what_it_is(relay: Relay, name: str) -> None:
    fault, told = WORD_CELLS[name]
    async with eyes_of(over(relay), "members", "instances") as eyes:
        await suffers(relay, eyes, fault(), told)


@pytest.mark.parametrize("name", SESSION_CELLS)
async def test_a_fault_of_a_session_is_told_as_what_it_is(sessions: Relay, name: str) -> None:
    fault, told = SESSION_CELLS[name]
    async with eyes_of(over(sessions), "instances") as eyes:
        await suffers(sessions, eyes, fault(), told)


async def test_huge_answers_to_words(relay: Relay) -> None:
    fault = Instead(huge(b"Zookeeper version: 3.8.0\n"))
    async with eyes_of(over(relay), "members", "instances") as eyes:
        await suffers(relay, eyes, fault, Told(BadReply, "its answer has no end"), growth=GROWTH)


async def test_a_huge_answer_in_a_session(sessions: Relay) -> None:
    fault = Instead(huge(HUGE.to_bytes(4, "big")))
    async with eyes_of(over(sessions), "instances") as eyes:
        told = Told(TooLarge, "an answer of 200 MiB is on its way")
        await suffers(sessions, eyes, fault, told, growth=GROWTH)


async def test_nonsense_in_a_session(sessions: Relay) -> None:
    """Sixteen bytes that answer nothing that was asked."""
    fault = Instead(huge((16).to_bytes(4, "big") + b"\x7f" * 16))
    async with eyes_of(over(sessions), "instances") as eyes:
        await suffers(sessions, eyes, fault, Told(BadReply, "its answers make no sense"))


async def test_a_session_that_is_given_up_leaves_no_thread(sessions: Relay) -> None:
    """Though the server goes on to say one byte now and then."""
    before = set(threading.enumerate())

    def ours() -> list[str]:
        left = (thread for thread in threading.enumerate() if thread not in before)
        return [thread.name for thread in left if "zookeeper" in thread.name or "zk_loop" in thread.name]

    async with eyes_of(over(sessions), "instances") as eyes:
        assert ours()
        sessions.suffer(Drip())
        await until(lambda: eyes.errors["instances"])
    await until(lambda: not ours())


@pytest.mark.parametrize("name", ADMIN_CELLS)
async def test_a_fault_of_an_admin_server_costs_the_words_only(relay: Relay, name: str) -> None:
    """The AdminServer is a fake: Debian's packages for a real one are four times ZooKeeper's own."""
    fault, words = ADMIN_CELLS[name]
    monitor = {"version": "3.9.1", "server_state": "leader", "quorum_size": 3}
    said = {**monitor, "server_stats": {"last_processed_zxid": 4294967302}, "error": None}
    asked: list[str] = []
    async with fake(answer(json.dumps(said)), asked) as address, Relay(address) as admin:
        backend = over(relay, admin.address, timeout=PATIENT)
        async with eyes_of(backend, "members") as eyes:
            members = eyes.feeds["members"]

            def roles() -> set[Role | None]:
                return {row.role for row in (members.reading.value or {}).values()}

            await until(lambda: asked and members.reading.state is State.LIVE)
            by_admin = roles()
            admin.suffer(fault())
            await until(lambda: roles() != by_admin and members.reading.state is State.LIVE)
            (check,) = await backend.check()
            assert check.ok
            assert words in check.hint
            assert admin.address in check.hint
            admin.heal()
            await until(lambda: roles() == by_admin)
