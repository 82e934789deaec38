"""Texts on their way to cells: nothing of them is lost or twice, and how long they are costs nothing."""

from __future__ import annotations

import time

import pytest
from rich.cells import cell_len

from tests.hostile import EVIL, unsafe
from widgets.form import wrapped as in_form
from widgets.look import Look
from widgets.safe import cuts, fit, line, style, under_cursor, width_of, wrapped

MANY = 10_000_000
LONG = {"plain": "x", "wide": "漢", "storm": "e\u0301\u0489", "escapes": "\x1b[31mr\x1b[0m", "blanks": "a    "}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_what_does_not_fit_costs_nothing(text: str) -> None:
    text *= MANY // len(text)
    began = time.thread_time()
    cell = fit(text, 40)
    assert cell_len(cell) == 40
    assert width_of(text) > 0
    assert line([(text, style()), (text, style())], 120).cell_length == 120
    in_form(((text, style()),), 80)
    assert time.thread_time() - began < 0.2
    assert not unsafe(cell)


@pytest.mark.parametrize("width", [1, 2, 7, 40, 1000])
def test_a_cell_is_as_wide_as_it_is_and_holds_nothing_hostile(width: int) -> None:
    assert cell_len(fit(EVIL, width)) == width
    assert not unsafe(fit(EVIL, width))
    assert not unsafe(line([(EVIL, style())], width).text)


def test_a_long_word_of_a_question_is_whole_whatever_its_letters_are() -> None:
    word = "".join(chr(0x4E00 + i) for i in range(100))
    rows = ["".join(text for text, _ in row) for row in in_form(((f"to {word} now", style()),), 21)]
    assert "".join(rows).replace("…", "").replace(" ", "") == f"to{word}now"
    assert max(map(cell_len, rows)) <= 21


@pytest.mark.parametrize("width", [20, 33, 80])
def test_wide_letters_are_wrapped_by_the_cells_that_they_take(width: int) -> None:
    text = "  名  " + "漢字かな交じり文 e\u0301 and words " * 20
    rows = wrapped(text, width)
    assert max(map(cell_len, rows)) <= width
    assert "".join("".join(rows).split()) == "".join(text.split())


def test_a_path_that_has_no_room_goes_on_behind_a_slash() -> None:
    text = "supervisorctl -s unix:///tmp/midwatch/supervisord/supervisor.sock status"
    assert wrapped(text, 44) == [
        "supervisorctl -s",
        "unix:///tmp/midwatch/supervisord/",
        "supervisor.sock status",
    ]


def test_wrapping_takes_as_long_as_the_text_is() -> None:
    def spent(text: str) -> float:
        began = time.thread_time()
        wrapped(text, 80)
        return time.thread_time() - began

    for some in ("word " * 20_000, "漢字 " * 10_000):
        assert spent(some * 20) < 200 * max(spent(some), 0.001)


@pytest.mark.parametrize("room", range(-2, 4))
@pytest.mark.parametrize("text", ["a word and another", "日本語の言葉"])
def test_a_terminal_of_a_few_columns_is_no_reason_to_end(text: str, room: int) -> None:
    assert cuts(text, room, 5)
    assert in_form(((text, style()),), room)


def test_what_goes_on_begins_at_the_column_that_is_told() -> None:
    text = "its process  pid 7  up 3 d  /usr/sbin/nginx -g daemon-off"
    assert wrapped(text, 56)[1] == " " * 20 + "daemon-off"
    assert wrapped(text, 56, 13) == ["its process  pid 7  up 3 d  /usr/sbin/nginx -g", " " * 13 + "daemon-off"]


def test_under_the_cursor_a_colour_lies_behind_its_words_alone_and_nothing_is_dim() -> None:
    bar, bad = style(reverse=True), style(Look.BAD)
    parts = [("  up  now  ", bad), ("    ", bad), (" note", style(Look.DIM)), ("", bad)]
    assert under_cursor(parts) == [
        ("  ", bar),
        ("up  now", style(Look.BAD, reverse=True)),
        ("  ", bar),
        ("    ", bar),
        (" ", bar),
        ("note", bar),
    ]
