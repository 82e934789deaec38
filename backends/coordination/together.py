"""What the servers of a cluster said that did not answer, and why none does, as one reason."""

from __future__ import annotations

import time
from collections.abc import Mapping

from backends.api.errors import BackendError, Unreachable


class Course:
    """How a watch fares over the servers: what they have said since one of them last had a step to tell."""

    def __init__(self) -> None:
        self.failed: dict[str, BackendError] = {}
        self._since: float | None = None

    def go_well(self) -> None:
        self.failed, self._since = {}, None

    def failed_at(self, endpoint: str, error: BackendError) -> bool:
        """Whether that is the first time since the last step."""
        first = endpoint not in self.failed
        self.failed[endpoint] = error
        self._since = self._since or time.monotonic()
        return first

    @property
    def failing_for(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since


def together(failed: Mapping[str, BackendError]) -> BackendError:
    """Why none of the endpoints answers: the one reason where all have the same, else each with its own."""
    if not failed:
        return Unreachable("no endpoints")
    errors = list(failed.values())
    first = errors[0]
    if len({(type(error), error.reason) for error in errors}) == 1:
        return type(first)(first.reason, where=", ".join(failed), hint=first.hint)
    text = "; ".join(f"{where} {error.reason}" for where, error in failed.items())
    hint = next((error.hint for error in errors if error.hint), "")
    return Unreachable(text, hint=hint)
