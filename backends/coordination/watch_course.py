"""WatchCourse: how a watch fares over the servers of a cluster."""

from __future__ import annotations

import time

from backends.api.errors import BackendError, bare

ELECTION = 3.0
"""Seconds for which servers without a leader may be electing one (it takes one or two): they are asked again, and
it is no trouble yet."""


class WatchCourse:
    """What the servers have said since one of them last had a step to tell."""

    def __init__(self) -> None:
        self.failed: dict[str, BackendError] = {}
        self._since: float | None = None

    def go_well(self) -> None:
        self.failed, self._since = {}, None

    def failed_at(self, endpoint: str, error: BackendError) -> bool:
        """Whether that is the first time since the last step."""
        first = endpoint not in self.failed
        self.failed[endpoint] = bare(error)
        self._since = self._since or time.monotonic()
        return first

    @property
    def failing_for(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since
