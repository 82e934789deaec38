"""Keys wait in one queue: for the views to stand, and for what the view in front is not yet about; the first of
them lets all be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest
from textual import events

from tui import key_queue
from tui.first_paint import FirstPaint
from tui.key_queue import KeyQueue


class App:
    def __init__(self) -> None:
        self.refreshed = 0

    def batch_update(self) -> AbstractContextManager[None]:
        return nullcontext()

    def set_timer(self, seconds: float, then: Callable[[], object]) -> None:
        pass

    @property
    def screen(self) -> Any:
        return self

    def refresh(self) -> None:
        self.refreshed += 1


class Keys:
    """`wait` while the view is not what they are about; `ctrl+c` ends that at once."""

    def __init__(self) -> None:
        self.wait = False
        self.pressed: list[str] = []

    def ends_waiting(self, key: str, waiting: Iterable[str]) -> bool:
        return key == "ctrl+c"

    def press(self, key: str, character: str | None) -> None:
        self.pressed.append(key)

    def paste(self, text: str) -> None:
        self.pressed.append(text)


class Lab:
    def __init__(self) -> None:
        self.app, self.keys = App(), Keys()
        self.said: list[str] = []
        self.paint = FirstPaint(cast("Any", self.app), lambda: None, lambda: None)
        self.queue = KeyQueue(cast("Any", self.keys), self.said.append, self.paint.let_go)

    def type(self, *keys: str) -> None:
        for key in keys:
            self.queue.typed(events.Key(key, None))


@pytest.fixture
def lab() -> Lab:
    made = Lab()
    made.paint.hold()
    return made


def test_what_was_typed_before_anything_was_drawn_is_drawn_for_as_soon_as_the_views_stand() -> None:
    lab = Lab()
    lab.type("a")
    lab.paint.hold()
    assert lab.paint.holding
    lab.queue.begin()
    assert (lab.paint.holding, lab.keys.pressed, lab.app.refreshed) == (False, ["a"], 1)


def test_the_first_key_lets_all_of_it_be_drawn_once(lab: Lab) -> None:
    lab.queue.begin()
    assert lab.paint.holding
    lab.type("a", "b")
    assert (lab.paint.holding, lab.app.refreshed) == (False, 1)


def test_every_key_waits_until_the_views_stand(lab: Lab) -> None:
    """Also one that ends what keys wait for: there is no view yet that could be told."""
    lab.keys.wait = True
    lab.type("a", "ctrl+c")
    assert lab.keys.pressed == []
    lab.keys.wait = False
    lab.queue.begin()
    assert lab.keys.pressed == ["a", "ctrl+c"]


def test_what_waits_comes_before_a_key_that_need_not(lab: Lab) -> None:
    """The view may have come so far without having said so yet."""
    lab.queue.begin()
    lab.keys.wait = True
    lab.type("a", "b")
    lab.queue.typed(events.Paste("pasted"))
    lab.keys.wait = False
    lab.type("c")
    assert lab.keys.pressed == ["a", "b", "pasted", "c"]


def test_a_key_that_makes_the_rest_wait_leaves_them_waiting(lab: Lab) -> None:
    lab.queue.begin()
    lab.keys.wait = True
    lab.type("a", "b")
    press = lab.keys.press

    def opens(key: str, character: str | None) -> None:
        press(key, character)
        lab.keys.wait = True

    lab.keys.press = opens  # type: ignore[method-assign]
    lab.keys.wait = False
    lab.queue.go_on()
    assert lab.keys.pressed == ["a"]


def test_what_ends_the_waiting_leaves_the_others_out_and_says_how_many(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_queue, "WAITING", 2)
    lab.queue.begin()
    lab.keys.wait = True
    lab.type("a", "b", "c")
    assert lab.said == ["1 key typed ahead left out"]
    lab.type("ctrl+c")
    assert lab.keys.pressed == ["ctrl+c"]
    assert lab.said[1:] == ["3 keys typed ahead left out"]
    assert lab.queue.leave_out() == ""
