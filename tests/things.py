"""A kind of nothing in particular, for what holds of the rows and columns of every kind."""

from __future__ import annotations

from msgspec import Struct

from widgets.look import Look
from widgets.tables.columns import Column, Kind


class Thing(Struct, frozen=True):
    key: str
    size: int = 0
    note: str | None = None
    look: Look = Look.PLAIN
    group: str = ""
    source: str = "lab/a"


NAME: Column[Thing] = Column("name", "NAME", lambda row, sight: row.key, 8, lambda row: row.key)
SIZE: Column[Thing] = Column(
    "size",
    "SIZE",
    lambda row, sight: str(row.size),
    5,
    lambda row: row.size,
    right=True,
    look=lambda row, _: row.look,
)
NOTE: Column[Thing] = Column(
    "note", "NOTE", lambda row, sight: row.note or "", 10, lambda row: row.note, drop=1, sparing=True
)
MORE: Column[Thing] = Column("more", "MORE", lambda row, sight: "more", 6, drop=2)

THINGS: Kind[Thing] = Kind(
    name="things",
    title="things",
    nouns=("things",),
    columns=(NAME, SIZE, NOTE, MORE),
    json=lambda row: {},
    facts=lambda row, sight: (),
    sort="name",
    empty="",
    none="",
    tie=lambda row: row.key,
    label=lambda row: row.key,
)
