"""What a cluster's quorum allows, and the words for it."""

from __future__ import annotations

from msgspec import Struct


class Quorum(Struct, frozen=True):
    """How many of a cluster's voters answer, and what that leaves it; `str` is the whole sentence."""

    voters: int
    up: int
    hidden: int = 0
    """Voters that are not asked, so that nobody here knows whether they are up."""

    @property
    def needed(self) -> int:
        return self.voters // 2 + 1

    @property
    def lost(self) -> bool:
        """Whether the cluster has stopped, for sure."""
        return self.up + self.hidden < self.needed

    @property
    def count(self) -> str:
        return f"{self.up} of {self.voters} answer, quorum {self.needed}"

    @property
    def consequence(self) -> str:
        """What it means for the next failure."""
        spare = self.up - self.needed
        if self.hidden:
            return f"{self.hidden} not in hosts, so not known"
        if spare < 0:
            return "quorum lost"
        return f"{spare} more may fail" if spare else "no further failure allowed"

    def __str__(self) -> str:
        return f"{self.count}: {self.consequence}"
