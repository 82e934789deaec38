"""What the row of any noun may carry beside its own fields: details, and why it is not fresh."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from backends.api.errors import BackendError, Silent


class Detail(Struct, frozen=True):
    """A fact that only one system has: a label in that system's own word, a value, and the value's unit."""

    label: str
    value: str | int | float | bool | None
    unit: str = ""


class Trouble(Struct, frozen=True):
    """Why one row is not as fresh as the rest of its source.

    `since` is monotonic seconds of the row's last own confirmation (None: it has never answered).
    """

    error: BackendError
    since: float | None = None
    as_of: datetime | None = None

    def word(self, state: str) -> str:
        """The one word for a row in this trouble: its state's, but where it only keeps silent."""
        return self.error.word if isinstance(self.error, Silent) else state
