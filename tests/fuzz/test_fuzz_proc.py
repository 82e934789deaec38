"""The files of /proc: whatever stands in one, it is facts, or said to be cut short."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.processes import listening_sockets, proc
from tests.fuzz.junk import bytes_like

PIECES = (
    *(b"42 (sh) S 1 ", b" ", b"\n", b"\0", b"(", b")", b"1", b"-1", b"0 " * 22, b"\nUid:\t", b"btime ", b"cpu  "),
    *(
        b"MemTotal:",
        b"MemAvailable: ",
        b" kB\n",
        b"|-- ",
        b"/32 host LOCAL",
        b"proc /proc proc rw,hidepid=",
        b",",
    ),
    *(b"  0: 0100007F:1F90 00000000:0000 0A ", b" 0A ", b"x:y", b"FFFFFFFF" * 4, b"-00000001:-1", b"inode "),
)
files = bytes_like(PIECES)


@given(files)
@settings(max_examples=300, deadline=None)
def test_no_file_raises_anything_but_that_it_is_cut_short(data: bytes) -> None:
    for reads in (proc.parse_stat, proc.parse_resident):
        with suppress(ValueError):
            reads(data)
    for knows in (proc.parse_uid, proc.parse_boot_time, proc.parse_cpu, proc.parse_memory, proc.parse_hidepid):
        knows(data)
    proc.parse_addresses(data, data)
    listening_sockets.parse_table(b"head\n" + data)


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda word: b"\0" not in word), min_size=1))
def test_no_argument_is_lost(words: list[bytes]) -> None:
    said = proc.parse_command(b"\0".join(words) + b"\0", "comm")
    assert said == b" ".join(words).decode("utf-8", "replace")


def test_the_files_of_this_host_are_read() -> None:
    """Else the one above would prove nothing of what it calls."""
    here = Path(f"/proc/{os.getpid()}")
    assert proc.parse_uid((here / "status").read_bytes()) == os.geteuid()
    assert proc.parse_boot_time(Path("/proc/stat").read_bytes())
    assert proc.parse_cpu(Path("/proc/stat").read_bytes())
    assert all(proc.parse_memory(Path("/proc/meminfo").read_bytes()))
