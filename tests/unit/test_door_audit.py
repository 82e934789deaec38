"""The door and its audit: a line before each act, whatever the disk does; and none that is lost in silence."""

from __future__ import annotations

import asyncio

import pytest

from backends.api.actions import Action, End, Outcome, Refused
from backends.changes import audit_for_door
from backends.changes.audit_for_door import AGAIN
from backends.changes.door import Consent, NotAudited
from tests.unit.acting import action_on, process, unit
from tests.unit.doors import WORKER, YES, House, house

UNAUDITED = Consent("why", "worker", unaudited=True)


async def test_without_an_audit_only_the_typed_name_lets_it_through() -> None:
    async with house() as here:
        here.audit.failing = True
        with pytest.raises(Refused, match="the audit can't be written: no space left"):
            await here.through(action_on(WORKER))
        assert here.stage.done == []
        assert (await here.through(action_on(WORKER), UNAUDITED)).end is End.DONE


async def test_what_is_held_is_written_as_soon_as_it_can_be() -> None:
    async with house(arm="always") as here:
        here.audit.failing = True
        with pytest.raises(NotAudited, match="the audit can't be written") as refusal:
            await here.through(action_on(WORKER), Consent())
        assert "type its name, worker" in refusal.value.hint
        outcome = await here.through(action_on(WORKER), Consent(typed="worker", unaudited=True))
        assert "its lines of the audit are held: no space left" in outcome.text
        assert here.door.held == ("asked", "refused", "asked", "done")
        here.audit.failing = False
        # Nobody acts any more: time alone does it.
        async with asyncio.timeout(5):
            while len(here.audit.entries) < 4:
                await here.clock.advance(AGAIN)
                await asyncio.sleep(0.01)
        assert [outcome for outcome, _ in here.audit.outcomes] == ["asked", "refused", "asked", "done"]


async def test_what_is_held_is_written_at_the_latest_at_the_end() -> None:
    async with house(arm="always") as here:
        here.audit.failing = True
        await here.through(action_on(WORKER), Consent(typed="worker", unaudited=True))
        here.audit.failing = False
        await here.door.close()
        assert [outcome for outcome, _ in here.audit.outcomes] == ["asked", "done"]


@pytest.mark.parametrize("typed", ["worker", ""])
async def test_a_name_that_was_typed_for_another_reason_is_no_leave_to_act_without_audit(typed: str) -> None:
    async with house(confirm="type" if typed else "button") as here:
        here.audit.failing = True
        with pytest.raises(NotAudited):
            await here.through(action_on(WORKER), Consent("why", typed))
        with pytest.raises(NotAudited):
            await here.through(action_on(WORKER), Consent("why", "worker"))
        assert here.stage.done == []


@pytest.mark.parametrize("typed", ["", "work", "worker 7"])
async def test_who_was_told_that_no_audit_takes_it_and_typed_another_name_does_nothing(typed: str) -> None:
    async with house() as here:
        here.audit.failing = True
        with pytest.raises(NotAudited):
            await here.through(action_on(WORKER), Consent("why", typed, unaudited=True))
        assert here.stage.done == []


async def being_written(here: House, action: Action, consent: Consent = YES) -> asyncio.Task[Outcome]:
    """Through the door, up to the audit, which takes its time until its gate is opened."""
    here.audit.gate.clear()
    proposal = await here.proposal(action)
    going = asyncio.ensure_future(here.door.carry_out(proposal, consent))
    async with asyncio.timeout(5):
        await asyncio.to_thread(here.audit.knocked.wait)
    return going


async def test_who_disarms_meanwhile_stops_what_was_let_through_without_a_reason_of_its_own() -> None:
    async with house() as here:
        here.door.arming.arm(900.0, "it leaks")
        going = await being_written(here, action_on(WORKER), Consent(once=True))
        here.door.disarm()
        here.audit.gate.set()
        with pytest.raises(Refused, match="disarmed meanwhile"):
            await going
        assert here.stage.done == []


async def test_who_disarms_while_the_audit_is_written_stops_it() -> None:
    async with house() as here:
        going = await being_written(here, action_on(WORKER))
        here.door.disarm()
        here.audit.gate.set()
        with pytest.raises(Refused, match="disarmed meanwhile"):
            await going
        assert here.stage.done == []
        mine = [entry for entry in here.audit.entries if entry.verb == "signal"]
        assert [(entry.outcome, entry.reason) for entry in mine] == [
            ("asked", "it leaks"),
            ("refused", "it leaks"),
        ]


async def test_an_action_armed_for_once_needs_no_armed_context_after_the_audit() -> None:
    async with house() as here:
        going = await being_written(here, action_on(WORKER), Consent("why", once=True))
        here.audit.gate.set()
        await going
        assert len(here.stage.done) == 1


async def test_what_is_no_longer_true_after_the_audit_is_refused() -> None:
    async with house() as here:
        going = await being_written(here, action_on(WORKER))
        await here.show(process(generation=2.0))
        here.audit.gate.set()
        with pytest.raises(Refused, match="not the one that it was"):
            await going
        assert here.stage.done == []
        await here.show(WORKER)
        going = await being_written(here, action_on(WORKER))
        await here.break_down()
        here.audit.gate.set()
        with pytest.raises(Refused, match="unreachable"):
            await going
        assert here.stage.done == []
        assert [outcome for outcome, _ in here.audit.outcomes] == ["asked", "refused"] * 2


async def test_an_audit_that_takes_too_long_is_one_that_can_not_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_for_door, "WRITE", 0.05)
    async with house(arm="always") as here:
        going = await being_written(here, action_on(WORKER), Consent())
        with pytest.raises(NotAudited, match=r"it has not taken a line for 0\.05 s"):
            await going
        assert here.stage.done == []
        first = len(here.door.held)
        outcome = await here.through(action_on(WORKER), UNAUDITED)
        assert outcome.end is End.DONE
        assert "its lines of the audit are held" in outcome.text
        assert (first, len(here.door.held)) == (2, 4)
        # What was late is written in its order, as soon as the disk goes on.
        here.audit.gate.set()
        async with asyncio.timeout(5):
            while here.door.held:
                await asyncio.sleep(0.01)
        assert [outcome for outcome, _ in here.audit.outcomes] == ["asked", "refused", "asked", "done"]


async def test_the_end_waits_for_the_audit_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_for_door, "WRITE", 0.05)
    async with house(arm="always") as here:
        going = await being_written(here, action_on(WORKER), Consent())
        with pytest.raises(NotAudited):
            await going
        async with asyncio.timeout(5):
            await here.door.close()
        held = here.door.held
        here.audit.gate.set()
        assert len(held) == 2


async def test_a_line_that_is_just_being_written_is_not_held() -> None:
    async with house(arm="always") as here:
        going = await being_written(here, action_on(WORKER), Consent())
        assert here.door.held == ()
        here.audit.gate.set()
        await going


async def test_an_arming_that_has_run_out_gives_no_reason_to_what_comes_after() -> None:
    async with house() as here:
        here.door.arming.arm(3, "ticket 7")
        await here.clock.advance(4)
        with pytest.raises(Refused, match="needs a reason"):
            await here.through(action_on(WORKER), Consent())
        assert [entry.reason for entry in here.audit.entries if entry.verb == "signal"] == [""]


async def test_what_is_found_later_has_the_reason_of_its_action() -> None:
    async with house() as here:
        here.stage.hanging = True
        await here.through(action_on(WORKER, deadline=0.05), Consent("ticket 7", once=True))
        await here.clock.advance(1)
        await here.show(process(8, "other"))
        async with asyncio.timeout(5):
            while len(here.audit.entries) < 3:
                await asyncio.sleep(0.01)
        assert [entry.reason for entry in here.audit.entries] == ["ticket 7"] * 3


async def test_what_nobody_confirms_is_written_down() -> None:
    async with house() as here:
        await here.door.refuse(action_on(WORKER), Refused("nobody confirmed it"), "ticket 7")
        assert here.audit.outcomes == [("refused", "nobody confirmed it")]
        assert here.audit.entries[0].reason == "ticket 7"


async def test_of_several_none_is_asked_about_while_one_may_not_be_done() -> None:
    async with house() as here:
        other = process(8, "other")
        await here.show(WORKER, other)
        with pytest.raises(Refused, match="it is pid 1"):
            await here.door.propose([action_on(WORKER), action_on(other, blocked="it is pid 1")])
        assert here.audit.outcomes == [("refused", "it is pid 1")]


async def test_none_is_begun_with_while_one_of_those_after_it_may_not_be_done() -> None:
    async with house() as here:
        other = process(8, "other")
        await here.show(WORKER, other)
        blocked = action_on(other, blocked="it is pid 1")
        with pytest.raises(Refused, match="it is pid 1") as refused:
            await here.door.propose([action_on(WORKER)], [blocked])
        assert refused.value.action == blocked
        assert here.audit.outcomes == [("refused", "it is pid 1")]


async def test_several_are_told_what_all_of_them_mean_and_their_number_is_typed() -> None:
    async with house(arm="always") as here:
        other = process(8, "other")
        await here.show(WORKER, other)
        await here.show_units(unit("web:web_00", 7), unit("web:web_01", 8))
        proposals = await here.door.propose([action_on(WORKER), action_on(other)])
        assert all("web has 2 of 2 running; none stays up" in proposal.consequences for proposal in proposals)
        alone = await here.proposal(action_on(WORKER))
        assert "web has 2 of 2 running; 1 stays up" in alone.consequences
        (along,) = await here.door.propose([action_on(WORKER)], [action_on(other)])
        assert along.consequences == proposals[0].consequences
        restarts = await here.door.propose([action_on(row, verb="restart") for row in (WORKER, other)])
        assert [p.consequences for p in restarts] == [("web has 2 of 2 running; 1 stays up meanwhile",)] * 2
        assert [proposal.to_type for proposal in proposals] == ["2", "2"]
        with pytest.raises(Refused, match="type 2"):
            await here.door.carry_out(proposals[0], Consent())
        await here.door.carry_out(proposals[0], Consent(typed="2"))
        assert len(here.stage.done) == 1


async def test_tasks_that_run_at_once_write_their_lines_too() -> None:
    """As the dashboard's do from Python 3.12 on; before that there are none, and it is as ever."""
    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
    async with house() as here:
        await here.through(action_on(WORKER), YES)
        assert here.door.held == ()
        assert [entry.outcome for entry in here.audit.entries] == ["asked", "done"]
