"""Which names are a file's older generations, and in which order they were written."""

from __future__ import annotations

import pytest

from backends.logs.rotation import Entry, appended, inserted, oldest_first, prefixes_of


def entries(*names: str, mtimes: list[int] | None = None) -> list[Entry]:
    times = mtimes or [7] * len(names)
    return [
        Entry(name, name, (1, number), 0, mtime)
        for number, (name, mtime) in enumerate(zip(names, times, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "app.log.1",
        "app.log.12",
        "app.log-20261124",
        "app.log.2026-11-24_02",
        "app.log.old",
        "app.log~",
        "app.log.1.bak",
    ],
)
def test_what_rotations_append(name: str) -> None:
    assert appended(name, "app.log")


@pytest.mark.parametrize(
    "name",
    [
        "app.log",
        "app.log.1.gz",
        "app.log.swp",
        "app.log.lock",
        "app2.log",
        "app.logs",
        "myapp.log.1",
        "app.1.log",
    ],
)
def test_what_is_no_rotation(name: str) -> None:
    assert not appended(name, "app.log")


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("app.1.log", True),
        ("app-2026-11-24.log", True),
        ("app-worker.log", False),
        ("app.log", False),
        ("apple.log", False),
    ],
)
def test_what_rotations_insert(name: str, yes: bool) -> None:
    assert inserted(name, "app.log") is yes


def test_the_name_of_an_older_one_tells_the_direction() -> None:
    found = entries("a.9", "a.10", "a.11")
    assert [entry.name for entry in oldest_first(found, "a.8")] == ["a.9", "a.10", "a.11"]
    assert [entry.name for entry in oldest_first(found, "a.12")] == ["a.11", "a.10", "a.9"]


def test_without_it_the_last_writes_tell_the_direction_even_where_some_agree() -> None:
    found = entries("a.1", "a.2", "a.3", "a.4", mtimes=[9, 7, 7, 5])
    assert [entry.name for entry in oldest_first(found, None)] == ["a.4", "a.3", "a.2", "a.1"]
    found = entries("a.1", "a.2", "a.3", "a.4", mtimes=[5, 7, 7, 9])
    assert [entry.name for entry in oldest_first(found, None)] == ["a.1", "a.2", "a.3", "a.4"]


def test_with_names_alone_short_numbers_count_down_and_dates_up() -> None:
    assert [entry.name for entry in oldest_first(entries("a.1", "a.2"), None)] == ["a.2", "a.1"]
    found = entries("a-20261125", "a-20261124")
    assert [entry.name for entry in oldest_first(found, None)] == ["a-20261124", "a-20261125"]


def test_names_of_different_schemes_go_by_the_last_write() -> None:
    found = entries("a.1", "a-20261124", mtimes=[9, 5])
    assert [entry.name for entry in oldest_first(found, None)] == ["a-20261124", "a.1"]


def test_one_glob_for_everything_makes_every_name_matter() -> None:
    assert prefixes_of(["/l/app.log", "/l/web-*.log"]) == ("app", "web-")
    assert prefixes_of(["/l/app.log", "/l/*.log"]) == ("",)
