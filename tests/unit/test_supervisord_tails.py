"""Logs over the wire: lines, seams and gaps, on bytes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.logs.followed_files import FollowedFiles
from backends.processes.supervisord_logs import Cursor, Plan, _Run
from backends.processes.supervisord_programs import Info
from backends.processes.supervisord_rpc import Rpc
from backends.processes.supervisord_tails import WINDOW, Piece, Stream, Tail, begin, resume, streams_of, take

LOG = Stream("web", "stdout", "/var/log/web.log")


def lines(*pieces: Piece) -> list[bytes]:
    return [line for piece in pieces for block in piece.blocks for line in block.lines()]


def window(data: bytes) -> bytes:
    return data[-WINDOW:]


def test_a_line_is_a_line_once_its_end_has_come() -> None:
    first = begin(LOG, b"one\ntw")
    second = take(LOG, first.tail, b"o\n\nfour\n")
    assert lines(first) == [b"one"]
    assert lines(second) == [b"two", b"", b"four"]


def test_of_a_full_window_the_first_line_is_only_its_end() -> None:
    piece = begin(LOG, window(b"x" * 50 + b"\n" + b"y" * (WINDOW - 10) + b"\n"))
    assert lines(piece) == [b"y" * (WINDOW - 10)]


@given(st.lists(st.binary(max_size=40), max_size=60), st.integers(0, 60), st.integers(0, 900))
def test_a_seam_is_found_wherever_the_connection_broke(texts: list[bytes], at: int, cut: int) -> None:
    """Each line differs, as lines with a time do; less than a window came meanwhile."""
    whole = b"".join(b"%04d " % n + text.replace(b"\n", b"") + b"\n" for n, text in enumerate(texts))
    before = whole[: min(len(whole), at * 13 + cut)]
    if len(whole) - len(before) > WINDOW - 40 or (before and len(before) < 40):
        return
    first = begin(LOG, window(before))
    piece = resume(LOG, first.tail, window(whole))
    if not before:
        return
    told = lines(first, piece)
    assert told == whole.split(b"\n")[:-1][-len(told) :]
    assert not piece.notes


few = st.sampled_from([b"tick", b"tock", b"", b"GET /healthz 200 from the balancer"])


@given(
    turn=st.lists(few, min_size=1, max_size=6),
    turns=st.integers(1, 300),
    ahead=st.lists(few, max_size=3),
    seen=st.floats(0, 1),
)
def test_what_is_lost_among_equal_lines_is_told(
    turn: list[bytes], turns: int, ahead: list[bytes], seen: float
) -> None:
    """Lines that repeat, over a break of any length: each that came is told, or a note says that some may not
    be."""
    every = ahead + turn * turns
    whole = b"".join(line + b"\n" for line in every)
    before = whole[: round(seen * len(whole))]
    first = begin(LOG, window(before))
    piece = resume(LOG, first.tail, window(whole))
    told = lines(first, piece)
    if piece.notes:
        assert len(whole) >= WINDOW
    else:
        assert told == every[len(every) - len(told) :]
        # Of a full window the first line may be only its end.
        least = window(before).count(b"\n") - 1 + whole[len(before) :].count(b"\n")
        assert len(told) >= (len(every) if len(before) < WINDOW else least)


def test_a_log_that_ticks_on_is_not_taken_for_one_that_stands() -> None:
    first = begin(LOG, window(b"tick\n" * 1000))
    piece = resume(LOG, first.tail, window(b"tick\n" * 1100))
    assert piece.blocks == ()
    assert "some may be missing" in piece.notes[0]


def test_a_log_that_was_empty_has_lost_nothing() -> None:
    piece = resume(LOG, begin(LOG, b"").tail, b"one\ntwo\n")
    assert (lines(piece), piece.notes) == ([b"one", b"two"], ())


async def test_a_tail_that_breaks_in_an_unknown_way_is_heard_of() -> None:
    class Broken:
        def tail(self, program: str, channel: str) -> Any:
            raise ValueError("nobody thought of it")

    files = FollowedFiles()
    run = _Run(cast(Rpc, Broken()), files, Cursor())
    try:
        await run.change(Plan((LOG,), {}, (LOG,), (), 0.0))
        with pytest.raises(ValueError, match="nobody thought of it"):
            await anext(run.until(asyncio.get_running_loop().time() + 10))
    finally:
        await run.close()


def test_where_the_log_went_on_too_far_a_note_says_so() -> None:
    before = b"".join(b"early %d\n" % n for n in range(300))
    later = before + b"".join(b"late %d\n" % n for n in range(900))
    first = begin(LOG, window(before))
    piece = resume(LOG, first.tail, window(later))
    assert "lines are missing" in piece.notes[0]
    assert lines(piece)[-1] == b"late 899"


def test_a_truncated_file_is_a_note_and_no_line() -> None:
    piece = take(LOG, Tail(), b"a\n==> File truncated <==\nb\n")
    assert lines(piece) == [b"a", b"b"]
    assert "truncated" in piece.notes[0]


def test_an_endless_line_comes_in_pieces() -> None:
    piece = take(LOG, Tail(), b"x" * (2 << 20))
    assert len(lines(piece)[0]) == 2 << 20
    assert piece.tail.partial == b""
    assert "in pieces" in piece.notes[0]


def test_programs_without_a_log_that_can_be_read_back_have_none() -> None:
    def info(out: str, error: str) -> Info:
        return Info("a", "g", 1, 0, 2, "RUNNING", "", 0, 7, out, error)

    found = streams_of([info("/dev/stdout", "syslog"), info("/var/a", ""), info("/proc/self/fd/1", "/var/b")])
    assert [(stream.origin, stream.path) for stream in found] == [("g:a", "/var/a"), ("g:a stderr", "/var/b")]
