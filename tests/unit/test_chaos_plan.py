"""The plan of a chaos run: the same from the same seed, and never two blows on one thing."""

from __future__ import annotations

import itertools

import pytest

from tests.chaos.plan import ON_SERVERS, THROUGH_THE_DOOR, Blow, Verb, planned

SERVERS = ("etcd m0", "etcd m1", "supervisord", "prometheus")
SUPERVISED = ("web-1", "web-2")


def plan(seed: int, seconds: float = 600) -> tuple[Blow, ...]:
    return planned(seed, seconds, SERVERS, SUPERVISED)


def test_a_seed_is_a_plan() -> None:
    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


@pytest.mark.parametrize("seed", range(20))
def test_a_minute_has_every_verb_and_ten_have_every_server_with_every_verb(seed: int) -> None:
    assert {blow.verb for blow in plan(seed, 60)} == set(Verb)
    hit = {(blow.whom, blow.verb) for blow in plan(seed) if blow.verb in ON_SERVERS}
    assert hit == set(itertools.product((*SERVERS, *SUPERVISED), ON_SERVERS))


@pytest.mark.parametrize("seed", range(20))
def test_all_is_over_in_time_and_nothing_is_hit_twice_at_once(seed: int) -> None:
    blows = plan(seed)
    assert list(blows) == sorted(blows)
    assert all(blow.until < 600 for blow in blows)
    hits = [blow for blow in blows if blow.verb not in THROUGH_THE_DOOR]
    for first, second in itertools.combinations(hits, 2):
        if "supervisord" in (first.whom, second.whom):
            together = {first.whom, second.whom} <= {"supervisord", *SUPERVISED}
        else:
            together = first.whom == second.whom
        assert not together or first.until <= second.at


@pytest.mark.parametrize("seed", range(20))
def test_who_acts_sees_the_terminal_and_acts_on_what_is_being_hit(seed: int) -> None:
    blows = plan(seed)
    acts = [blow for blow in blows if blow.verb in THROUGH_THE_DOOR]
    assert {(blow.verb, blow.whom) for blow in acts} == set(itertools.product(THROUGH_THE_DOOR, SUPERVISED))
    for act, other in itertools.product(acts, blows):
        seen = other is not act and (other.whom == "terminal" or other in acts)
        assert not seen or act.until <= other.at or other.until <= act.at
    hurt = [blow for blow in blows if blow.verb in ON_SERVERS]
    assert any(blow.at < act.at < blow.until for act, blow in itertools.product(acts, hurt))
