"""When a log's errors come much faster than they did: a rule over counts in buckets, with no clock of its own.

A rate is the errors of half a minute; it jumps when it is five times the median of the quarter of an hour before,
and twice what one half minute in ten had there: what happens each few minutes anyway is told at first only.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct

BUCKET = 10.0
"""Seconds of one bucket, and between two judgements."""
WINDOW = 3
"""Buckets of one rate."""
BUCKETS_BEFORE = 90
"""Buckets that a rate is held against."""
BUCKETS_NEEDED = 12
"""Buckets that must be known before anything is judged: a rate that was always so is no jump."""
LEAST = 10
"""Errors in one window below which nothing is a jump."""
TIMES, TIMES_OFTEN = 5, 2
"""How many times the median, and the highest tenth, a jump is."""
ORIGINS_MOST = 200
"""Origins that are counted by themselves; the rest are counted together, under the empty name."""


class Jump(Struct, frozen=True):
    """A rate that jumped, or (`over`) is back: errors per minute before and now. `lasted` is in seconds."""

    origin: str
    before: float
    now: float
    over: bool = False
    lasted: float = 0.0

    @property
    def text(self) -> str:
        rates = f"{_rate(self.before)}/min → {_rate(self.now)}/min"
        return f"{rates}, over after {_lasted(self.lasted)}" if self.over else rates


class _Episode(Struct):
    """A jump that is not over. Rates are counts of a window."""

    before: float
    peak: float
    buckets: int = 0


class _Origin:
    __slots__ = ("begun", "counts", "episode", "now")

    def __init__(self, known: int) -> None:
        self.counts: deque[int] = deque([0] * known, maxlen=BUCKETS_BEFORE + WINDOW)
        self.now = 0
        self.begun = False
        self.episode: _Episode | None = None


class ErrorRate:
    """The error rates of one source. Call `close_bucket` each `BUCKET` seconds; in between, `count`."""

    def __init__(self) -> None:
        self._origins: dict[str, _Origin] = {}
        self._known = 0

    def count(self, origin: str, errors: int) -> None:
        name = origin if origin in self._origins or len(self._origins) < ORIGINS_MOST else ""
        found = self._origins.get(name)
        if found is None:
            # It had no error in all the buckets before.
            found = self._origins[name] = _Origin(min(self._known, BUCKETS_BEFORE + WINDOW))
        found.now += errors

    def close_bucket(self, share: float = 1.0) -> list[Jump]:
        """End the present bucket, and say which rates jumped and which are back. `share`: how much of its lines
        was looked at; what was counted stands for the rest."""
        self._known += 1
        jumps: list[Jump] = []
        for name, origin in list(self._origins.items()):
            origin.counts.append(round(origin.now / share) if share > 0 else 0)
            origin.now = 0
            jump = self._judge(name, origin)
            if jump is not None:
                jumps.append(jump)
            elif origin.episode is None and not any(origin.counts):
                del self._origins[name]
        return jumps

    def _judge(self, name: str, origin: _Origin) -> Jump | None:
        counts = list(origin.counts)
        now = sum(counts[-WINDOW:])
        # What has begun lately is as fast as its last bucket.
        rate = max(now, counts[-1] * WINDOW)
        episode = origin.episode
        if episode is not None:
            episode.buckets += 1
            episode.peak = max(episode.peak, rate)
            if now > max(LEAST / 2, 2 * episode.before):
                return None
            origin.episode = None
            lasted = max(1, episode.buckets - WINDOW) * BUCKET
            return Jump(name, _per_minute(episode.peak), _per_minute(now), True, lasted)
        before = counts[:-WINDOW]
        if len(before) < BUCKETS_NEEDED:
            return None
        windows = sorted(sum(before[at : at + WINDOW]) for at in range(0, len(before) - WINDOW + 1, WINDOW))
        # Here: it brings fractions and decimals, which the start would wait for.
        from statistics import median

        usual, often = median(windows), windows[len(windows) * 9 // 10]
        jumped = now >= LEAST and now >= TIMES * usual and now >= TIMES_OFTEN * often
        begun, origin.begun = origin.begun, jumped
        if not jumped or not begun:
            # Told one bucket later: how fast it is can't be seen in the one in which it began.
            return None
        origin.begun, origin.episode = False, _Episode(usual, rate, 2)
        return Jump(name, _per_minute(usual), _per_minute(rate))


def _per_minute(count: float) -> float:
    return count * 60 / (BUCKET * WINDOW)


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def _lasted(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
