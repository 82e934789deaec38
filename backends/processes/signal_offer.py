"""The signals that can be sent to a process, as actions: what each would do to this one. Nothing is sent here."""

from __future__ import annotations

from signal import Signals

from msgspec import Struct

from backends.api.actions import Action, Danger, Target
from backends.processes.handling import DEADLY, Fate, Handling
from backends.processes.signal_lore import Lore, lore

ENDED_WITHIN = 5.0
"""Seconds that a process has to end."""
STARTED_AGAIN_WITHIN = 1.5
"""Seconds within which a supervisor mostly starts again what it keeps running (supervisord, runit: 1 s)."""
END, STOP, GO_ON, STAY = "end", "stop", "go on", "stay"
"""What is expected of the process afterwards; in the action's arguments, and read back."""

OFFERED: dict[Signals, tuple[str, Danger]] = {
    Signals.SIGTERM: ("asks {0} to clean up and end", Danger.NORMAL),
    Signals.SIGHUP: ("tells {0} that its terminal is gone; daemons mostly reload by it", Danger.MILD),
    Signals.SIGINT: ("interrupts {0}, as ctrl-c does", Danger.NORMAL),
    Signals.SIGUSR1: ("what {0} does with it, its authors chose", Danger.MILD),
    Signals.SIGUSR2: ("what {0} does with it, its authors chose", Danger.MILD),
    Signals.SIGQUIT: ("quits {0}, as ctrl-\\ does: mostly without cleaning up", Danger.GRAVE),
    Signals.SIGSTOP: ("freezes {0} until SIGCONT, which it can't refuse", Danger.NORMAL),
    Signals.SIGCONT: ("lets {0} go on after a stop", Danger.MILD),
    Signals.SIGTSTP: ("asks {0} to stop until SIGCONT, as ctrl-z does", Danger.NORMAL),
    Signals.SIGWINCH: ("tells {0} that its window has another size", Danger.MILD),
    Signals.SIGTTIN: ("tells {0} that it may not read its terminal", Danger.MILD),
    Signals.SIGTTOU: ("tells {0} that it may not write to its terminal", Danger.MILD),
    Signals.SIGCHLD: ("tells {0} that a child ended, so that it may collect it", Danger.MILD),
    Signals.SIGABRT: ("aborts {0}, mostly with a core file", Danger.GRAVE),
    Signals.SIGKILL: ("ends {0} at once; it can't refuse, and nothing is cleaned up", Danger.GRAVE),
}
"""What each says in general, in the order of the menu: SIGTERM first always, SIGKILL last."""
WHERE_CAUGHT = (Signals.SIGTSTP, Signals.SIGWINCH, Signals.SIGTTIN, Signals.SIGTTOU, Signals.SIGCHLD)
"""Of use only with a program that does something of its own with them."""
MEANT_TO_END = (Signals.SIGTERM, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGABRT, Signals.SIGKILL)


class Subject(Struct, frozen=True):
    """The process: `state` is the kernel's letter, `programs` what it goes by in the lore, best first. Of one on
    another host `state` is empty and `handling` None: not known."""

    target: Target
    pid: int
    command: str
    state: str
    handling: Handling | None
    programs: tuple[str, ...]


def offers(to: Subject, *, pinned: bool, blocked: str) -> tuple[Action, ...]:
    """One action a signal. `pinned` says whether a pidfd can hold it, `blocked` why it may not be signalled."""
    how = "" if pinned else ", without a pidfd: its start time is read just before"
    return tuple(
        offer(to, number, f"kill -{short(number)} {to.pid}{how}", (("command", to.command),), blocked)
        for number in OFFERED
        if number not in WHERE_CAUGHT or (to.handling is not None and to.handling.catches(number))
    )


def offer(
    to: Subject, number: Signals, call: str, kept: tuple[tuple[str, str], ...] = (), blocked: str = ""
) -> Action:
    """One signal, sent by `call`; `kept` is what its sender needs beyond the signal and what is expected."""
    usual = OFFERED[number][1]
    known = lore(to.programs, short(number))
    what = None if known is None else known[1]
    fate = None if to.handling is None else to.handling.fate(number)
    expected = _expected(number, fate, what)
    return Action(
        verb="signal",
        target=to.target,
        title=number.name,
        effect="; ".join([*_fate(number, fate), *_meant(number, fate, to.target.name)]),
        call=call,
        danger=_danger(number, usual, expected, what),
        arguments=(("signal", short(number)), ("expected", expected), *kept),
        caution="; ".join(_cautions(to, number, expected, known)),
        escalation="SIGKILL" if number is Signals.SIGTERM else "",
        patience=ENDED_WITHIN,
        blocked=blocked,
    )


def short(number: Signals) -> str:
    """`TERM`: as `kill` takes it."""
    return number.name.removeprefix("SIG")


def named(word: str) -> Signals | None:
    """The signal that a person means: with or without SIG, in any case, or its number; None where it is none."""
    name = word.upper().removeprefix("SIG")
    try:
        return Signals(int(name)) if name.isdecimal() else Signals[f"SIG{name}"]
    except (KeyError, ValueError):
        return None


def _expected(number: Signals, fate: Fate | None, known: Lore | None) -> str:
    if number is Signals.SIGCONT:
        return GO_ON
    if fate is Fate.STOPS:
        return STOP
    if fate in DEADLY:
        return END
    if known is not None and known.ends is not None:
        return END if known.ends else STAY
    return END if number in MEANT_TO_END else STAY


def _fate(number: Signals, fate: Fate | None) -> list[str]:
    """What this process does with it, where that is known and its own effect does not say it already."""
    if fate is None or number in (Signals.SIGKILL, Signals.SIGSTOP, Signals.SIGCONT):
        return []
    return [fate.value.format(number.name)]


def _meant(number: Signals, fate: Fate | None, name: str) -> list[str]:
    """What the signal says in general; nothing to one that does not handle it and simply ends."""
    return [] if fate in DEADLY and number is not Signals.SIGKILL else [OFFERED[number][0].format(name)]


def _danger(number: Signals, usual: Danger, expected: str, known: Lore | None) -> Danger:
    if number is Signals.SIGKILL:
        return Danger.GRAVE
    if known is not None and known.danger is not None and not (expected == END and known.ends is False):
        return known.danger
    # What was not meant to end it, and will, gives it no chance to clean up.
    return Danger.GRAVE if expected == END and usual is Danger.MILD else usual


def _cautions(to: Subject, number: Signals, expected: str, known: tuple[str, Lore] | None) -> list[str]:
    said = [] if known is None else [f"{known[0]}: {known[1].text}"]
    if to.state == "T" and number not in (Signals.SIGKILL, Signals.SIGCONT, Signals.SIGSTOP):
        said.append(f"it is stopped, and takes {number.name} only after SIGCONT")
    if to.state == "D":
        said.append(f"the kernel holds it (state D): it takes {number.name} when that is over")
    if to.handling is not None and to.handling.init and expected == END:
        said.append("it is pid 1 of a container: all that runs in there ends with it")
    return said
