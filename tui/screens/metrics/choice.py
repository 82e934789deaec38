"""MetricsChoice: which charts the Metrics screen is to show: a page of the context's, or a query of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backends.api.charts import Panel
from backends.config.context import sources_meant
from backends.metrics.panels import Page
from backends.nearest import nearest
from tui.screens.metrics.chart_grid import Sheet
from widgets.look import Look
from widgets.one_line import Part
from widgets.promql import complete
from widgets.safe import style

if TYPE_CHECKING:
    from tui.screens.metrics.dashboards import Dashboards, Work


class MetricsChoice:
    """Of the open context's pages the first, until another one is chosen. Knows no widget."""

    def __init__(self) -> None:
        self.dashboards: Dashboards | None = None
        """The open context's; None before it is open."""
        self.question: Panel | None = None
        """A query, which stands instead of the page."""
        self._page = 0

    def begin(self, dashboards: Dashboards | None) -> None:
        """In another context."""
        self.dashboards, self.question, self._page = dashboards, None, 0

    # What is chosen

    @property
    def pages(self) -> tuple[Page, ...]:
        return () if self.dashboards is None else self.dashboards.pages

    @property
    def source(self) -> str | None:
        """Who answers the page, or the query; None where nobody does."""
        pages = self.pages
        wanted = pages[self._page].source if self._page < len(pages) else ""
        return None if self.dashboards is None else self.dashboards.source(wanted)

    @property
    def sheet(self) -> Sheet | None:
        if self.source is None:
            return None
        if self.question is not None:
            return Sheet((self.question,), self.source, question=True)
        return Sheet(self.pages[self._page].panels, self.source) if self.pages else None

    def parts(self) -> list[Part]:
        """What a title calls it."""
        if self.question is not None:
            return [("  query", style())]
        if not self.pages:
            return []
        of = f" {self._page + 1} of {len(self.pages)}" if len(self.pages) > 1 else ""
        return [(f"  {self.pages[self._page].title}", style()), (of, style(Look.DIM))]

    def lesson(self) -> list[str]:
        """What there is to say where there is no chart."""
        if self.dashboards is None:
            return []
        if not self.pages:
            return self.dashboards.lesson()
        page = self.pages[self._page]
        if self.source is None:
            there = self.dashboards.sources
            what = "may be any of several" if sources_meant(page.source, there) else "answers no queries"
            return [
                f"page {page.title} names the source {page.source}, which {what}; there are {', '.join(there)}"
            ]
        return [f"page {page.title} has no panels"]

    # Choosing

    def turn(self, step: int) -> None:
        """So many pages on, round and round."""
        self._page = (self._page + step) % len(self.pages)

    def choose(self, title: str) -> str:
        """A page by its title or its number. Why there is none, in words; "" where there is."""
        titles = [page.title for page in self.pages]
        if title in titles:
            self._page = titles.index(title)
        elif title.isdigit() and 0 < int(title) <= len(titles):
            self._page = int(title) - 1
        else:
            there = nearest(title, titles) or f"; there are {', '.join(titles) or 'none yet'}"
            return f"no page {title}{there}"
        return ""

    def choose_panel(self, title: str) -> int | None:
        """The page that has a panel, and its number there; None where none has."""
        for number, page in enumerate(self.pages):
            titles = [panel.title for panel in page.panels]
            if title in titles:
                self._page = number
                return titles.index(title)
        return None

    # What could be typed

    def titles(self, text: str) -> list[str]:
        """The pages that a text could become."""
        return [page.title for page in self.pages if text in page.title]

    def queries(self, text: str, work: Work, learned: Callable[[], None]) -> list[str]:
        """Whole queries that a text could become; `learned` is called when there may be more of them."""
        if self.dashboards is None:
            return []
        self.dashboards.learn(self.source, work, learned)
        return complete(text, *self.dashboards.known(self.source))
