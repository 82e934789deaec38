"""How the terminal's input is waited for: while nothing comes nothing runs, and the end is noticed at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from selectors import EVENT_READ, SelectorKey, SelectSelector

import pytest

from widgets.private.driver import TICK, _Keys, _Leaving

SOON = 5.0


class Waits:
    """The waits that the selector under the keys was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limits: list[float | None] = []
        """In seconds; None is until something comes."""
        self._changed = threading.Condition()
        select = SelectSelector.select

        def watched(selector: SelectSelector, limit: float | None = None) -> list[tuple[SelectorKey, int]]:
            with self._changed:
                self.limits.append(limit)
                self._changed.notify_all()
            return select(selector, limit)

        monkeypatch.setattr(SelectSelector, "select", watched)

    def begun(self, number: int) -> float | None:
        """How long this one of them may take, once it has begun; the first is number 0."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.limits) > number, SOON)
        return self.limits[number]


class Waiting(threading.Thread):
    """One wait for keys, and what it gave."""

    def __init__(self, keys: _Keys) -> None:
        super().__init__(daemon=True)
        self._keys = keys
        self.came: list[int] | None = None
        self.start()

    def run(self) -> None:
        self.came = [key.fd for key, _ in self._keys.select(0.1)]


@pytest.fixture
def typed() -> Iterator[tuple[int, int]]:
    pipe = os.pipe()
    yield pipe
    for end in pipe:
        os.close(end)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return Waits(monkeypatch)


def test_it_waits_until_a_key_comes_and_then_looks_again_soon(typed: tuple[int, int], waits: Waits) -> None:
    keys = _Keys(_Leaving().handle)
    keys.register(typed[0], EVENT_READ)
    waiting = Waiting(keys)
    assert waits.begun(0) is None
    os.write(typed[1], b"\x1b")
    waiting.join(SOON)
    assert waiting.came == [typed[0]]
    os.read(typed[0], 1)
    # Whether the escape was a key by itself.
    assert keys.select(0.1) == []
    assert waits.limits == [None, TICK]
    keys.close()


def test_an_escape_is_asked_about_however_late_it_is_taken_in(
    typed: tuple[int, int], waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("widgets.private.driver.time.monotonic", lambda: now)
    keys = _Keys(_Leaving().handle)
    keys.register(typed[0], EVENT_READ)
    os.write(typed[1], b"\x1b")
    assert [key.fd for key, _ in keys.select(0.1)] == [typed[0]]
    os.read(typed[0], 1)
    # The thread waits for its turn with the escape in its hand, and then once more.
    now = 10.0
    assert keys.select(0.1) == []
    now = 10.05
    assert keys.select(0.1) == []
    now = 20.0
    assert keys.select(0.1) == []
    assert waits.limits == [None, TICK, TICK, TICK]
    waiting = Waiting(keys)
    assert waits.begun(4) is None
    os.write(typed[1], b"x")
    waiting.join(SOON)
    assert waiting.came == [typed[0]]
    keys.close()


def test_the_end_is_noticed_without_a_key_and_a_new_beginning_waits_again(
    typed: tuple[int, int], waits: Waits
) -> None:
    leaving = _Leaving()
    for number in range(2):
        keys = _Keys(leaving.handle)
        keys.register(typed[0], EVENT_READ)
        waiting = Waiting(keys)
        assert waits.begun(number) is None
        leaving.set()
        waiting.join(SOON)
        assert waiting.came == []
        leaving.clear()
        keys.close()
