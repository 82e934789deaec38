"""Contexts: those that there are, and the one that is open: what watches it, what paints it, and its door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from backends.api.clock import Clock
from backends.config.context import Context
from backends.config.context_words import DEFAULT
from backends.nearest import nearest
from backends.watch import Remembered, Watch
from tui.bridge import Bridge
from tui.doors import Doors

if TYPE_CHECKING:
    from backends.changes.door import Door
    from tui.screens.metrics.dashboards import Dashboards


class Left(NamedTuple):
    """What was open before; nothing where there was nothing."""

    watching: Watch | None
    door: Door | None

    @property
    def was_armed(self) -> str:
        """The context that is armed no more, since it was left; "" where it was not."""
        armed = self.door is not None and self.door.arming.left is not None
        return self.watching.context.name if armed and self.watching is not None else ""


class Contexts:
    """One at a time. `first` is the one to open, or None to let `discover` find one; `timeout` is how long one of
    its sources may take to answer, in seconds. Making it touches nothing."""

    def __init__(
        self,
        named: Mapping[str, Context],
        first: Context | None,
        *,
        discover: Callable[[], Awaitable[Context]] | None,
        timeout: float,
        clock: Clock,
    ) -> None:
        self.named = dict(named)
        self.now = first or Context(DEFAULT)
        """The one that is open, or is opened now."""
        self.watching: Watch | None = None
        self.bridge: Bridge | None = None
        self.doors = Doors()
        self.frozen = False
        self._dashboards: Dashboards | None = None
        self._remembered: dict[str, Remembered] = {}
        """Of those that were open, by name."""
        self._discover = discover if first is None else None
        self._timeout = timeout
        self._clock = clock

    async def first(self) -> Context:
        """The one to begin with, looked for where none was named."""
        if self._discover is not None:
            discover, self._discover = self._discover, None
            self.now = await discover()
            self.named[self.now.name] = self.now
        return self.now

    def nearest(self, name: str) -> str:
        """What may have been meant by a name that none of them has, for the end of a message."""
        return nearest(name, self.named) or f"; there are {', '.join(sorted(self.named))}"

    def turn(self, context: Context, *, hold: bool) -> Left:
        """Open another one at once, and tell what is left, for `leave`. `hold`: let its first source begin alone,
        until its watch is told to go on."""
        left = Left(self.watching, self.doors.turn())
        if self.bridge is not None:
            self.bridge.close()
        if left.watching is not None:
            self._remembered[left.watching.context.name] = left.watching.leave()
        self.now = context
        remembered = self._remembered.pop(context.name, None)
        self.watching = Watch(context, timeout=self._timeout, clock=self._clock, remembered=remembered)
        self._dashboards = None
        self.bridge = Bridge(self.watching)
        self.bridge.freeze(self.frozen)
        if hold:
            self.watching.hold()
        self.watching.open()
        return left

    async def leave(self, left: Left) -> None:
        """Close what was open before."""
        if self.watching is not None:
            await self.doors.leave(left.door, self.watching)
        if left.watching is not None:
            await left.watching.close()

    async def close(self) -> None:
        if self.bridge is not None:
            self.bridge.close()
        await self.doors.close()
        if self.watching is not None:
            await self.watching.close()

    async def open_door(self) -> Door | None:
        """The way to change something in the open one; None where none is open, or another one meanwhile."""
        return None if self.watching is None else await self.doors.open(self.watching)

    @property
    def dashboards(self) -> Dashboards | None:
        """The open one's pages of charts, made when somebody first looks at them."""
        if self._dashboards is None and self.watching is not None:
            from tui.screens.metrics.dashboards import Dashboards

            self._dashboards = Dashboards(self.watching, self.now)
        return self._dashboards

    @property
    def missed(self) -> int | None:
        """Updates that came while the screen was frozen; None while it is not."""
        return self.bridge.missed if self.bridge is not None and self.frozen else None

    def freeze(self, on: bool) -> None:
        self.frozen = on
        if self.bridge is not None:
            self.bridge.freeze(on)

    def retry_now(self) -> None:
        """Ask what does not answer again at once, charts too."""
        if self.watching is not None:
            self.watching.retry_now()
        if self._dashboards is not None:
            self._dashboards.ask_now()
