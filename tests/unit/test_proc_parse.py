"""/proc parsed: any name, any cut, any bytes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.processes import ProcessState
from backends.processes import proc

REST = b"S 7 3 2 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 3 0 12345 4096 25 " + b"0 " * 28
NAMES = [b"plain", b"(od) d", b") S 9 (", b"a\nb", b"", b"\x1b[2J", b"\xff\xfe", b"((((", b"))))", b" "]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_hold_anything(name: bytes) -> None:
    stat = proc.parse_stat(b"42 (" + name + b") " + REST)
    assert stat == proc.Stat(
        pid=42,
        comm=name.decode("utf-8", "replace"),
        state="S",
        ppid=7,
        group=3,
        session=2,
        kernel=False,
        ticks=200,
        threads=3,
        start=12345,
        rss=25 * proc.PAGE,
    )


@given(st.binary(max_size=15))
def test_no_name_moves_a_field(name: bytes) -> None:
    stat = proc.parse_stat(b"42 (" + name + b") " + REST)
    assert (stat.pid, stat.ppid, stat.start) == (42, 7, 12345)


@given(st.binary(max_size=300))
def test_rubbish_is_a_value_error_and_nothing_else(data: bytes) -> None:
    with suppress(ValueError):
        proc.parse_stat(data)


def test_a_line_cut_anywhere_before_its_last_field_is_refused() -> None:
    line = b"42 (x) " + REST
    for end in range(line.index(b" 25 ") + 1):
        with pytest.raises(ValueError, match=r"."):
            proc.parse_stat(line[:end])


def test_our_own_line() -> None:
    stat = proc.parse_stat(Path("/proc/self/stat").read_bytes())
    assert (stat.pid, stat.ppid, stat.kernel) == (os.getpid(), os.getppid(), False)
    assert stat.rss > 1 << 20


@pytest.mark.parametrize(
    ("letter", "state"),
    [
        ("R", ProcessState.RUNNING),
        ("S", ProcessState.SLEEPING),
        ("I", ProcessState.SLEEPING),
        ("D", ProcessState.WAITING),
        ("T", ProcessState.STOPPED),
        ("t", ProcessState.STOPPED),
        ("Z", ProcessState.ZOMBIE),
        ("X", None),
        ("P", None),
    ],
)
def test_states(letter: str, state: ProcessState | None) -> None:
    assert proc.STATES.get(letter) is state


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (b"nginx\0-g\0daemon off;\0", "nginx -g daemon off;"),
        (b"", "[comm]"),
        (b"\0", "[comm]"),
        (b"\0\0\0", "[comm]"),
        (b"a\0\0b\0", "a  b"),
        (b"nginx: master process /usr/sbin/nginx", "nginx: master process /usr/sbin/nginx"),
        (b"postgres: writer\0\0\0\0\0\0\0", "postgres: writer"),
        (b"caf\xe9\0\x1b[2J\0", "caf\N{REPLACEMENT CHARACTER} \x1b[2J"),
        (b"two\nlines\0", "two\nlines"),
    ],
)
def test_command_lines(data: bytes, command: str) -> None:
    assert proc.parse_command(data, "comm") == command


def test_the_user_is_the_effective_one_whatever_the_name_says() -> None:
    assert proc.parse_uid(b"Name:\tx\nUmask:\t0022\nUid:\t1000\t33\t1000\t33\nGid:\t1\t1\t1\t1\n") == 33
    assert proc.parse_uid(b"Name:\tUid:\\n0 0\nUid:\t5\t6\t5\t5\n") == 6
    assert proc.parse_uid(b"Name:\tx\n") is None


def test_the_host() -> None:
    stat = b"cpu  10 0 20 60 10 0 0 0 5 0\ncpu0 1 2 3 4\nbtime 1700000000\n"
    assert proc.parse_cpu(stat) == (30, 100)
    assert proc.parse_boot_time(stat) == 1_700_000_000
    assert proc.parse_cpu(b"") is None
    assert proc.parse_boot_time(b"") is None
    assert proc.parse_memory(b"MemTotal: 2 kB\nMemAvailable: 1 kB\n") == (2048, 1024)
    assert proc.parse_memory(b"MemTotal: 2 kB\n") == (2048, None)


@pytest.mark.parametrize(
    ("options", "how"),
    [
        (b"rw,nosuid", None),
        (b"rw,hidepid=0", None),
        (b"rw,hidepid=2,gid=4", "2"),
        (b"rw,gid=4,hidepid=invisible", "invisible"),
    ],
)
def test_a_proc_that_hides_processes_says_so(options: bytes, how: str | None) -> None:
    other = b"proc /elsewhere proc rw,hidepid=1 0 0\n"
    assert proc.parse_hidepid(other + b"proc /proc proc " + options + b" 0 0\n") == how


FIB_TRIE = b"""Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
"""
IF_INET6 = b"fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n"


def test_addresses_are_those_of_the_host_alone() -> None:
    assert proc.parse_addresses(FIB_TRIE, IF_INET6) == {"127.0.0.1", "192.0.2.2", "fe80::fc:ff:fe00:1"}


@given(st.binary(), st.binary())
def test_addresses_out_of_any_bytes(fib_trie: bytes, if_inet6: bytes) -> None:
    proc.parse_addresses(fib_trie, if_inet6)
