"""What a process would do with a signal: its masks in /proc/PID/status (proc(5)), else signal(7)'s default."""

from __future__ import annotations

import enum
from signal import Signals

from msgspec import Struct


class Fate(enum.Enum):
    """What a signal does to one process; its value is said of the process, with the signal's title put in."""

    CATCHES = "it catches {0}"
    IGNORES = "it ignores {0}"
    DROPPED = "it is pid 1 of a container and does not catch {0}, which the kernel drops then"
    HOLDS = "it blocks {0}: it takes it in its own time, or never"
    ENDS = "it does not handle {0}, which ends it"
    DUMPS = "it does not handle {0}, which ends it, with a core file where those are kept"
    STOPS = "{0} stops it until SIGCONT"
    GOES_ON = "it goes on where it was stopped"
    UNNOTICED = "it does not notice {0}"


DEADLY = (Fate.ENDS, Fate.DUMPS)
BEYOND_REFUSAL = {Signals.SIGKILL: Fate.ENDS, Signals.SIGSTOP: Fate.STOPS, Signals.SIGCONT: Fate.GOES_ON}
"""No process can catch, block or ignore the effect of these."""
STOPPING = (Signals.SIGTSTP, Signals.SIGTTIN, Signals.SIGTTOU)
DUMPING = (Signals.SIGQUIT, Signals.SIGABRT)
UNNOTICED = (Signals.SIGCHLD, Signals.SIGURG, Signals.SIGWINCH)


class Handling(Struct, frozen=True):
    """The masks of one process, a bit for each signal from 1 on; `blocked` is its main thread's. `init` says
    that it is the first process of a pid namespace (pid_namespaces(7))."""

    caught: int
    ignored: int
    blocked: int
    pending: int
    threads: int
    init: bool

    def fate(self, number: Signals) -> Fate:
        if number in BEYOND_REFUSAL:
            return BEYOND_REFUSAL[number]
        if _in(number, self.ignored):
            return Fate.IGNORES
        # Another thread may take what the main one blocks, as far as somebody catches it at all.
        if _in(number, self.blocked) and (self.threads == 1 or not self.catches(number)):
            return Fate.HOLDS
        if self.catches(number):
            return Fate.CATCHES
        if self.init:
            return Fate.DROPPED
        if number in UNNOTICED:
            return Fate.UNNOTICED
        if number in STOPPING:
            return Fate.STOPS
        return Fate.DUMPS if number in DUMPING else Fate.ENDS

    def catches(self, number: Signals) -> bool:
        return _in(number, self.caught)

    def waits(self, number: Signals) -> bool:
        """Whether such a signal was sent and not taken yet."""
        return _in(number, self.pending)


def _in(number: Signals, mask: int) -> bool:
    return bool(mask >> (number - 1) & 1)


def parse_handling(status: bytes) -> Handling:
    """From `/proc/PID/status`. Raises ValueError where it is cut short."""
    fields = dict(line.split(b":", 1) for line in status.splitlines() if b":" in line)
    try:
        masks = [int(fields[name], 16) for name in (b"SigCgt", b"SigIgn", b"SigBlk", b"SigPnd", b"ShdPnd")]
        inner = fields.get(b"NSpid", b"").split()
        return Handling(
            caught=masks[0],
            ignored=masks[1],
            blocked=masks[2],
            pending=masks[3] | masks[4],
            threads=int(fields[b"Threads"]),
            init=len(inner) > 1 and inner[-1] == b"1",
        )
    except KeyError as error:
        raise ValueError(f"no {error} in status") from None
