"""ReadTask: history of logs is read for one thing at a time, and keys wait for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from backends.api.errors import BackendError
from tui.screens.base import Desk
from tui.screens.logs.progress import Progress
from widgets.logs.history_view import HistoryView
from widgets.logs.view import LogView

log = logging.getLogger("midwatch.logs")
GROUP = "read logs"


class ReadTask:
    def __init__(self, view: HistoryView, desk: Callable[[], Desk]) -> None:
        self._view, self._desk = view, desk
        self._job: object = None
        self._ahead = False
        self.progress = Progress()
        """How far what is read now has come."""

    @property
    def busy(self) -> bool:
        """Whether something is read now."""
        return self._job is not None

    @property
    def keys_wait(self) -> bool:
        """Keys are about the lines that stand there when it is their turn: they wait while others are read or
        something is looked for."""
        return (self.busy and not self._ahead) or self._view.searching or self._view.unheard

    @property
    def reading(self) -> str:
        """What is read now, in words; empty where nothing is."""
        return f"reading … {self.progress.text}".rstrip() if self.busy else ""

    def begin(self, job: Callable[[], Coroutine[Any, Any, None]], *, ahead: bool = False) -> None:
        """Instead of what is read now. `ahead`: of the lines that stand there nothing changes but that more come,
        and keys do not wait for that."""
        mine = self._job = object()
        self._ahead = ahead
        self.progress.begin()

        async def run() -> None:
            try:
                await job()
            except BackendError as error:
                self._desk().say(str(error))
            except Exception as error:
                log.exception("reading logs")
                self._desk().say(f"bug in a log source: {type(error).__name__}: {error}; see :log")
            finally:
                if self._job is mine:
                    self._job = None
                    self._view.post_message(LogView.Changed())

        self._desk().work(run, GROUP)
        self._view.post_message(LogView.Changed())

    def lines_change(self) -> None:
        """What is read now was not to change the lines that stand there, but will: keys wait from here on."""
        self._ahead = False

    def stop(self) -> bool:
        """End what is read; whether there was something."""
        was, self._job = self.busy, None
        if was:
            self._desk().work(_nothing, GROUP)
            self._view.post_message(LogView.Changed())
        return was


async def _nothing() -> None:
    """What runs in place of what is ended."""
