"""What is said of how true something is: of a view by all its readings, and of one row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends.api.details import Trouble
from backends.api.errors import Misconfigured, Silent, Unreachable
from backends.api.readings import Reading, State
from widgets.freshness import Sight, standing, standing_look, standing_of, word_of
from widgets.look import Look

NOW = 1000.0
WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
REFUSED = Unreachable("refused")


def reading(state: State, ago: float | None = 0.0, **more: Any) -> Reading[Any]:
    at, as_of = (None, None) if ago is None else (NOW - ago, WALL - timedelta(seconds=ago))
    return Reading(state, {}, at, as_of, **more)


LIVE, STALE = reading(State.LIVE), reading(State.STALE, 20, error=Silent("no answer"))
LOST = reading(State.UNREACHABLE, 30, error=REFUSED, next_try=NOW + 3.6)


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        ([], ("NO SOURCE", Look.WARN)),
        ([LIVE, LIVE], ("LIVE", Look.GOOD)),
        ([reading(State.LIVE, 4.9)], ("LIVE", Look.GOOD)),
        ([reading(State.LIVE, 5.0)], ("LIVE 5s", Look.GOOD)),
        # Of several the oldest word is told.
        ([LIVE, reading(State.LIVE, 7)], ("LIVE 7s", Look.GOOD)),
        ([LIVE, reading(State.LOADING, None)], ("LOADING 1 of 2", Look.DIM)),
        ([reading(State.IDLE, 60)], ("IDLE", Look.DIM)),
        ([STALE], ("STALE 20s  no answer", Look.WARN)),
        ([LIVE, STALE], ("STALE 1 of 2 20s  no answer", Look.WARN)),
        ([LIVE, STALE, LOST], ("UNREACHABLE 1 of 3 30s  refused, again in 4 s", Look.BAD)),
        ([LOST, LOST, LIVE], ("UNREACHABLE 2 of 3 30s  refused, again in 4 s", Look.BAD)),
        ([reading(State.UNREACHABLE, None, error=REFUSED)], ("UNREACHABLE  refused, trying now", Look.BAD)),
        (
            [reading(State.UNREACHABLE, None, error=REFUSED, next_try=NOW + 0.1)],
            ("UNREACHABLE  refused, again in 1 s", Look.BAD),
        ),
        (
            [reading(State.STALE, 20, error=REFUSED, abandoned=1)],
            ("STALE 20s  refused, 1 attempt stuck", Look.WARN),
        ),
        (
            [reading(State.STALE, 20, error=REFUSED, abandoned=2)],
            ("STALE 20s  refused, 2 attempts stuck", Look.WARN),
        ),
    ],
)
def test_a_view_says_the_worst_of_its_sources_and_how_many_are_so(
    readings: list[Reading[Any]], said: tuple[str, Look]
) -> None:
    assert standing_of(readings, NOW) == said


@pytest.mark.parametrize("look", list(Look))
def test_a_rows_own_look_is_kept_while_its_source_is_live_and_no_other_is(look: Look) -> None:
    """In trouble only what means nothing else is bad."""
    live, trouble = Sight.of(LIVE, NOW, WALL), Trouble(REFUSED, NOW - 9)
    assert standing_look(look, None, live) is look
    assert standing_look(look, trouble, live) is (Look.BAD if look is Look.PLAIN else look)
    assert standing_look(look, None, Sight.of(LOST, NOW, WALL)) is Look.BAD
    assert standing_look(look, None, Sight.of(STALE, NOW, WALL)) is Look.WARN
    assert standing_look(look, None, Sight.of(None, NOW, WALL)) is Look.DIM


@pytest.mark.parametrize(
    ("of", "trouble", "said"),
    [
        (LIVE, None, "up"),
        (LIVE, Trouble(REFUSED, NOW - 9), "up 9s"),
        (LIVE, Trouble(Silent("no answer"), NOW - 9), f"{Silent('').word} 9s"),
        (LIVE, Trouble(REFUSED), "up"),
        (STALE, None, "stale 20s"),
        # How its source is says more than what was wrong with the row.
        (LOST, Trouble(REFUSED, NOW - 9), "unreachable 30s"),
        (reading(State.UNREACHABLE, None), None, "unreachable"),
        (reading(State.IDLE, 60), None, "idle"),
        (None, None, "loading"),
    ],
)
def test_a_row_says_its_own_word_while_its_source_is_live(
    of: Reading[Any] | None, trouble: Trouble | None, said: str
) -> None:
    assert standing("up", trouble, Sight.of(of, NOW, WALL)) == said


@pytest.mark.parametrize(
    ("of", "known"),
    [
        (reading(State.LIVE, 3), WALL),
        (LOST, WALL - timedelta(seconds=30)),
        (reading(State.IDLE, 60), WALL - timedelta(seconds=60)),
        (None, WALL),
    ],
)
def test_what_is_told_holds_until_now_only_while_its_source_is_live(
    of: Reading[Any] | None, known: datetime
) -> None:
    assert Sight.of(of, NOW, WALL).known == known


def test_what_our_own_settings_did_wrong_has_a_word_of_its_own() -> None:
    wrong = Misconfigured("no such file")
    assert word_of(reading(State.UNREACHABLE, None, error=wrong)) == wrong.word
    assert word_of(LOST) == "unreachable"
