"""Dashboards: the pages of charts that a context has, and the names that its metrics servers know.

Pages come from the configuration; where it has none, the servers are asked what they have. Both the Metrics
screen and the overview look at them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backends.api.capabilities import Metrics
from backends.api.errors import BackendBug, BackendError
from backends.context import Context
from backends.metrics.panels import Page, configured_pages, suggest
from backends.watch import Watch
from tui.screens.base import Job
from widgets.columns import Look

AGAIN = 5.0
"""Seconds after which a server that could not be asked is asked again."""
FRESH = 60.0
"""Seconds for which names are good for completion."""
PATIENCE = 10.0

Work = Callable[[Job, str], None]
Changed = Callable[[], None]


class Dashboards:
    def __init__(self, watching: Watch, context: Context) -> None:
        self._watching = watching
        self._metrics: dict[str, Metrics] = watching.answering()
        self._context = context
        self.pages: tuple[Page, ...] = configured_pages(context) if self._metrics else ()
        self._asking = False
        self._next = 0.0
        self._troubles: dict[str, BackendError] = {}
        self._empty = False
        self._names: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {}
        self._learning: set[str] = set()

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self._metrics)

    def source(self, wanted: str) -> str | None:
        """The source that is meant: by its whole name, its name alone, or the first where none is named."""
        fit = [source for source in self._metrics if wanted in ("", source, source.partition("/")[2])]
        return fit[0] if fit else None

    def look(self, work: Work, changed: Changed, group: str) -> None:
        """Find pages where there are none yet; called whenever somebody waits for them."""
        now = self._watching.clock.monotonic()
        if self._metrics and not self.pages and not self._asking and now >= self._next:
            self._asking = True
            work(self._suggest(changed), group)

    async def _suggest(self, changed: Changed) -> None:
        try:
            found = await asyncio.gather(*(self._one(*item) for item in self._metrics.items()))
            self.pages = tuple(page for pages in found for page in pages)
            self._empty = not self.pages and not self._troubles
        finally:
            self._asking = False
            self._next = self._watching.clock.monotonic() + AGAIN
        changed()

    async def _one(self, source: str, metrics: Metrics) -> tuple[Page, ...]:
        try:
            async with asyncio.timeout(PATIENCE):
                pages = await suggest(metrics, source)
        except BackendError as error:
            self._troubles[source] = error
        except TimeoutError:
            self._troubles[source] = BackendError(f"no answer within {PATIENCE:g} s", where=source)
        except Exception as error:
            self._troubles[source] = BackendBug(f"{type(error).__name__}: {error}", where=source)
        else:
            self._troubles.pop(source, None)
            return pages
        return ()

    @property
    def standing(self) -> tuple[str, Look]:
        """What a title says while there is no page."""
        if self._troubles:
            return "UNREACHABLE", Look.BAD
        return ("EMPTY", Look.DIM) if self._empty else ("LOADING", Look.DIM)

    def lesson(self) -> list[str]:
        """What to say while there is no page."""
        name = self._context.name
        if not self._metrics:
            return [
                "no metrics: this context has no source that answers queries; in the configuration:",
                "",
                f"  [context.{name}.prometheus.main]",
                '  url = "http://127.0.0.1:9090"',
                "",
                *self._context.tried,
            ]
        if self._troubles:
            lines = []
            for source, error in self._troubles.items():
                lines += [f"{source}: {error}", *([f"  {error.hint}"] if error.hint else [])]
            return [*lines, "", f"asked again each {AGAIN:g} s; r asks now"]
        if self._empty:
            return [
                "no metric has a name that a page could be made of; e asks a query of your own,",
                f"and the configuration may have pages: [[context.{name}.page]]",
            ]
        return ["asking which metrics there are …"]

    def known(self, source: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of metrics and of labels, as far as they have come."""
        _, names, labels = self._names.get(source or "", (0.0, (), ()))
        return names, labels

    def learn(self, source: str | None, work: Work, changed: Changed) -> None:
        """Fetch the names anew where they are old; called at each key."""
        metrics = self._metrics.get(source or "")
        now = self._watching.clock.monotonic()
        if source is None or metrics is None or self._names.get(source, (-FRESH,))[0] > now - FRESH:
            return
        if source in self._learning:
            return
        self._learning.add(source)

        async def fetch() -> None:
            try:
                async with asyncio.timeout(PATIENCE):
                    names, labels = await asyncio.gather(metrics.names(), metrics.label_names())
            except (BackendError, TimeoutError):
                return  # The query itself will say what is wrong; completion knows functions still.
            finally:
                self._learning.discard(source)
            self._names[source] = (now, tuple(sorted(names)), tuple(sorted(labels)))
            changed()

        work(fetch, f"names {source}")
