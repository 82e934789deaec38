"""Where processes listen: the kernel's tables, parsed, and on a /proc that the test makes."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from backends.processes import listening, listening_sockets
from backends.processes.listening import Listening
from backends.processes.listening_sockets import parse_table
from backends.processes.table import INHERITED, RELISTEN, Table
from tests.unit.fake_proc import FakeProc

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 {} 1 0000000000000000 100 0 0 10 0\n"


def table(*rows: tuple[str, str, int]) -> bytes:
    """Address, state and inode of each socket, as x86 and arm print them."""
    lines = [f"   0: {at} 00000000:0000 {state} {REST.format(inode)}" for at, state, inode in rows]
    return (HEAD + "".join(lines)).encode()


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel prints words in this machine's byte order")
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000:0016", "0.0.0.0:22"),
        ("00000000000000000000000000000000:0050", "[::]:80"),
        ("00000000000000000000000001000000:0050", "[::1]:80"),
        ("0000000000000000FFFF00000100007F:0050", "127.0.0.1:80"),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert parse_table(table((address, "0A", 7), (address, "01", 8))) == {"socket:[7]": shown}


def test_what_is_cut_short_or_nonsense_is_left_out() -> None:
    good = table(("0100007F:1F90", "0A", 7))
    assert parse_table(good[:-40] + b"\n x 0A y\n") in ({}, {"socket:[7]": "127.0.0.1:8080"})
    assert parse_table(b"") == {}
    assert parse_table(HEAD.encode() + b"0: zz:zz 0:0 0A 0 0 0 0 0 9\n") == {}


@pytest.fixture
def fake(tmp_path: Path) -> FakeProc:
    made = FakeProc(tmp_path / "proc")
    (made.root / "net").mkdir()
    (made.root / "net/tcp").write_bytes(table(("0100007F:1F90", "0A", 7), ("0100007F:1F91", "0A", 9)))
    spaced(made, "self")
    return made


def spaced(fake: FakeProc, pid: str, space: str = "net:[1]") -> None:
    (fake.root / pid / "ns").mkdir(parents=True, exist_ok=True)
    (fake.root / pid / "ns/net").symlink_to(space)


def opens(fake: FakeProc, pid: int, *targets: str) -> None:
    folder = fake.root / str(pid) / "fd"
    folder.mkdir(exist_ok=True)
    for number, target in enumerate(targets, len(list(folder.iterdir()))):
        (folder / str(number)).symlink_to(target)


def test_a_process_listens_where_its_files_are_listening_sockets(fake: FakeProc) -> None:
    for pid in (7, 8, 9, 10):
        fake.add(pid)
    spaced(fake, "7")
    spaced(fake, "8")
    spaced(fake, "9", "net:[2]")
    opens(fake, 7, "/dev/null", "socket:[9]", "socket:[7]", "socket:[7]", "socket:[1234]")
    opens(fake, 8, "/dev/null")
    opens(fake, 9, "socket:[1234]")
    here = Listening(str(fake.root))
    here.look()
    assert here.of(7) == ("127.0.0.1:8080", "127.0.0.1:8081")
    assert here.of(8) == ()
    # In another network namespace, and one whose files we may not see: not known, which is not nowhere.
    assert here.of(9) is None
    assert here.of(10) is None


def test_an_idle_process_that_begins_to_listen_is_found_within_some_looks(fake: FakeProc) -> None:
    fake.add(7)
    spaced(fake, "7")
    opens(fake, 7, "/dev/null")
    looks = Table(str(fake.root), "box", "local/host")
    rows = [looks.look()["box/7/100/0badcafe"] for _ in range(2)]
    assert rows[0].listening == ()
    opens(fake, 7, "socket:[7]")
    rows = [looks.look()["box/7/100/0badcafe"] for _ in range(RELISTEN)]
    assert rows[-1].listening == ("127.0.0.1:8080",)
    assert looks.look()["box/7/100/0badcafe"] is rows[-1]


def test_long_after_the_last_socket_began_a_new_one_is_found_as_soon(
    fake: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add(7)
    spaced(fake, "7")
    opens(fake, 7, "/dev/null", "socket:[4242]")
    looks = Table(str(fake.root), "box", "local/host")
    rows = [looks.look()["box/7/100/0badcafe"] for _ in range(INHERITED)]
    assert rows[-1].listening == ()
    (fake.root / "net/tcp").write_bytes(table(("0100007F:1F90", "0A", 7), ("0100007F:2328", "0A", 4242)))
    # Elsewhere the tables are not read again at once.
    looks._listening._due = float("-inf")
    monkeypatch.setattr(listening, "COST", 0.0)
    rows = [looks.look()["box/7/100/0badcafe"] for _ in range(RELISTEN)]
    assert rows[-1].listening == ("127.0.0.1:9000",)


def test_a_socket_that_was_handed_on_is_found_in_the_end(fake: FakeProc) -> None:
    fake.add(7)
    spaced(fake, "7")
    opens(fake, 7, "/dev/null")
    looks = Table(str(fake.root), "box", "local/host")
    for _ in range(INHERITED):
        looks.look()
    opens(fake, 7, "socket:[7]")
    rows = [looks.look()["box/7/100/0badcafe"] for _ in range(INHERITED)]
    assert rows[-1].listening == ("127.0.0.1:8080",)


@pytest.fixture
def listeners() -> Iterator[dict[str, str]]:
    """So many that the kernel's answer takes several messages, by the names of their links."""
    with ExitStack() as stack:
        made: dict[str, str] = {}
        for family, host in [(socket.AF_INET, "127.0.0.1")] * 300 + [(socket.AF_INET6, "::1")]:
            one = stack.enter_context(socket.socket(family))
            one.bind((host, 0))
            one.listen()
            shown = f"[{host}]" if ":" in host else host
            made[f"socket:[{os.fstat(one.fileno()).st_ino}]"] = f"{shown}:{one.getsockname()[1]}"
        yield made


def refusing(*args: object, **kwargs: object) -> NoReturn:
    raise OSError(errno.EAFNOSUPPORT, "no netlink here")


def test_the_kernel_tells_what_its_tables_tell(
    listeners: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = listening_sockets.listening_sockets("/proc")
    assert listeners.items() <= asked.items()
    with monkeypatch.context() as patch:
        patch.setattr("socket.socket", refusing)
        read = listening_sockets.listening_sockets("/proc")
    assert listeners.items() <= read.items()
    # Others come and go meanwhile.
    assert all(asked[name] == read[name] for name in asked.keys() & read.keys())


def test_an_answer_that_lacks_some_is_none() -> None:
    header, answer = listening_sockets.HEADER, b"\0" * listening_sockets.ANSWER.size
    whole = header.pack(header.size + len(answer), 20, 2, 1, 0) + answer
    assert [kind for kind, _ in listening_sockets._messages(whole + whole)] == [20, 20]
    interrupted = header.pack(header.size + len(answer), 20, 0x12, 1, 0) + answer
    error = header.pack(header.size + 4, 2, 0, 1, 0) + b"\xfe\xff\xff\xff"
    for wrong in (interrupted, error, whole[:-1], header.pack(0, 20, 0, 1, 0)):
        with pytest.raises(OSError, match="sock_diag"):
            list(listening_sockets._messages(whole + wrong))


def test_without_tables_nothing_is_known(tmp_path: Path) -> None:
    fake = FakeProc(tmp_path / "proc")
    fake.add(7)
    assert Table(str(fake.root), "box", "local/host").look()["box/7/100/0badcafe"].listening is None
