"""`:arm 15m "why"` and `:disarm`, in words."""

from __future__ import annotations

import math
import shlex

from backends.api.actions import Refused
from backends.arming import ARMED_FOR
from backends.context_words import Mode
from backends.door import Door
from widgets.quantities import age, duration


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
        pass  # No time, but the first word of the reason.
    try:
        door.arming.arm(seconds, " ".join(words))
    except Refused as refusal:
        return f"{refusal.reason}; {refusal.hint}"
    return _armed(door)


def _armed(door: Door) -> str:
    return f"armed for {age(math.ceil(door.arming.left or 0))}: {door.arming.reason}; :disarm ends it"


def disarm(door: Door) -> str:
    was_armed = door.arming.left is not None
    door.disarm()
    mode = door.arming.mode
    if mode is Mode.ARMED:
        return f"{mode}: this context is always armed"
    return f"disarmed: {mode} again" if was_armed else f"{mode}: it was not armed"
