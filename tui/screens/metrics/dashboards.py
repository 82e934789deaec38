"""Dashboards: the pages of charts that a context has, and the names that its metrics servers know.

Pages come from the configuration; where it has none, each server is asked what it has, until it has told. The app
keeps one for its context: the Metrics screen and the overview look at the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from backends.api.capabilities import Metrics
from backends.api.errors import BackendBug, BackendError
from backends.config.context import Context, sources_meant
from backends.metrics.panels import Page, configured_pages, suggest
from backends.watch import Watch
from tui.commands import key_of
from tui.screens.base import Job
from widgets.look import Look

AGAIN, SELDOM = 5.0, 30.0
"""Seconds after which a server is asked again: one that could not be, and one that had nothing for a page."""
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
        self._configured: tuple[Page, ...] = configured_pages(context) if self._metrics else ()
        self._found: dict[str, tuple[Page, ...]] = {}
        """By source, in the order in which they told: a page that is looked at keeps its number."""
        self._due: dict[str, float] = {}
        """When each source that has told of no page is to be asked, monotonic."""
        self._asking = False
        self._changed: Changed = lambda: None
        self._troubles: dict[str, BackendError] = {}
        self._names: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {}
        self._learning: set[str] = set()

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self._metrics)

    def source(self, wanted: str) -> str | None:
        """The source that is meant, by its whole name, or its name alone where one has it; the first where none
        is named."""
        fit = sources_meant(wanted, self._metrics) if wanted else [*self._metrics][:1]
        return fit[0] if len(fit) == 1 else None

    @property
    def pages(self) -> tuple[Page, ...]:
        return self._configured or tuple(page for pages in self._found.values() for page in pages)

    def look(self, work: Work, changed: Changed) -> None:
        """Ask the servers that have told of no page yet; called whenever somebody looks. The last one to look
        hears of what has come."""
        self._changed = changed
        now = self._watching.clock.monotonic()
        due = [] if self._configured else [s for s in self._metrics if now >= self._due.get(s, 0.0)]
        due = [source for source in due if source not in self._found]
        if due and not self._asking:
            self._asking = True
            work(self._suggest(due), "pages")

    def ask_now(self) -> None:
        """Whoever looks next asks at once."""
        self._due.clear()

    async def _suggest(self, sources: Sequence[str]) -> None:
        try:
            # Each is there as soon as it has told: a server that is silent holds no other one up.
            await asyncio.gather(*(self._ask(source) for source in sources))
        finally:
            self._asking = False

    async def _ask(self, source: str) -> None:
        pages = await self._one(source, self._metrics[source])
        if pages:
            self._found[source] = pages
        pause = AGAIN if source in self._troubles else SELDOM
        self._due[source] = self._watching.clock.monotonic() + pause
        self._changed()

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
    def _all_asked(self) -> bool:
        return all(source in self._due for source in self._metrics)

    @property
    def standing(self) -> tuple[str, Look]:
        """What a title says while there is no page."""
        if self._troubles:
            return "UNREACHABLE", Look.BAD
        return ("EMPTY", Look.DIM) if self._all_asked else ("LOADING", Look.DIM)

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
            return [*lines, "", f"asked again each {AGAIN:g} s; {key_of('refresh_now')} asks now"]
        if self._all_asked:
            return [
                "no metric has a name that a page could be made of;",
                f"{key_of('ask_query')} asks a query of your own,",
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
