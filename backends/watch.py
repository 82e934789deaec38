"""Watch: one context, opened: its backends, and a feed for each thing that each of them can tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from backends.api.backend import TIMEOUT, Backend
from backends.api.capabilities import ABILITIES, Acting, Logs, Metrics, Registry, ability
from backends.api.clock import Clock, LoopClock
from backends.api.errors import BackendBug, BackendError
from backends.api.feed import Feed
from backends.api.logs import LogBatch, LogSpan
from backends.api.members import Members
from backends.api.pace import Pace
from backends.api.readings import FeedKey, News, Reading, State
from backends.api.registry import load
from backends.api.tail import BYTES_MOST, Tail
from backends.config.context import Context, SourceConfig
from backends.context_charts import ContextCharts
from backends.incident.error_lines import Burst, ErrorLines
from backends.incident.expected_sizes import Counting, Expected, GroupSizes
from backends.incident.timeline import TIMELINE, Timeline
from backends.relations import Relations

log = logging.getLogger("midwatch.watch")

A = TypeVar("A")


class Broken(Struct, frozen=True):
    """A source that could not even be made: its module, or its settings, are wrong."""

    source: str
    error: BackendError


class Remembered(Struct, frozen=True):
    """What a watch that was left leaves to the next one of its context. `at` is when it was left, in monotonic
    seconds."""

    at: float
    timeline: Timeline
    sizes: Mapping[str, GroupSizes]
    values: Mapping[FeedKey, Any]
    """What its sources said last: by it they tell what became of it meanwhile."""


NewsListener = Callable[[str, tuple[News, ...]], None]
"""Called with the source and what it saw."""


class Watch:
    """The feeds of one context. Making it touches nothing; `open` starts what runs always. `remembered` is what
    `leave` of an earlier watch of this context returned."""

    def __init__(
        self,
        context: Context,
        *,
        timeout: float = TIMEOUT,
        clock: Clock | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        self.context = context
        self.broken: list[Broken] = []
        self._timeout = timeout
        self._clock = clock or LoopClock()
        self._backends: dict[str, Backend] = {}
        self._feeds: dict[FeedKey, Feed[Any, Any]] = {}
        self._sizes: dict[str, GroupSizes] = {} if remembered is None else dict(remembered.sizes)
        self._counting: dict[str, Counting] = {}
        self._values: Mapping[FeedKey, Any] = {} if remembered is None else remembered.values
        self._tails: dict[str, Tail] = {}
        self._errors: dict[str, ErrorLines] = {}
        self._listeners: list[NewsListener] = []
        self.relations = Relations(lambda: {key: feed.reading for key, feed in self._feeds.items()})
        self._left = False
        self.opened: float | None = None
        """When its feeds began, monotonic; None before that."""
        self._turn = asyncio.Event()
        """Set when sources other than the first may begin."""
        self._turn.set()
        self.charts = ContextCharts(self.answering, self._clock, self._turn)
        if remembered is None:
            self.timeline = Timeline(self._clock, self._peers)
        else:
            self.timeline = remembered.timeline
            self.timeline.go_on(self._peers, remembered.at)
        self._feeds[TIMELINE] = Feed("timeline", self.timeline.events, pace=Pace(quiet=5), clock=self._clock)
        for config in context.sources:
            self._make(config)

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(config.source for config in self.context.sources)

    def feeds(self, *nouns: str) -> dict[FeedKey, Feed[Any, Any]]:
        """The feeds of these nouns, of all sources; of every noun where none is named."""
        return {key: feed for key, feed in self._feeds.items() if not nouns or key.noun in nouns}

    def feed(self, source: str, noun: str) -> Feed[Any, Any] | None:
        return self._feeds.get(FeedKey(source, noun))

    def backend(self, source: str) -> Backend | None:
        return self._backends.get(source)

    def able(self, source: str, protocol: type[A]) -> A | None:
        """A source as something that can do `protocol`; None where it can't, or is not here."""
        backend = self._backends.get(source)
        return None if backend is None else ability(backend, protocol)

    def tail(self, source: str) -> Tail | None:
        """Where a log source's lines are kept."""
        return self._tails.get(source)

    def answering(self) -> dict[str, Metrics]:
        """The sources that answer queries."""
        able = {source: self.able(source, Metrics) for source in self._backends}
        return {source: metrics for source, metrics in able.items() if metrics is not None}

    @property
    def can_change(self) -> bool:
        """Whether any of its sources can change something."""
        return any(self.able(source, Acting) is not None for source in self._backends)

    def on_news(self, listener: NewsListener) -> None:
        self._listeners.append(listener)

    def hold(self) -> None:
        """Let the first source begin alone, until `go_on`: each imports its client when it begins, and the first
        facts would wait for all of them."""
        self._turn.clear()

    def go_on(self) -> None:
        self._turn.set()

    @property
    def waiting(self) -> frozenset[str]:
        """The sources that have not begun, since it is not their turn."""
        return frozenset() if self._turn.is_set() else frozenset(self.sources[1:])

    def open(self) -> None:
        """Start the feeds that run whether or not somebody looks. Needs a running loop."""
        self.opened = self.clock.monotonic()
        self.timeline.begin()
        self._begin(*self._feeds)

    def add(self, config: SourceConfig) -> None:
        """Take in one more source, which no configuration names; one that is here already stays as it is."""
        if config.source not in self._backends:
            known = set(self._feeds)
            self._make(config)
            if self.opened is not None:
                self._begin(*(self._feeds.keys() - known))

    def _begin(self, *keys: FeedKey) -> None:
        for key in keys:
            if self._feeds[key].pace.always:
                self._feeds[key].on_reading(self._witness(key))
                self._feeds[key].start()
            if key.noun == "logs":
                self._errors[key.source].open()

    def retry_now(self) -> None:
        for feed in self._feeds.values():
            feed.retry_now()
        self.charts.retry_now()

    def leave(self) -> Remembered:
        """Tell the timeline nothing any more; it is the next watch's of this context. To be closed after that."""
        self._left = True
        self.timeline.rest()
        worthy = {noun for noun, known in ABILITIES.items() if known.newsworthy}
        values = {key: feed.last for key, feed in self._feeds.items() if key.noun in worthy}
        # One whose source has not spoken since may be known from the watch before.
        values = {key: self._values.get(key) if value is None else value for key, value in values.items()}
        return Remembered(self._clock.monotonic(), self.timeline, self._sizes, values)

    async def close(self) -> None:
        """End every feed and let go of every connection; takes at most about a second."""
        if not self._left:
            self.timeline.rest()
        for errors in self._errors.values():
            errors.close()
        for counting in self._counting.values():
            counting.close()
        feeds = [*self._feeds.values(), *self.charts.feeds().values()]
        await asyncio.gather(*(feed.close() for feed in feeds))
        closing = [asyncio.ensure_future(backend.close()) for backend in self._backends.values()]
        if closing:
            _, late = await asyncio.wait(closing, timeout=0.5)
            for task in late:
                task.cancel()

    def _make(self, config: SourceConfig) -> None:
        try:
            backend = load(config.kind)(config.name, config.settings, timeout=self._timeout)
        except BackendError as error:
            self.broken.append(Broken(config.source, error))
            return
        except Exception as error:
            log.exception("cannot make %s", config.source)
            bug = BackendBug(f"{type(error).__name__}: {error}", where=config.source, hint="read midwatch's log")
            self.broken.append(Broken(config.source, bug))
            return
        backend.context = self.context.name
        self._backends[config.source] = backend
        for noun, known in ABILITIES.items():
            able = ability(backend, known.protocol)
            if able is not None:
                self._feed(config.source, noun, able)

    def _feed(self, source: str, noun: str, able: Any) -> None:
        known = ABILITIES[noun]
        fold: Callable[[Any], Any] | None = None
        if noun == "processes":
            fold = self.relations.with_units
        elif noun == "logs":
            fold = self._keep_lines(source, able)
        feed: Feed[Any, Any] = Feed(
            f"{source} {noun}",
            known.source(able),
            pace=known.pace,
            fold=fold,
            clock=self._clock,
            last=self._values.get(FeedKey(source, noun)),
            turn=self._turn if source in self.sources[1:] else None,
        )
        feed.on_news(lambda news: self._tell(source, news))
        self._feeds[FeedKey(source, noun)] = feed

    def _keep_lines(self, source: str, able: Logs) -> Callable[[LogBatch], LogSpan]:
        """Where a log source's lines go: into its tail, and past the count of errors."""
        tail = self._tails[source] = Tail(now=self._clock.now)
        errors = ErrorLines(source, able.parse, self._clock, lambda event: self._tell(source, (event,)))
        self._errors[source] = errors
        for other in self._tails.values():
            other.bound(BYTES_MOST // len(self._tails))

        def keep(batch: LogBatch) -> LogSpan:
            errors.take(batch)
            return tail.take(batch)

        return keep

    def _witness(self, key: FeedKey) -> Callable[[Reading[Any], Reading[Any]], None]:
        registry = self.able(key.source, Registry)
        counting = None
        if key.noun == "instances" and registry is not None:
            sizes = self._sizes.setdefault(key.source, GroupSizes(registry.expected_sizes()))
            counting = self._counting[key.source] = Counting(sizes, self._clock)

        errors = self._errors.get(key.source) if key.noun == "logs" else None

        def heard(new: Reading[Any], before: Reading[Any]) -> None:
            if new.state is not before.state and not self._left:
                self.timeline.reading(key.source, key.noun, new)
                self.charts.hear(key.source, new, before)
                if errors is not None and new.state is not State.LIVE:
                    errors.lost()
            if counting is not None and new.value is not None and new.state is State.LIVE:
                counting.hear(new.value, after_gap=before.state is not State.LIVE)

        return heard

    def expected_sizes(self) -> dict[str, dict[str, Expected]]:
        """How many instances each group should have, by source and group."""
        now = self._clock.monotonic()
        return {source: sizes.expected(now) for source, sizes in self._sizes.items()}

    def empty_groups(self) -> dict[str, dict[str, float]]:
        """By source, the groups of which nobody is left that was seen, and since when (monotonic seconds)."""
        return {source: sizes.empty for source, sizes in self._sizes.items()}

    def error_bursts(self) -> tuple[Burst, ...]:
        """The error rates of logs that are up now."""
        return tuple(burst for errors in self._errors.values() for burst in errors.bursts)

    def _peers(self, cluster: str) -> frozenset[str]:
        """The sources that may speak for a cluster: those whose members say so, and those of the same kind whose
        members have not said yet to which one they belong."""
        values = {key.source: feed.reading.value for key, feed in self.feeds("members").items()}
        said = {source for source, members in values.items() if _cluster(members) == cluster}
        unsaid = {source for source, members in values.items() if members is None}
        kinds = {_kind(source) for source in said}
        return frozenset(said | {source for source in unsaid if not kinds or _kind(source) in kinds})

    def _tell(self, source: str, news: tuple[News, ...]) -> None:
        if self._left:
            return
        self.timeline.hear(source, news)
        for listener in tuple(self._listeners):
            try:
                listener(source, news)
            except Exception:
                log.exception("a news listener raised")


def _kind(source: str) -> str:
    return source.partition("/")[0]


def _cluster(members: Members | None) -> str | None:
    """The cluster's own id, where the system has one."""
    return next((row.cluster for row in (members or {}).values() if row.cluster is not None), None)
