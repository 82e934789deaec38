"""The door: each of its steps in its order, and no way round any of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from backends.api.actions import End, Outcome, Permit, Refused
from backends.api.details import Trouble
from backends.api.errors import Silent
from backends.api.events import EventKind
from backends.api.readings import State
from backends.changes import door as door_module
from backends.changes.arming import ARMED_FOR
from backends.changes.door import Consent
from backends.config.context_words import Mode
from tests.clock import FakeClock
from tests.unit.acting import SOURCE, action_on, process
from tests.unit.doors import WORKER, YES, House, house


async def test_it_is_asked_written_done_and_written_again_in_this_order() -> None:
    async with house() as here:
        outcome = await here.through(action_on(WORKER))
        assert outcome == Outcome(End.DONE, "gone after 0.4 s")
        assert here.stage.log == ["asked", "performed", "done"]
        asked, done = here.audit.entries
        assert (asked.user, asked.origin, asked.context, asked.mode) == (
            "ops1",
            "ssh from 10.0.0.5",
            "lab",
            "armed",
        )
        assert (done.reason, done.verb, done.title, done.call) == (
            "it leaks",
            "signal",
            "SIGTERM",
            "kill -TERM 7",
        )
        assert done.target == action_on(WORKER).target
        assert [(row.kind, row.target, row.text) for row in here.events] == [
            (EventKind.ACTION, "worker", "SIGTERM: gone after 0.4 s")
        ]


async def test_read_only_offers_nothing_and_does_nothing() -> None:
    async with house(read_only=True) as here:
        assert here.door.arming.mode is Mode.READ_ONLY
        assert "read-only" in here.door.allows(SOURCE, "signal")
        with pytest.raises(Refused, match="read-only"):
            here.door.arming.arm(60, "why")
        with pytest.raises(Refused, match="read-only"):
            await here.through(action_on(WORKER))
        assert here.stage.log == ["refused"]


async def test_read_only_wins_over_always_armed() -> None:
    async with house(read_only=True, arm="always") as here:
        with pytest.raises(Refused, match="read-only"):
            await here.through(action_on(WORKER))
        assert here.stage.done == []


async def test_a_guarded_context_wants_a_reason_and_then_stays_armed_for_a_while() -> None:
    async with house() as here:
        proposal = await here.proposal(action_on(WORKER))
        for reason in ("", "  "):
            with pytest.raises(Refused, match="needs a reason"):
                await here.door.carry_out(proposal, Consent(reason=reason))
        assert here.stage.done == []
        assert (here.door.arming.mode, here.door.arming.left) == (Mode.GUARDED, None)
        await here.door.carry_out(proposal, YES)
        assert (here.door.arming.mode, here.door.arming.left) == (Mode.ARMED, ARMED_FOR)
        await here.door.carry_out(proposal, Consent())
        assert here.audit.entries[-1].reason == "it leaks"


async def test_arming_counts_down_and_ends_by_itself() -> None:
    async with house() as here:
        with pytest.raises(Refused, match="reason"):
            here.door.arming.arm(60, " ")
        here.door.arming.arm(60, "why")
        await here.clock.advance(45)
        assert (here.door.arming.mode, here.door.arming.left) == (Mode.ARMED, 15)
        await here.clock.advance(15)
        assert (here.door.arming.mode, here.door.arming.left) == (Mode.GUARDED, None)
        here.door.arming.arm(60, "why")
        here.door.disarm()
        assert here.door.arming.mode is Mode.GUARDED


def said(here: House) -> list[tuple[str, str]]:
    return [(row.target, row.text) for row in here.events]


async def written(here: House, lines: int) -> list[tuple[str, str, str, str]]:
    async with asyncio.timeout(5):
        while len(here.audit.entries) < lines:
            await asyncio.sleep(0.001)
    return [(e.verb, e.outcome, e.text, e.reason) for e in here.audit.entries]


async def test_arming_and_disarming_are_told_and_written_down_with_their_reason() -> None:
    async with house() as here:
        here.door.arming.arm(60, "why")
        until = (here.clock.now() + timedelta(seconds=60)).astimezone().strftime("%H:%M:%S")
        here.door.disarm()
        here.door.disarm()
        assert said(here) == [("lab", f"armed until {until}: why"), ("lab", "disarmed by ops1")]
        assert await written(here, 2) == [
            ("arm", "done", f"armed until {until}", "why"),
            ("disarm", "done", "disarmed by ops1", "why"),
        ]


async def test_a_time_that_is_over_is_told_once_and_one_that_was_made_longer_is_not_over() -> None:
    async with house() as here:
        here.door.arming.arm(60, "why")
        await here.clock.advance(45)
        here.door.arming.arm(60, "more")
        await here.clock.advance(45)
        assert here.door.arming.mode is Mode.ARMED
        await here.clock.advance(15)
        assert [text.partition(" until")[0] for _, text in said(here)] == [
            "armed",
            "armed",
            "disarmed by itself: its time is over",
        ]
        assert (await written(here, 3))[-1][3] == "more"


async def test_a_door_that_is_left_armed_says_that_it_is_not_any_more() -> None:
    async with house() as here:
        await here.through(action_on(WORKER))
        await here.door.close()
        assert said(here)[-1] == ("lab", "disarmed: its context was left")
        verb, outcome, text, reason = (await written(here, 3))[-1]
        assert (verb, outcome, text) == ("disarm", "done", "disarmed: its context was left")
        assert reason == here.audit.entries[0].reason != ""


async def test_once_arms_for_one_action_alone() -> None:
    async with house() as here:
        await here.through(action_on(WORKER), Consent("why", once=True))
        assert here.door.arming.mode is Mode.GUARDED
        with pytest.raises(Refused, match="needs a reason"):
            await here.through(action_on(WORKER), Consent())


async def test_always_armed_needs_no_reason_and_counts_nothing_down() -> None:
    async with house(arm="always") as here:
        assert (here.door.arming.mode, here.door.arming.left) == (Mode.ARMED, None)
        assert (await here.through(action_on(WORKER), Consent())).end is End.DONE


async def test_another_thing_by_the_same_name_is_refused_even_after_it_was_shown() -> None:
    async with house() as here:
        proposal = await here.proposal(action_on(WORKER))
        await here.show(process(generation=2.0))
        with pytest.raises(Refused, match="not the one that it was"):
            await here.door.carry_out(proposal, YES)
        assert here.stage.log == ["refused"]


async def test_what_is_gone_stale_or_unknown_is_refused() -> None:
    async with house() as here:
        proposal = await here.proposal(action_on(WORKER))
        await here.show(process(8, "other"))
        with pytest.raises(Refused, match="not there any more"):
            await here.door.carry_out(proposal, YES)
        await here.show(WORKER)
        await here.break_down()
        with pytest.raises(Refused, match="unreachable"):
            await here.door.carry_out(proposal, YES)
        with pytest.raises(Refused, match="unreachable"):
            await here.proposal(action_on(WORKER))
        assert here.stage.done == []
        assert [outcome for outcome, _ in here.audit.outcomes] == ["refused"] * 3


async def test_a_refusal_says_whether_it_is_one_for_good() -> None:
    async with house() as here:
        action = action_on(WORKER)
        assert here.door.refusal(action) is None
        ill = replace(WORKER, trouble=Trouble(Silent("no answer in 2 s"), 990.0))
        for row, for_now in ((ill, True), (process(generation=2.0), False), (process(8, "other"), False)):
            await here.show(row)
            refusal = here.door.refusal(action)
            assert refusal is not None
            assert (refusal.for_now, refusal.action) == (for_now, action)
        await here.show(WORKER)
        await here.break_down()
        refusal = here.door.refusal(action)
        assert refusal is not None
        assert refusal.for_now


async def test_what_is_old_of_the_target_alone_is_refused() -> None:
    """A host that does not answer while its source does."""
    async with house() as here:
        await here.show(replace(WORKER, trouble=Trouble(Silent("no answer in 2 s"), 990.0)))
        with pytest.raises(Refused, match="what is known of worker is old: no answer in 2 s"):
            await here.through(action_on(WORKER))
        assert here.stage.done == []


async def test_what_was_woken_for_a_question_rests_again_after_it() -> None:
    """Else each question would leave its sources asked for ever."""
    async with house() as here:
        here.leave()
        await here.proposal(action_on(WORKER))
        feeds = here.watch.feeds("processes").values()
        await here.clock.advance(max(feed.pace.linger for feed in feeds))
        assert [feed.reading.state for feed in feeds] == [State.IDLE]


async def test_the_reason_of_one_action_is_written_and_not_the_one_of_arming() -> None:
    async with house() as here:
        here.door.arming.arm(60, "looking around")
        await here.through(action_on(WORKER), Consent("it leaks"))
        assert {entry.reason for entry in here.audit.entries if entry.verb == "signal"} == {"it leaks"}


async def test_silence_makes_it_stale_and_stale_is_refused() -> None:
    async with house() as here:
        proposal = await here.proposal(action_on(WORKER))
        await here.clock.advance(8.5)
        with pytest.raises(Refused, match=r"worker is (stale|unreachable)"):
            await here.door.carry_out(proposal, YES)
        assert here.stage.done == []


async def test_what_is_blocked_is_refused_with_its_reason() -> None:
    async with house() as here:
        with pytest.raises(Refused, match="it is pid 1"):
            await here.through(action_on(WORKER, blocked="it is pid 1"))
        assert here.audit.outcomes == [("refused", "it is pid 1")]


async def test_a_name_is_typed_where_the_context_asks_for_it() -> None:
    async with house(confirm="type") as here:
        proposal = await here.proposal(action_on(WORKER))
        assert proposal.to_type == "worker"
        for typed in ("", "work", "y"):
            with pytest.raises(Refused, match="worker"):
                await here.door.carry_out(proposal, Consent("why", typed))
        assert here.stage.done == []
        assert (await here.door.carry_out(proposal, Consent("why", "worker"))).end is End.DONE


async def test_a_permit_is_for_one_action_once_and_soon() -> None:
    clock = FakeClock()
    action = action_on(WORKER)
    permit = Permit(action, clock.monotonic)
    with pytest.raises(Refused, match="another action"):
        permit.use(action_on(WORKER, arguments=(("signal", "KILL"),)))
    with pytest.raises(Refused, match="another action"):
        permit.use(action_on(process(8)))
    permit.use(action)
    with pytest.raises(Refused, match="used before"):
        permit.use(action)
    late = Permit(action, clock.monotonic)
    clock.seconds += Permit.LIFE + 1
    with pytest.raises(Refused, match="older than 30 s"):
        late.use(action)


async def test_what_can_not_be_asked_in_time_is_said_to_be_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "CONSULTED_WITHIN", 0.05)
    here = House()
    await here.show(WORKER)
    proposal = await here.proposal(action_on(WORKER))
    assert f"units of {SOURCE} are not known: loading" in proposal.consequences
    await here.watch.close()


async def test_a_source_that_can_change_nothing_is_refused() -> None:
    async with house() as here:
        with pytest.raises(Refused, match="not in this context"):
            await here.through(action_on(WORKER, target=_elsewhere()))


def _elsewhere() -> Any:
    return replace(action_on(WORKER).target, source="etcd/main")


async def test_what_is_refused_arms_nothing() -> None:
    async with house() as here:
        proposal = await here.proposal(action_on(WORKER))
        await here.show(process(generation=2.0))
        with pytest.raises(Refused, match="not the one that it was"):
            await here.door.carry_out(proposal, YES)
        assert here.door.arming.mode is Mode.GUARDED
