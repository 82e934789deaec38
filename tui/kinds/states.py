"""The column that several kinds have of their rows' states."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from backends.api.details import Trouble
from widgets.freshness import standing, standing_look
from widgets.look import Look
from widgets.tables.columns import Column, Shown


class Stated(Shown, Protocol):
    """A row that is in a state, and may be in trouble."""

    @property
    def state(self) -> enum.StrEnum: ...
    @property
    def trouble(self) -> Trouble | None: ...


R = TypeVar("R", bound=Stated)


def state_column(looks: Mapping[Any, Look], sort: Callable[[R], Any] | None = None) -> Column[R]:
    """A row's own word for its state while its source is live, else how its source is. By default in the order
    of the words."""
    return Column(
        "state",
        "STATE",
        lambda row, sight: standing(row.state.value, row.trouble, sight),
        15,
        sort=sort or (lambda row: row.state.value),
        look=lambda row, sight: standing_look(looks[row.state], row.trouble, sight),
    )
