"""OnRow: what can be read about one row of a kind, and where it leads: on its table and on its description."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from backends.api.alerts import Alert
from backends.api.backend import Backend
from backends.api.errors import BackendError
from backends.api.events import Occurrence
from backends.api.readings import ILL, Reading, Readings, State
from backends.api.runs import Deploy, Run, RunState
from backends.clean import clean_lines
from backends.relations import NOUNS
from tui.commands import Command, key_of
from tui.kinds.leads import no_subject, subject_of
from tui.kinds.log_names import logs_about, reading_of
from tui.kinds.related import leads_to, related_facts
from tui.offering import may_act
from tui.screens.base import Desk
from widgets.freshness import Sight
from widgets.quantities import age
from widgets.tables.columns import Kind

RAW_SECONDS = 5.0
"""How long a raw record may take."""


class OnRow:
    def __init__(self, kind: Kind[Any]) -> None:
        self.kind = kind

    def present(self, desk: Desk, key: str) -> tuple[Any, Sight] | None:
        """The row as its source has it now, and how true that is; None where it is not there."""
        watching, bridge = desk.watching, desk.bridge
        if watching is None or bridge is None:
            return None
        clock = watching.clock
        for reading in bridge.readings(*self.kind.nouns).values():
            row = reading.rows.get(key)
            if row is not None:
                return row, Sight.of(reading, clock.monotonic(), clock.now())
        return None

    def facts(self, desk: Desk, row: Any, sight: Sight) -> list[tuple[str, str]]:
        """Labels and texts: its own, what the other sources know about it, and what asks for the same."""
        facts = [*self.kind.facts(row, sight), *self._related(desk, row)]
        backend = self._backend(desk, row)
        argv = None if backend is None else backend.ask(row)
        return [*facts, ("same with", shlex.join(argv))] if argv else facts

    def _related(self, desk: Desk, row: Any) -> list[tuple[str, str]]:
        watching, bridge = desk.watching, desk.bridge
        if watching is None or bridge is None:
            return []
        clock = watching.clock
        return related_facts(row, watching.relations, bridge.readings(*NOUNS), clock.monotonic(), clock.now())

    def go_on(self, desk: Desk, row: Any) -> None:
        """To the next thing that the row's own thing is part of, or that is part of it."""
        watching, bridge = desk.watching, desk.bridge
        if self._open_output(desk, row) or watching is None or bridge is None:
            return
        relations = watching.relations
        if isinstance(row, Alert):
            found = subject_of(row, bridge.readings(), relations)
        else:
            found = leads_to(row, relations)
        if found is None:
            alert = isinstance(row, Alert)
            desk.say(no_subject(row, bridge.readings()) if alert else "nothing else is known to belong to this")
        else:
            desk.ways.go_to(*found)

    def does(self, desk: Desk, command: Command, row: Any) -> bool:
        """Whether a command does something for this row, as far as that is known without asking anybody."""
        if command.do == "show_its_logs":
            return self.kind.logs is not None or isinstance(row.last if isinstance(row, Deploy) else row, Run)
        if command.do != "act":
            return True
        return not has_ended(row) and (desk.watching is None or may_act(row, desk.watching))

    def act(self, desk: Desk, rows: Sequence[Any], verb: str = "", hidden: Collection[str] = ()) -> None:
        """What can be done to these rows."""
        if len(rows) == 1 and has_ended(rows[0]):
            desk.say(
                f"{rows[0].key} is {rows[0].state.value}: nothing can be done to it; {key_of('deploy')} deploys"
            )
        else:
            desk.flow.menu(rows, verb=verb, hidden=hidden)

    def show_its_logs(self, desk: Desk, row: Any) -> None:
        """The lines about it; of a run its output, of a deploy that of its last run."""
        watching, bridge = desk.watching, desk.bridge
        if self._open_output(desk, row) or watching is None or bridge is None:
            return
        readings = bridge.readings()
        logs = logs_about(self.kind, row, readings, watching.relations)
        if logs is not None:
            desk.ways.show_logs_of(logs)
            self._tell_lost(desk, row, readings)
        elif isinstance(row, Deploy):
            desk.say(f"{self.kind.label(row)} has never been run here")
        else:
            desk.say(f"no log is about {self.kind.title}")

    def _tell_lost(self, desk: Desk, row: Any, readings: Readings) -> None:
        """Of a row whose source is lost nobody knows what it does now: why the lines are not those of now."""
        reading = reading_of(self.kind, row, readings)
        if reading is not None and reading.state in ILL and reading.as_of is not None:
            heard = f"{reading.as_of.astimezone():%H:%M:%S}"
            desk.say(f"{row.source} is {reading.state.value}: logs around {heard}, when it last answered")

    def _open_output(self, desk: Desk, row: Any) -> bool:
        run = row.last if isinstance(row, Deploy) else row
        if isinstance(run, Run):
            desk.ways.show_run(run.source, run.key)
        return isinstance(run, Run)

    def show_raw(self, desk: Desk, row: Any) -> None:
        text = ["asking …"]
        desk.ways.show_text(f"raw record of {self.kind.label(row)}", lambda: text)

        async def ask() -> None:
            nonlocal text
            text = await self._raw(desk, row)
            desk.view.tick()

        desk.work(ask(), "raw")

    async def _raw(self, desk: Desk, row: Any) -> list[str]:
        """What its system says of it now; where that can't be had, why, and what was known of it."""
        backend = self._backend(desk, row)
        if isinstance(row, Occurrence):
            why = ["no system has a record of this: midwatch saw it happen"]
        elif backend is None:
            why = [f"{row.source} is not open"]
        else:
            try:
                async with asyncio.timeout(RAW_SECONDS):
                    return clean_lines(await backend.raw(row)).split("\n")
            except TimeoutError:
                why = [f"{row.source} did not answer within {RAW_SECONDS:g} s; {key_of('show_raw')} asks again"]
            except BackendError as error:
                why = [str(error), error.hint] if error.hint else [str(error)]
        return [*why, "", *self._last_word(desk, row)]

    def _last_word(self, desk: Desk, row: Any) -> list[str]:
        now, sight = self.present(desk, row.key) or (row, Sight(0.0, datetime.now(UTC), State.IDLE))
        old = f", {age(sight.age)} ago" if sight.age is not None and sight.state is not State.LIVE else ""
        return [f"this was known of it{old}:", *labelled(self.facts(desk, now, sight))]

    def _backend(self, desk: Desk, row: Any) -> Backend | None:
        return None if desk.watching is None else desk.watching.backend(row.source)


def labelled(facts: Sequence[tuple[str, str]]) -> list[str]:
    """Facts as lines, their texts below each other."""
    width = max((len(label) for label, _ in facts), default=0)
    return [f"{label:>{width}}  {text}" for label, text in facts]


def missing(readings: Iterable[Reading[Any]]) -> str:
    """What to say of a row that none of its sources has; only one that answers knows that it is gone."""
    known = all(reading.state is State.LIVE for reading in readings)
    return "it is not there any more" if known else "it is not among the rows that are known now"


def has_ended(row: Any) -> bool:
    """Whether it is a run that does not go on, as far as is known: nothing of it can be ended."""
    return isinstance(row, Run) and row.state is not RunState.RUNNING
