"""What can be done to rows: what their own backend offers, and what that of their unit or process does."""

from __future__ import annotations

from collections.abc import Sequence

from backends.api.actions import Action, Refused, Target
from backends.api.alerts import Alert
from backends.api.capabilities import Acting
from backends.api.events import Occurrence
from backends.api.members import Member
from backends.api.metrics import ScrapeTarget
from backends.api.nouns import Row, called
from backends.api.processes import Process, ProcessState
from backends.viewer import CONSULTED_WITHIN, Viewer
from backends.watch import Watch
from tui.commands import key_of
from tui.related_targets import belonging, why_nothing

BY_ANOTHER = (Member, Alert, ScrapeTarget, Occurrence)
"""Rows that are acted on by what belongs to them."""
NOTHING = {
    "signal": "no signal can be sent to {} from here",
    "restart": "nothing that is watched here supervises {}: no restart",
}
NOUN = {"units": "unit", "processes": "process", "runs": "run"}


def may_act(row: Row, watching: Watch) -> bool:
    """Whether something may be done to a row, as far as that is known without asking anybody."""
    return watching.can_change if isinstance(row, BY_ANOTHER) else watching.able(row.source, Acting) is not None


async def what_can_be_done(rows: Sequence[Row], verb: str, watching: Watch, viewer: Viewer) -> list[list[Action]]:
    """What can be done, each to all of the rows; of one row also what can be done to what belongs to it.
    Raises `Refused` where that is nothing, with the way that is left. `viewer` looks at what belongs to it from
    then on: else none would be known where no process is on the screen, and the door takes no old ones."""
    if len(rows) > 1:
        if any(isinstance(row, BY_ANOTHER) for row in rows):
            raise Refused(
                "these are acted on by the unit or the process of each",
                f"one at a time: {key_of('unmark')} unmarks them",
            )
        each = [await actions_of(row, verb, watching) for row in rows]
        offered = [of_all for action in each[0] if len(of_all := _of_all(action, each)) == len(rows)]
        if not offered:
            raise Refused(NOTHING.get(verb, "nothing can be done to {} here").format("all of these"))
        return offered
    row = rows[0]
    if isinstance(row, BY_ANOTHER):
        return await _by_belongings(row, verb, watching, viewer)
    offered = [[action] for action in await actions_of(row, verb, watching)]
    offered += [[action] for action in await _by_its_supervisor(row, verb, watching)]
    if not offered:
        raise Refused(NOTHING.get(verb, "nothing can be done to {} here").format(called(row)))
    return offered


async def _by_belongings(row: Row, verb: str, watching: Watch, viewer: Viewer) -> list[list[Action]]:
    acts = isinstance(row, Member) and watching.able(row.source, Acting) is not None
    own = await actions_of(row, verb, watching) if acts else []
    await viewer.first_words(watching.feeds("processes").values(), CONSULTED_WITHIN)
    found = [other for other in belonging(row, watching) if watching.able(other.source, Acting) is not None]
    for other in found:
        more = await actions_of(other, verb, watching)
        # The signals of both are the same, but for who sends them.
        own += more if other is found[-1] else [action for action in more if action.verb != "signal"]
    if own:
        return [[action] for action in own]
    if found:
        raise Refused(NOTHING.get(verb, "nothing can be done to {} here").format(called(found[0])))
    leads = watching.relations.of(row) if isinstance(row, Member) else ()
    known = f"{key_of('describe')} says what is known of it"
    hint = f"{key_of('go_on')} leads to what belongs to it" if leads else known
    raise Refused(f"{called(row)} itself can't be acted on, and {why_nothing(row, watching)}", hint)


async def actions_of(row: Row, verb: str, watching: Watch) -> list[Action]:
    acting = watching.able(row.source, Acting)
    if acting is None:
        raise Refused(f"midwatch can change nothing in {row.source}")
    found = await acting.actions(row)
    return [action for action in found if verb in ("", action.verb)]


async def _by_its_supervisor(row: Row, verb: str, watching: Watch) -> list[Action]:
    """What does in order what a signal to a process does roughly: its unit's own restart and stop."""
    units = [found.row for found in watching.relations.of(row) if found.feed.noun == "units"]
    units = [unit for unit in units if watching.able(unit.source, Acting) is not None]
    verbs = ("restart",) if verb == "restart" else ("restart", "stop")
    found = [action for unit in units[:1] for action in await actions_of(unit, "", watching)]
    return [action for action in found if action.verb in verbs and not action.blocked]


def named(target: Target) -> str:
    """A target that is not the row itself, as what it is."""
    return f"{NOUN.get(target.noun, target.noun)} {target.shown}"


def parent_of_zombie(row: Row, watching: Watch | None) -> Process | None:
    """Who has still to collect a process that has ended; None for any other row, and where that is pid 1."""
    if watching is None or not isinstance(row, Process) or row.state is not ProcessState.ZOMBIE or row.ppid == 1:
        return None
    feed = watching.feed(row.source, "processes")
    rows = [] if feed is None else feed.reading.rows.values()
    return next((other for other in rows if (other.host, other.pid) == (row.host, row.ppid)), None)


def heading_of(row: Row, action: Action) -> list[str]:
    """Says whose it is where it is not the row itself."""
    target = action.target
    own = target.key == row.key or not isinstance(row, BY_ANOTHER)
    return [] if own else [f"this is the {named(target)}, which belongs to {called(row)}"]


def _of_all(action: Action, actions: list[list[Action]]) -> list[Action]:
    """The same action of each row that has it."""
    return [other for own in actions for other in own if other.title == action.title]
