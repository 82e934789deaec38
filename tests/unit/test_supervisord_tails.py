"""Logs over the wire: lines, seams and gaps, on bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.processes.supervisord_programs import Info
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
