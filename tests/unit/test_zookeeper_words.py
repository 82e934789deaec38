"""What ZooKeeper's servers say, parsed: the real answers, and whatever else may come."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.members import Role
from backends.coordination.zookeeper_words import (
    Conf,
    Peer,
    Status,
    broken_off,
    merged,
    not_listed,
    parse_admin,
    parse_conf,
    parse_mntr,
    parse_srvr,
    version,
)

SRVR = """Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC
Latency min/avg/max: 0/0.5/12
Received: 11
Sent: 10
Connections: 3
Outstanding: 2
Zxid: 0x10000002a
Mode: leader
Node count: 15
Proposal sizes last/min/max: 48/48/48
"""
MNTR = (
    "zk_version\t3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC\n"
    "zk_server_state\tleader\nzk_peer_state\tleading - broadcast\nzk_num_alive_connections\t3\n"
    "zk_outstanding_requests\t2\nzk_znode_count\t15\nzk_min_latency\t0\nzk_avg_latency\t0.5\nzk_max_latency\t12\n"
    "zk_quorum_size\t3\nzk_synced_followers\t2\nzk_synced_observers\t0\nzk_watch_count\t7\nzk_last_proposal_size\t-1\n"
)


def test_srvr() -> None:
    status = parse_srvr(SRVR)
    assert (status.role, status.version, status.zxid, status.epoch) == (Role.LEADER, "3.8.0", 0x10000002A, 1)
    assert (status.connections, status.outstanding, status.latency) == (3, 2, "0/0.5/12")
    assert status.more == {"znodes": 15}


def test_mntr() -> None:
    status = parse_mntr(MNTR)
    assert (status.role, status.version, status.zxid, status.voters) == (Role.LEADER, "3.8.0", None, 3)
    assert (status.connections, status.outstanding, status.latency) == (3, 2, "0/0.5/12")
    assert status.more["peer state"] == "leading - broadcast"
    assert status.more["synced followers"] == 2
    assert status.more["watches"] == 7


def test_an_answer_that_broke_off_is_known_by_its_end() -> None:
    conf = "clientPort=2181\nserverId=1\nserver.1=a:2888:3888:participant\nversion=100000000"
    assert not any((broken_off(SRVR, "srvr"), broken_off(MNTR, "mntr"), broken_off(conf, "conf")))
    assert not broken_off("clientPort=2181\nserverId=0\n", "conf")
    # It is shown as it was counted, or not at all.
    counted = SRVR.index("Node count: 15\n")
    assert all(broken_off(SRVR[:end], "srvr") for end in range(len("Zookeeper version"), counted + 15))
    assert broken_off(MNTR[:-1], "mntr")
    assert broken_off(conf[: conf.index("version=")] + "ver", "conf")
    # Others are other programs, and told as such.
    assert not any(broken_off("-ERR unknown", word) for word in ("srvr", "mntr", "conf"))


def test_two_answers_of_one_server_are_one() -> None:
    status = merged(parse_srvr(SRVR), parse_mntr(MNTR))
    assert (status.zxid, status.voters, status.more["watches"]) == (0x10000002A, 3, 7)
    assert merged(Status(), status) == status


def test_admin_server() -> None:
    """Keys as an AdminServer of 3.8.0 writes them."""
    monitor = json.loads('{"version":"3.8.0-x, built","server_state":"follower","quorum_size":3,"znode_count":5}')
    stats = json.loads(
        '{"server_stats":{"last_processed_zxid":4294967302},"command":"server_stats","error":null}'
    )
    status = parse_admin(monitor, stats)
    assert (status.role, status.version, status.zxid, status.voters) == (Role.FOLLOWER, "3.8.0", 4294967302, 3)
    assert parse_admin({}, {"server_stats": {"last_processed_zxid": -1}}).zxid is None
    assert parse_admin({"server_state": ["leader"]}, {"server_stats": 7}) == Status()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.4.13-2d71af4dbe22557fda74f9a9b4309b15a7487f03, built on 06/29/2018", "3.4.13"),
        ("3.5.4-beta-7f51e5b6, built on", "3.5.4"),
        ("3.9.3", "3.9.3"),
        ("", None),
        ("x\x1b[2J", None),
    ],
)
def test_versions(text: str, expected: str | None) -> None:
    assert version(text) == expected


def test_unknown_is_none_and_never_zero() -> None:
    assert parse_srvr("") == Status()
    assert parse_mntr("zk_num_alive_connections\t-1\nzk_quorum_size\t0\nzk_server_state\t\n") == Status(mode="")
    status = parse_srvr(f"Mode: emperor\nZxid: 0x{'f' * 17}\nConnections: {'9' * 5_000}\nOutstanding: ٣\n")
    assert (status.role, status.zxid, status.connections, status.outstanding) == (None, None, None, None)


def test_what_is_said_twice_counts_once() -> None:
    assert parse_srvr("Mode: follower\nMode: leader\n").role is Role.FOLLOWER


def test_conf_of_a_static_and_of_a_dynamic_ensemble() -> None:
    text = (
        "clientPort=2181\nserverId=2\nelectionAlg=3\nmembership: \n"
        "server.1=10.0.0.1:2888:3888:participant\nserver.2=zk2:2888:3888:participant;0.0.0.0:2181\n"
        "server.3=[fe80::1]:2888:3888:observer;2182\nserver.4=a:1:2|b:3:4:participant;h:2183\nversion=0"
    )
    assert parse_conf(text) == Conf(
        2,
        (
            Peer(1, "10.0.0.1", True, None),
            Peer(2, "zk2", True, "zk2:2181"),
            Peer(3, "[fe80::1]", False, "[fe80::1]:2182"),
            Peer(4, "b", True, "h:2183"),
        ),
    )
    assert parse_conf("") == Conf()


def test_a_refusal_is_told_from_an_answer() -> None:
    assert not_listed("mntr is not executed because it is not in the whitelist.\n", "mntr")
    assert not not_listed(MNTR, "mntr")


@given(st.text(max_size=300))
def test_any_text_is_an_answer_that_knows_nothing_or_something(text: str) -> None:
    for line in (text, f"zk_{text}", f"Zxid: {text}", f"server.1={text}", f"zk_znode_count\t{text}"):
        parse_conf(line)
        for status in (parse_srvr(line), parse_mntr(line)):
            assert status.zxid is None or 0 <= status.zxid < 1 << 64
            assert status.connections is None or status.connections >= 0


ANY = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    st.lists(st.integers(), max_size=2),
)


@given(
    st.dictionaries(st.sampled_from(["server_state", "version", "znode_count", "quorum_size"]), ANY),
    st.dictionaries(st.just("server_stats"), st.dictionaries(st.just("last_processed_zxid"), ANY)),
)
def test_any_json_is_an_answer(monitor: dict[str, object], stats: dict[str, object]) -> None:
    status = parse_admin(monitor, stats)
    assert status.zxid is None or 0 <= status.zxid < 1 << 63
