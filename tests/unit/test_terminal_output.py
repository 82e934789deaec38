"""What is written to the terminal: the loop never waits, and frames are made when there is room for them."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from collections.abc import Iterator

import pytest

from tests.waiting import wait_until
from widgets import terminal_output
from widgets.terminal_output import BYTES_AHEAD, Output

Ends = tuple[int, Output]
"""The terminal's end of a pseudo-terminal, and what writes to the other."""


@pytest.fixture
def ends() -> Iterator[Ends]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        written = Output(file)
        written.start()
        yield master, written
        os.close(master)
        written.stop()


def read(master: int, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += os.read(master, size - len(got))
    return got


def test_more_than_any_buffer_holds_is_taken_at_once_and_written_in_order(ends: Ends) -> None:
    master, written = ends
    frames = [f"{number:09}\n" * 1000 for number in range(100)]
    for frame in frames:
        written.write(frame)
    assert read(master, 1_000_000).decode() == "".join(frames)


def test_a_terminal_that_stops_answering_is_no_reason_to_wait(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, written = ends
    monkeypatch.setattr(terminal_output, "ANSWER_LOST", 0.05)
    taken = threading.Event()

    def frame() -> None:
        written.write("x" * (BYTES_AHEAD + 1))
        written.ask("?")
        read(master, BYTES_AHEAD + 2)

    frame()
    assert not written.ready(taken.set)
    time.sleep(0.06)
    # Its answer does not come any more; from now on what it reads is enough, and it is asked now and then only.
    wait_until(lambda: written.ready(taken.set))
    written.write("y" * (BYTES_AHEAD + 1))
    written.ask("?")
    assert read(master, BYTES_AHEAD + 1) == b"y" * (BYTES_AHEAD + 1)
    wait_until(lambda: written.ready(taken.set))
    began = time.monotonic()
    written.settle()
    assert time.monotonic() - began < 0.5
    # One that answers again is waited for again.
    time.sleep(0.06)
    written.write("z")
    written.ask("?")
    assert read(master, 2) == b"z?"
    written.answered()
    frame()
    assert not written.ready(taken.set)


def test_who_waits_for_the_terminal_is_called_once_when_it_has_taken_all(ends: Ends) -> None:
    master, written = ends
    calls: list[int] = []
    free = threading.Event()

    def then() -> None:
        calls.append(1)
        free.set()

    written.write("x" * 1_000_000)
    assert not written.ready(then)
    assert not written.ready(then)
    assert not calls
    read(master, 1_000_000)
    assert free.wait(10)
    assert calls == [1]
    assert written.ready(then)


def test_a_terminal_that_answers_is_not_left_far_behind(ends: Ends) -> None:
    master, written = ends
    free = threading.Event()
    written.write("x" * (BYTES_AHEAD - 1))
    written.ask("?")
    read(master, BYTES_AHEAD)
    assert written.ready(free.set) or free.wait(10)
    free.clear()
    written.write("x")
    written.ask("?")
    read(master, 2)
    assert not written.ready(free.set)
    written.answered()
    assert free.wait(10)
    assert written.ready(free.set)


def test_an_answer_that_is_lost_holds_nothing_up_for_ever(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    master, written = ends
    free = threading.Event()
    written.write("x" * BYTES_AHEAD)
    written.ask("?")
    read(master, BYTES_AHEAD + 1)
    assert not written.ready(free.set)
    monkeypatch.setattr(terminal_output, "ANSWER_LOST", 0.0)
    assert written.ready(free.set) or free.wait(10)


def test_at_the_end_an_answer_under_way_is_waited_for(ends: Ends) -> None:
    master, written = ends
    written.write("x")
    written.ask("?")
    read(master, 2)
    threading.Timer(0.1, written.answered).start()
    began = time.monotonic()
    written.settle()
    assert 0.05 < time.monotonic() - began < terminal_output.ANSWER


def test_a_terminal_that_has_gone_holds_nobody_up(ends: Ends) -> None:
    master, written = ends
    free = threading.Event()
    written.write("x" * 1_000_000)
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, master)
    os.close(other)
    assert written.ready(free.set) or free.wait(10)
