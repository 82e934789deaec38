"""How the terminal's input is waited for: while nothing comes nothing runs, and the end is noticed at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from selectors import EVENT_READ

import pytest

from widgets.private.driver import _Keys, _Leaving

SOON = 5.0


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


def test_it_waits_until_a_key_comes_and_then_looks_again_soon(typed: tuple[int, int]) -> None:
    keys = _Keys(_Leaving().handle)
    keys.register(typed[0], EVENT_READ)
    waiting = Waiting(keys)
    waiting.join(0.3)
    assert waiting.is_alive()
    os.write(typed[1], b"\x1b")
    waiting.join(SOON)
    assert waiting.came == [typed[0]]
    os.read(typed[0], 1)
    # Whether the escape was a key by itself.
    assert keys.select(0.1) == []
    keys.close()


def test_an_escape_is_asked_about_however_late_it_is_taken_in(
    typed: tuple[int, int], monkeypatch: pytest.MonkeyPatch
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
    waiting = Waiting(keys)
    waiting.join(0.1)
    assert waiting.is_alive()
    os.write(typed[1], b"x")
    waiting.join(SOON)
    assert waiting.came == [typed[0]]
    keys.close()


def test_the_end_is_noticed_without_a_key_and_a_new_beginning_waits_again(typed: tuple[int, int]) -> None:
    leaving = _Leaving()
    for _ in range(2):
        keys = _Keys(leaving.handle)
        keys.register(typed[0], EVENT_READ)
        waiting = Waiting(keys)
        waiting.join(0.1)
        assert waiting.is_alive()
        leaving.set()
        waiting.join(SOON)
        assert waiting.came == []
        leaving.clear()
        keys.close()
