"""The door: how an action ends, as far as that is known, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest

from backends.api.actions import Action, End, Outcome, Refused, Tell
from backends.api.errors import BackendError, BadReply, Conflict, Denied, NotFound, Unreachable
from backends.api.events import EventKind
from backends.api.readings import State
from tests.unit.acting import SOURCE, action_on, process
from tests.unit.doors import WORKER, house


async def test_no_outcome_in_time_is_unknown_and_found_later() -> None:
    async with house() as here:
        here.stage.hanging = True
        asked = action_on(WORKER, deadline=0.05, arguments=(("signal", "TERM"), ("expected", "end")))
        outcome = await here.through(asked)
        assert outcome.end is End.UNKNOWN
        assert "no outcome within 0.05 s" in outcome.text
        await here.clock.advance(1)
        here.leave()
        await here.show(process(8, "other"))
        async with asyncio.timeout(5):
            while len(here.audit.entries) < 3:
                await asyncio.sleep(0.01)
        assert here.audit.outcomes[1][0] == "unknown"
        assert here.audit.outcomes[2] == ("done", "found later: gone after 0.4 s")
        assert len(here.stage.done) == 1
        # That it was asked to end counts once.
        assert [row.asked_to_end for row in here.events if row.kind is EventKind.ACTION] == [True, False]
        # And then its source is left alone.
        here.leave()
        (feed,) = here.watch.feeds("processes").values()
        await here.clock.advance(feed.pace.linger)
        assert feed.reading.state is State.IDLE


@pytest.mark.parametrize("silent", [True, False], ids=["no answer", "an error"])
async def test_what_can_not_be_found_later_either_is_still_unknown(
    silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(action: Action, tell: Tell) -> Outcome:
        if silent:
            await asyncio.Event().wait()
        raise Unreachable("reset")

    async with house() as here:
        here.stage.performing = Unreachable("reset")
        outcome = await here.through(action_on(WORKER, deadline=0.05))
        assert outcome.end is End.UNKNOWN
        monkeypatch.setattr(here.stage, "look", look)
        found = asyncio.Queue[Outcome]()
        here.door.found = lambda action, outcome: found.put_nowait(outcome)
        await here.clock.advance(1)
        await here.show(WORKER)
        async with asyncio.timeout(5):
            assert await found.get() == Outcome(End.UNKNOWN, "found later: still unknown")
        assert here.audit.outcomes[-1] == ("unknown", "found later: still unknown")


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (Refused("another process by now"), End.REFUSED),
        (NotFound("no such process"), End.FAILED),
        (Conflict("changed"), End.FAILED),
        (Denied("no"), End.FAILED),
        (Unreachable("reset"), End.UNKNOWN),
        (BadReply("HTML"), End.UNKNOWN),
        (RuntimeError("a bug"), End.UNKNOWN),
    ],
)
async def test_what_a_backend_raises_is_told_truly(error: Exception, end: End) -> None:
    async with house() as here:
        here.stage.performing = error
        outcome = await here.through(action_on(WORKER))
        assert outcome.end is end
        assert here.audit.entries[-1].outcome == end.value


async def test_a_denial_is_remembered_for_its_target_alone() -> None:
    async with house() as here:
        other = process(8, "other")
        await here.show(WORKER, other)
        for error in (Conflict("changed"), Denied("not permitted")):
            # Only the second one says that it will be so again.
            here.stage.performing = error
            assert (await here.through(action_on(WORKER))).end is End.FAILED
        here.stage.performing = None
        with pytest.raises(Refused, match="has denied signal of this before"):
            await here.through(action_on(WORKER))
        assert (await here.through(action_on(other))).end is End.DONE
        assert here.door.allows(SOURCE, "signal") == ""


async def test_who_leaves_while_it_acts_leaves_it_unknown() -> None:
    async with house() as here:
        here.stage.hanging = True
        acting = asyncio.ensure_future(here.through(action_on(WORKER)))
        async with asyncio.timeout(5):
            while not here.stage.done:
                await asyncio.sleep(0.01)
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        assert here.audit.outcomes[-1] == ("unknown", "midwatch was left before its outcome was known")


@pytest.mark.parametrize("error", [Denied("no"), NotFound("no such program"), Conflict("changed")])
async def test_what_fails_after_it_was_done_is_not_said_to_be_unchanged(error: BackendError) -> None:
    async with house() as here:
        here.stage.looking = error
        outcome = await here.through(action_on(WORKER))
        assert outcome.end is End.UNKNOWN
        assert outcome.text.startswith("it was done, and what became of it can't be read: ")
        # Nor is it remembered as a denial.
        assert here.door.allows(SOURCE, "signal", WORKER.key) == ""
