"""The cursor of a table stays with its row, and marks with theirs, whatever becomes of the order."""

from __future__ import annotations

import pytest

from backends.api.readings import FeedKey, Reading, State
from tests.clock import FakeClock
from tests.things import THINGS, Thing
from widgets.tables.cursor import TableCursor
from widgets.tables.rows import TableRows


class Rows:
    """A table's rows with a cursor over them, and no screen."""

    def __init__(self, *keys: str) -> None:
        self.rows = TableRows(THINGS, FakeClock())
        self.cursor = TableCursor(self.rows)
        self.show(*keys)

    def show(self, *keys: str) -> None:
        reading = Reading(State.LIVE, {key: Thing(key) for key in keys}, 0.0)
        self.rows.take({FeedKey("lab/a", "things"): reading})
        self.cursor.forget_gone()
        self.rows.settle(held=False)
        self.cursor.settle()


@pytest.fixture
def table() -> Rows:
    return Rows("b", "c", "d")


def test_until_a_row_is_chosen_the_first_one_is_meant(table: Rows) -> None:
    table.show("a", "b", "c")
    assert (table.cursor.key, table.cursor.at) == ("a", 0)
    table.cursor.go_to(1)
    table.show("0", "a", "b", "c")
    assert (table.cursor.key, table.cursor.at) == ("b", 2)
    table.cursor.choose(chosen=False)
    table.show("0", "b")
    assert table.cursor.key == "0"


def test_where_its_row_has_gone_the_cursor_stays_in_its_place(table: Rows) -> None:
    table.cursor.go_to(1)
    table.show("b", "d", "e")
    assert table.cursor.key == "d"
    table.show("b")
    assert table.cursor.key == "b"
    table.show()
    assert table.cursor.key is None


@pytest.mark.parametrize(("index", "key"), [(-5, "b"), (99, "d"), (1, "c")])
def test_it_goes_no_further_than_there_are_rows(table: Rows, index: int, key: str) -> None:
    table.cursor.go_to(index)
    assert table.cursor.key == key


def test_a_row_that_is_wanted_is_gone_to_once_it_is_there(table: Rows) -> None:
    table.cursor.wanted = "x"
    table.show("b", "c")
    assert table.cursor.key == "b"
    table.show("b", "c", "x")
    assert table.cursor.key == "x"


def test_marks_go_with_their_rows_and_a_range_begins_at_the_last_one_in_sight(table: Rows) -> None:
    table.cursor.mark()
    table.cursor.go_to(2)
    table.cursor.mark_range()
    assert table.cursor.marks == {"b", "c", "d"}
    table.show("a", "c", "d")
    assert [row.key for row in table.cursor.marked(shown=True)] == ["c", "d"]
    table.cursor.unmark()
    # The mark that it would begin at is gone: only the row alone is meant.
    table.cursor.mark()
    table.show("a", "c")
    table.cursor.go_to(0)
    table.cursor.mark_range()
    assert table.cursor.marks == {"a"}


def test_what_a_filter_hides_stays_marked_and_is_not_shown(table: Rows) -> None:
    table.cursor.mark()
    table.rows.filter_text = "c"
    table.show("b", "c", "d")
    assert [row.key for row in table.cursor.marked(shown=True)] == []
    assert [row.key for row in table.cursor.marked(shown=False)] == ["b"]
