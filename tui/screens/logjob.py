"""What takes time in looking back through logs: one thing at a time, and the keys that wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from backends.api.errors import BackendError
from tui.looked import Looked
from tui.screens.base import Desk
from widgets.logview import LogView
from widgets.lookbackview import LookbackView

log = logging.getLogger("midwatch.logs")
GROUP = "look back"
WAITING = 200
"""Keys that wait at most; those that are left out are counted, and said."""


class LogJob:
    """Keys are about the lines that stand there when it is their turn: while others are read, or something is
    looked for, they wait. What one of them asks for may take time as well: then the next ones wait for that."""

    def __init__(self, view: LookbackView, desk: Callable[[], Desk]) -> None:
        self._view, self._desk = view, desk
        self._job: object = None
        self._ahead = False
        self._keys: deque[Callable[[], None]] = deque()
        self._left_out = 0
        self._idle = asyncio.Event()
        self.looked = Looked()
        """How far what is read now has come."""

    @property
    def busy(self) -> bool:
        """Whether something is read now."""
        return self._job is not None

    @property
    def reading(self) -> str:
        """What is read now, in words; empty where nothing is."""
        return f"reading … {self.looked.text}".rstrip() if self.busy else ""

    def begin(self, job: Callable[[], Coroutine[Any, Any, None]], *, ahead: bool = False) -> None:
        """Instead of what is read now. `ahead`: of the lines that stand there nothing changes but that more come,
        and keys do not wait for that."""
        mine = self._job = object()
        self._ahead = ahead
        self.looked.begin()
        self._idle.clear()

        async def run() -> None:
            try:
                await job()
            except BackendError as error:
                self._desk().say(str(error))
            except Exception as error:
                log.exception("looking back through logs")
                self._desk().say(f"bug in a log source: {type(error).__name__}: {error}; see :log")
            finally:
                if self._job is mine:
                    self._job = None
                    self._view.post_message(LogView.Changed())

        self._desk().work(run, GROUP)
        self._view.post_message(LogView.Changed())

    def stop(self) -> bool:
        """End what is read, and leave out the keys that wait for it; whether there was something."""
        was, self._job = self.busy, None
        if was:
            self._desk().work(_nothing, GROUP)
            self._view.post_message(LogView.Changed())
        if self._keys:
            self._desk().say(_left_out(len(self._keys)))
            self._keys.clear()
        self._idle.set()
        return was

    def cancel(self) -> bool:
        """The same because somebody wants it, who is told so."""
        said = ["reading has been ended"] + ([_left_out(len(self._keys))] if self._keys else [])
        if self.looked.text:
            said[0] += f" after {self.looked.text}"
        was = self.stop()
        if was:
            self._desk().say("; ".join(said))
        return was

    def then(self, key: Callable[[], None]) -> None:
        """Do what a key means, when those before it are done."""
        if not self._keys and not self._holds:
            key()
        elif len(self._keys) < WAITING:
            self._keys.append(key)
            self._idle.clear()
        else:
            self._left_out += 1
            self._desk().say(_left_out(self._left_out))

    def go_on(self) -> None:
        """Do what the keys mean that need not wait any more. Called when something has ended or was heard."""
        while self._keys and not self._holds:
            self._left_out = 0
            try:
                self._keys.popleft()()
            except Exception as error:
                log.exception("a bug in what a key does")
                self._desk().say(f"a bug of midwatch's own ({type(error).__name__}); :log has the rest")
        if not self._keys and not self.busy:
            self._idle.set()

    async def done(self) -> None:
        """Wait until nothing is read any more, and no key waits."""
        while self.busy or self._keys:
            await self._idle.wait()

    @property
    def _holds(self) -> bool:
        return (self.busy and not self._ahead) or self._view.searching or self._view.unheard


def _left_out(keys: int) -> str:
    return f"{keys} {'key that waits' if keys == 1 else 'keys that wait'} for older lines left out"


async def _nothing() -> None:
    """What runs in place of what is ended."""
