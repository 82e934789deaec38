"""The noun of alerts: what a rule says is wrong."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from backends.api.details import Detail, Trouble


class AlertState(enum.StrEnum):
    FIRING = "firing"
    PENDING = "pending"
    SILENCED = "silenced"
    INHIBITED = "inhibited"


SEVERITIES = (
    frozenset({"critical", "page", "disaster", "emergency"}),
    frozenset({"error", "major", "high"}),
    frozenset({"warning", "warn", "minor"}),
)
"""Values of the label `severity` by custom of most rules: first those that are to wake somebody."""


class Alert(Struct, frozen=True):
    """One alert of one rule, with its labels. `severity` is the label of that name."""

    key: str
    source: str
    name: str
    state: AlertState
    severity: str | None = None
    since: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    trouble: Trouble | None = None
    details: tuple[Detail, ...] = ()

    @property
    def summary(self) -> str:
        """What it says in words, in one line; "" where its rule says nothing."""
        said = next((self.annotations[name] for name in SUMMARIES if self.annotations.get(name)), "")
        return " ".join(said.split())

    @property
    def rank(self) -> int:
        """0 for what is to wake somebody; what has no known severity (info, none) comes after all others."""
        word = (self.severity or "").lower()
        return next((rank for rank, words in enumerate(SEVERITIES) if word in words), len(SEVERITIES))

    @property
    def on(self) -> str | None:
        """What it is about, as far as a usual label says so."""
        return next((self.labels[name] for name in SUBJECTS if self.labels.get(name)), None)


SUMMARIES = ("summary", "description", "message")
"""The annotations that say in words what is wrong, by custom of most rules."""
SUBJECTS = ("instance", "pod", "service", "job", "node", "host")
"""The labels that name what an alert is about, from the one thing to the many."""

Alerts = Mapping[str, Alert]
