"""Arming: in which mode a context is just now, for how long, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from backends.api.actions import Refused
from backends.api.clock import Clock, Timer
from backends.config.context import Context
from backends.config.context_words import NOTHING_LIFTS_IT, READ_ONLY, Mode

ARMED_FOR = 900.0
"""Seconds for which a guarded context stays armed where nobody says for how long."""
ARMED_AT_MOST = 3600.0
"""Seconds, whatever was asked for."""


class Arming:
    """One context's. `told` hears what becomes of it: the verb, a text, the reason."""

    def __init__(self, context: Context, clock: Clock, told: Callable[[str, str, str], None]) -> None:
        self._context, self._clock, self._told = context, clock, told
        self._until = 0.0
        self._reason = ""
        self._lapse: Timer | None = None

    @property
    def mode(self) -> Mode:
        mode = self._context.mode
        return Mode.ARMED if mode is Mode.GUARDED and self._clock.monotonic() < self._until else mode

    @property
    def left(self) -> float | None:
        """Seconds until it disarms itself; None where it is not armed, or always is."""
        left = self._until - self._clock.monotonic()
        return left if left > 0 and self._context.arm != "always" else None

    @property
    def reason(self) -> str:
        return self._reason if self.left is not None else ""

    def arm(self, seconds: float, reason: str) -> None:
        """Raises `Refused` in a read-only context, in one that is always armed, and without time or reason."""
        if self.mode is Mode.READ_ONLY:
            raise Refused(READ_ONLY, NOTHING_LIFTS_IT)
        if self._context.arm == "always":
            raise Refused("this context is always armed", "each action is asked for all the same")
        if not reason.strip():
            raise Refused("arming needs a reason")
        if seconds <= 0:
            raise Refused("arming needs a time")
        self._arm(min(seconds, ARMED_AT_MOST), reason.strip())
        until = self._clock.now() + timedelta(seconds=self.left or 0.0)
        self._told("arm", f"armed until {until.astimezone():%H:%M:%S}", self._reason)

    def arm_by_action(self, reason: str) -> None:
        """By the reason of an action, whose own lines of the audit say so, and why."""
        self._arm(ARMED_FOR, reason.strip())

    def disarm(self, text: str) -> None:
        """`text` says who or what disarms it ("disarmed by ops1")."""
        reason = self.end()
        if reason is not None:
            self._told("disarm", text, reason)

    def end(self) -> str | None:
        """Disarm and tell nobody; why it was armed until now, None where it was not."""
        lapse, reason, self._lapse = self._lapse, self._reason, None
        self._until, self._reason = 0.0, ""
        if lapse is None:
            return None
        lapse.cancel()
        return reason

    def _arm(self, seconds: float, reason: str) -> None:
        self._until, self._reason = self._clock.monotonic() + seconds, reason
        if self._lapse is not None:
            self._lapse.cancel()
        self._lapse = self._clock.call_later(seconds, lambda: self.disarm("disarmed by itself: its time is over"))
