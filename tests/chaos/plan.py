"""Which blows fall when, and on whom: all of it follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    KILL = "kill"
    RESTART = "restart"
    """Asked to end, and started again."""
    FREEZE = "freeze"
    STORM = "storm"
    """The terminal gets another size, again and again."""
    STALL = "stall"
    """Nobody reads the terminal."""
    SLOW = "slow"
    """The terminal is behind a slow link."""
    STOP = "stop"
    """The dashboard itself is stopped and continued."""
    FULL = "full"
    AHEAD = "ahead"
    """The wall clock is an hour ahead, and then right again."""
    BEHIND = "behind"
    LOOK = "look"
    """A person opens a screen and moves about."""
    ARM = "arm"
    """A person arms the context, and disarms it again."""
    ORDER = "order"
    """A person has a program restarted by its supervisor, through the door."""
    TERM = "term"
    """A person sends SIGTERM to a program's process, through the door."""


ON_SERVERS = (Verb.KILL, Verb.RESTART, Verb.FREEZE)
THROUGH_THE_DOOR = (Verb.ORDER, Verb.TERM)
"""What a person does to a program, whatever else hits it just then."""
OURS = {
    Verb.STORM: "terminal",
    Verb.STALL: "terminal",
    Verb.SLOW: "terminal",
    Verb.STOP: "terminal",
    Verb.FULL: "disk",
    Verb.AHEAD: "clock",
    Verb.BEHIND: "clock",
    Verb.LOOK: "terminal",
    Verb.ARM: "mode",
}
"""What a blow that hits no server hits; two of the same never fall together."""
BRIEF, LONG = (0.5, 3.0), (10.0, 14.0)
"""Seconds that a blow lasts: too short to be told, and long enough that it must be."""
SOME = (6.0, 9.0)
"""Seconds of a slow link: it carries a whole screen meanwhile, and a minute has room for all else as well."""
QUICK = (Verb.STORM, Verb.LOOK, Verb.FULL, *THROUGH_THE_DOOR)
"""What is never long."""
BETWEEN = (0.3, 3.0)
"""Seconds from one blow to the next."""
OFTEN = 3
"""How often what hits no server comes in the time in which each server is hit by each verb once."""


@dataclass(frozen=True, slots=True, order=True)
class Blow:
    at: float
    """Seconds from the beginning."""
    verb: Verb
    whom: str
    lasts: float

    @property
    def until(self) -> float:
        return self.at + self.lasts


def planned(seed: int, seconds: float, servers: Sequence[str], supervised: Sequence[str]) -> tuple[Blow, ...]:
    """The blows of one run, all over before `seconds`. `supervised` die with the server "supervisord": while it
    is hit they are left alone, and while one of them is it is."""
    chance = random.Random(seed)
    deck = _deck(servers, supervised)
    busy: dict[str, float] = {}
    blows: list[Blow] = []
    waiting = _shuffled(chance, deck)
    at = 0.0
    while True:
        at = round(at + chance.uniform(*BETWEEN), 2)
        verb, whom = next((card for card in waiting if busy.get(_place(*card, supervised), 0) <= at), (None, ""))
        if verb is None:
            continue
        waiting.remove((verb, whom))
        blow = Blow(at, verb, whom, round(chance.uniform(*_length(chance, verb)), 2))
        if blow.until >= seconds:
            return tuple(blows)
        blows.append(blow)
        busy[_place(verb, whom, supervised)] = blow.until
        waiting = waiting or _shuffled(chance, deck)


def _length(chance: random.Random, verb: Verb) -> tuple[float, float]:
    if verb is Verb.SLOW:
        return SOME
    return BRIEF if verb in QUICK else chance.choice((BRIEF, LONG))


def _deck(servers: Sequence[str], supervised: Sequence[str]) -> list[tuple[Verb, str]]:
    hit = [(verb, whom) for whom in (*servers, *supervised) for verb in ON_SERVERS]
    acted = [(verb, whom) for whom in supervised for verb in THROUGH_THE_DOOR]
    return hit + acted + list(OURS.items()) * OFTEN


def _shuffled(chance: random.Random, deck: list[tuple[Verb, str]]) -> list[tuple[Verb, str]]:
    """One of each verb first: a short run has all of them."""
    cards = chance.sample(deck, len(deck))
    first = [next(card for card in cards if card[0] is verb) for verb in Verb]
    for card in first:
        cards.remove(card)
    return first + cards


def _place(verb: Verb, whom: str, supervised: Sequence[str]) -> str:
    if verb in THROUGH_THE_DOOR:
        return "terminal"
    return "supervisord" if verb in ON_SERVERS and whom in supervised else whom
