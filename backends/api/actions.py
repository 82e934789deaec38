"""What can be changed, said in full before anything is: Action and Target, the Permit to do it once, the Outcome.

Building an Action changes nothing. Only `backends.changes.door` makes a Permit, and a backend that changes
anything calls `permit.use(action)` first. This guards tired people against mistakes, not against code in its own
process.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct


class Danger(enum.IntEnum):
    """How much an action can break; lists show the mildest first, and never the gravest as the choice."""

    MILD = 0
    """It can be taken back, or does nothing to what runs (HUP to what reloads, start, continue)."""
    NORMAL = 1
    """What runs will end, in its own order (TERM, stop, restart, a deploy)."""
    GRAVE = 2
    """What runs will end without a chance to clean up (KILL, QUIT)."""


class Target(Struct, frozen=True):
    """One thing to change, and what makes it this one and no other.

    `source`, `noun` and `key` find its row; `identity` is compared once more at the moment of acting (pid with
    start time and boot, a unit's pid and start, a store's revision): another one is another thing, whatever its
    name. `name` is what people call it, and what they type where that is asked for.
    """

    source: str
    noun: str
    key: str
    name: str
    identity: str
    host: str = ""
    label: str = ""
    """What tells it from others of its name, in a line of text ("python 4121"); empty where its name does."""

    @property
    def shown(self) -> str:
        return self.label or self.name


class Action(Struct, frozen=True):
    """A change that could be made. `effect` says what it does in a sentence without an end ("asks nginx to end"),
    `call` the exact call as a person would make it, `caution` what this program is known to do with it."""

    verb: str
    """`signal`, `start`, `stop`, `restart`, `deploy`, `abort`."""
    target: Target
    title: str
    """Its words in a menu and on its button: "SIGTERM", "restart"."""
    effect: str
    call: str
    danger: Danger = Danger.NORMAL
    arguments: tuple[tuple[str, str], ...] = ()
    """What the backend needs beyond the target (`("signal", "TERM")`); part of the digest."""
    caution: str = ""
    deadline: float = 10.0
    """Seconds until its outcome is unknown."""
    escalation: str = ""
    """The title of the action to offer where this one did not do (SIGKILL after SIGTERM); never by itself."""
    patience: float = 0.0
    """Seconds after which it is known that it did not do."""
    blocked: str = ""
    """Why this can't be done to this target ("it is pid 1"): shown in its place, and refused by the door."""

    @property
    def sentence(self) -> str:
        """What is done to whom ("SIGTERM to python 4121", "restart web", "deploy web version=2")."""
        return sentence(self.verb, self.title, self.target.shown)

    @property
    def asks_to_end(self) -> bool:
        """Whether its target is asked to end, be it to begin anew: an end after it is no failure."""
        return self.verb == "restart" or ("expected", "end") in self.arguments

    @property
    def digest(self) -> str:
        """What a permit is for: verb, target, arguments and call, not the sentences about them."""
        target = self.target
        parts = (self.verb, (target.source, target.noun, target.key, target.identity), self.arguments, self.call)
        # Here, since who only looks asks for none: OpenSSL takes a noticeable part of the start.
        import hashlib

        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def sentence(verb: str, title: str, whom: str) -> str:
    """`whom` is the target's name, or how many they are. A title may name its target ("deploy web version=2")."""
    if title != whom and f" {whom} " in f" {title} ":
        return title
    return f"{title} to {whom}" if verb == "signal" else f"{title} {whom}"


class Refused(Exception):
    """The door, or the backend at the last moment, says no: nothing was changed. `hint` says what to do.

    `action` is which one it says no to, where the door was asked about several. `for_now`: what is known is too
    old, and it may pass as soon as that is fresh again.
    """

    def __init__(
        self, reason: str, hint: str = "", *, action: Action | None = None, for_now: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.hint, self.action, self.for_now = reason, hint, action, for_now


class Permit:
    """Leave to do one action once, soon. Made by the door alone; a test of the house keeps it so."""

    __slots__ = ("_digest", "_left", "_monotonic", "_until")

    LIFE = 30.0
    """Seconds."""

    def __init__(self, action: Action, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._digest = action.digest
        self._monotonic = monotonic
        self._until = monotonic() + self.LIFE
        self._left = 1

    def use(self, action: Action) -> None:
        """Spend it. Raises `Refused` where it is for another action, was used before, or is too old."""
        if action.digest != self._digest:
            raise Refused("the permit is for another action")
        if self._left != 1:
            raise Refused("the permit was used before")
        if self._monotonic() > self._until:
            raise Refused(f"the permit is older than {self.LIFE:g} s", "ask again")
        self._left = 0


class End(enum.StrEnum):
    """How an action ended, in the words of the audit."""

    DONE = "done"
    FAILED = "failed"
    """Tried, and it is known that it did not happen, or did not help ("still there")."""
    UNKNOWN = "unknown"
    """Nobody knows yet: no answer in time, or the server went away while it acted."""
    REFUSED = "refused"


class Outcome(Struct, frozen=True):
    """How it ended and what was read back ("exited after 0.4 s; supervisord started 4873")."""

    end: End
    text: str


Tell = Callable[[str], None]
"""Hears how a long action goes on, a line each time."""
