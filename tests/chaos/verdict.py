"""The timeline of a run, held against what the servers say and against the blows that fell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.chaos.answers import Servers
from tests.chaos.plan import LONG, ON_SERVERS, Blow, Verb
from tests.chaos.told import GOOD, Link, Told, chains, disordered, torn

Key = tuple[str, ...]
Chains = Mapping[Key, list[Link]]
LATE = timedelta(seconds=4)
"""By how much a blow may fall later than planned, and be told later than it ended."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How production is at one moment, where that is another one in each run."""

    revision: int
    """etcd's."""
    lives: Mapping[Key, int]
    """By system and target, when each instance registered, in the system's own count."""
    words: Mapping[Key, str]
    """Leaders and pids, by the keys of their chains."""

    @classmethod
    def of(cls, servers: Servers, supervisor: int) -> Moment:
        words: dict[Key, str] = {("pid", "supervisord/main", "supervisord/main"): str(supervisor)}
        for source in ("etcd/main", "zookeeper/main"):
            words["leader", source, source] = servers.leader(source)
        return cls(
            revision=servers.revision(),
            lives={(row.system, f"{row.group}/{row.name}"): row.created for row in servers.registered()},
            words=words,
        )


def complaints_of(
    told: Sequence[Told],
    beginning: Moment,
    ending: Moment,
    history: Sequence[tuple[str, bool]],
    blows: Sequence[Blow],
    began: datetime,
) -> list[str]:
    """What is missing in the timeline, or told twice."""
    found = chains(told)
    return [
        *disordered(told),
        *torn(found, beginning.words, ending.words),
        *_unlike_etcd(found, history),
        *_untold_lives(found, beginning.lives, ending.lives),
        *_untold_blows(found, blows, began),
        *_untold_stops(told, blows),
    ]


def _unlike_etcd(found: Chains, history: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """etcd keeps its history: each coming and going of it is told, in its order."""
    real: dict[str, list[bool]] = defaultdict(list)
    for target, came in history:
        real[target].append(came)
    ours = {
        target: [link.after == "there" for link in links]
        for (what, source, target), links in found.items()
        if (what, source) == ("instance", "etcd/main")
    }
    for target in sorted(real.keys() | ours.keys()):
        if real.get(target, []) != ours.get(target, []):
            yield f"etcd's history of {target} is {real.get(target, [])}, and {ours.get(target, [])} was told"


def _untold_lives(found: Chains, before: Mapping[Key, int], now: Mapping[Key, int]) -> Iterator[str]:
    for (system, target), created in now.items():
        told = found.get(("instance", f"{system}/main", target), [])
        if before.get((system, target)) != created and not told:
            yield f"{target} has registered anew in {system}, and nothing was told of it"


def _untold_blows(found: Chains, blows: Sequence[Blow], began: datetime) -> Iterator[str]:
    """What hits a server for long is told, unless the dashboard was stopped meanwhile."""
    stops = [blow for blow in blows if blow.verb is Verb.STOP]
    for blow in blows:
        if blow.verb not in ON_SERVERS or blow.lasts < LONG[0]:
            continue
        if any(stop.at < blow.until and blow.at < stop.until for stop in stops):
            continue
        keys = _told_as(blow.whom)
        first, last = (began + timedelta(seconds=moment) for moment in (blow.at, blow.until))
        if keys and not any(_was_ill(found.get(key, []), GOOD[key[0]], first, last + LATE) for key in keys):
            yield f"nothing was told of {blow}"


def _untold_stops(told: Sequence[Told], blows: Sequence[Blow]) -> Iterator[str]:
    """Each time that the dashboard was stopped for long it says so itself."""
    stops = sum(blow.verb is Verb.STOP and blow.lasts >= LONG[0] for blow in blows)
    said = sum("stood still" in one.text for one in told)
    if said < stops:
        yield f"it was stopped for long {stops} times, and says so {said} times"


def _told_as(server: str) -> list[Key]:
    """The chains of which one must tell that a server is ill: its own, or its source's where that is lost."""
    system, _, name = server.partition(" ")
    source = f"{system}/main"
    keys: list[Key] = (
        [("source", source, source)] if system in ("etcd", "zookeeper", "prometheus", "supervisord") else []
    )
    if name:
        keys.append(("member", source, name if system == "etcd" else f"server.{name[1:]}"))
    return keys


def _was_ill(links: Sequence[Link], good: str, first: datetime, last: datetime) -> bool:
    states = [(link.told.time, link.after) for link in links]
    before = next((state for time, state in reversed(states) if time < first), good)
    return before != good or any(state != good for time, state in states if first <= time + LATE and time <= last)
