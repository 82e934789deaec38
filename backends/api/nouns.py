"""The nouns: frozen facts about production, as every backend yields and every view reads them.

Each capability has a file of its own here (`members`, `units`); `Row` is whatever has a row of its own.

`None` is always "unknown", never zero. A field that two systems have is a field here; what only one has goes
into `details`, so that leader, term, quorum and session are not lost to a common denominator. Strings come
from outside and are hostile: they are kept as they came (undecodable bytes replaced) and made safe where they
are drawn or printed (`backends.clean`), never here.
"""

from __future__ import annotations

from backends.api.alerts import Alert
from backends.api.events import Occurrence
from backends.api.members import Member
from backends.api.metrics import ScrapeTarget
from backends.api.processes import Host, Process
from backends.api.runs import Deploy, Run
from backends.api.units import Unit

Row = Member | Process | Host | Unit | ScrapeTarget | Alert | Occurrence | Deploy | Run
"""Anything that the one resource screen can show: it has a `key` and a `source`."""


def called(row: Row) -> str:
    """What a row is called in a sentence, and in a filter that finds it."""
    if isinstance(row, ScrapeTarget):
        return row.instance or row.key
    if isinstance(row, Occurrence):
        return row.target or row.key
    return row.key if isinstance(row, Run) else row.name or row.key
