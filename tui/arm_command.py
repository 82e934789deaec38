"""`:arm 15m "why"` and `:disarm`, and what is said to them."""

from __future__ import annotations

import asyncio
import math
import shlex
from collections.abc import Coroutine
from typing import Any, Protocol

from backends.api.actions import Refused
from backends.changes.arming import ARMED_AT_MOST, ARMED_FOR
from backends.changes.door import Door
from backends.config.context_words import Mode
from widgets.quantities import age, duration, span_text

HOW_TO_ARM = f':arm {age(ARMED_FOR)} "why"'


class ArmDesk(Protocol):
    @property
    def door(self) -> Door | None: ...
    async def open_door(self) -> Door | None: ...
    def say(self, text: str) -> None: ...
    def work(self, job: Coroutine[Any, Any, None], group: str = "default") -> None: ...


class ArmFlow:
    """In the order in which they were typed, though the door has first to be opened."""

    def __init__(self, desk: ArmDesk) -> None:
        self._desk = desk
        self._arming = 0
        """How many of `:arm` have not had their answer."""
        self._in_order = asyncio.Lock()

    def arm(self, rest: str = "") -> None:
        """`rest` is the time, which may be left out, and the reason."""
        self._arming += 1
        self._desk.work(self._arm(rest))

    async def _arm(self, rest: str) -> None:
        try:
            async with self._in_order:
                door = await self._desk.open_door()
                self._desk.say("still opening" if door is None else arm(door, rest))
        finally:
            self._arming -= 1

    def disarm(self) -> None:
        """At once; an arming that is still under way is waited for, and taken back."""
        if self._arming:
            self._desk.work(self._disarm_then())
        else:
            self._disarm()

    async def _disarm_then(self) -> None:
        async with self._in_order:
            self._disarm()

    def _disarm(self) -> None:
        door = self._desk.door
        self._desk.say("not armed: nothing was done here yet" if door is None else disarm(door))


def arm(door: Door, rest: str) -> str:
    """Arm for the time and the reason that were typed, and say so, or why not. The time may be left out; where
    both are, and it is armed, how long it still is."""
    if not rest.strip() and door.arming.left is not None:
        return _armed(door)
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    seconds = ARMED_FOR
    try:
        seconds = duration(words[0]) if words else seconds
        words = words[1:]
    except ValueError:
        if words[0][:1].isdigit() and " " not in words[0]:
            return f"{words[0]} is no time, as 90s, 15m and 1h30m are; {HOW_TO_ARM}"
        # Else it is the first word of the reason.
    try:
        door.arming.arm(seconds, " ".join(words))
    except Refused as refusal:
        return f"{refusal.reason}; {refusal.hint or HOW_TO_ARM}"
    return _armed(door, f", the longest there is, not {span_text(seconds)}" if seconds > ARMED_AT_MOST else "")


def _armed(door: Door, more: str = "") -> str:
    return f"armed for {age(math.ceil(door.arming.left or 0))}{more}: {door.arming.reason}; :disarm ends it"


def disarm(door: Door) -> str:
    was_armed = door.arming.left is not None
    door.disarm()
    mode = door.arming.mode
    if mode is Mode.ARMED:
        return f"{mode}: this context is always armed"
    return f"disarmed: {mode} again" if was_armed else f"{mode}: it was not armed"
