"""Times that say less than a whole time: years, zones, units."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backends.logs.times import any_time, epoch, without_year


@pytest.fixture(autouse=True)
def in_utc() -> None:
    import time

    from backends.logs.times import local_zone

    time.tzset()
    local_zone.cache_clear()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "day", "now", "year"),
    [
        (12, 31, "2027-01-01T00:10:00", 2026),
        (1, 1, "2027-01-01T00:10:00", 2027),
        (1, 1, "2026-12-31T23:59:00", 2027),  # a clock that is a little ahead
        (11, 25, "2026-11-24T12:00:00", 2026),
        (11, 26, "2026-11-24T12:00:00", 2025),
        (2, 29, "2026-11-24T12:00:00", 2024),
        (2, 29, "2103-03-01T12:00:00", 2096),  # 2100 has none
    ],
)
def test_the_year_is_the_latest_that_is_not_ahead(month: int, day: int, now: str, year: int) -> None:
    found = without_year(month, day, "12:00:00" if now[11:13] != "00" else "00:05:00", at(now))
    assert found is not None
    assert (found.year, found.month, found.day) == (year, month, day)


@pytest.mark.parametrize(("month", "day"), [(2, 30), (13, 1), (0, 1), (4, 31)])
def test_no_such_day(month: int, day: int) -> None:
    assert without_year(month, day, "12:00:00", at("2026-11-24T12:00:00")) is None


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_seconds_milliseconds_microseconds_and_nanoseconds(unit: int) -> None:
    assert epoch(1_795_486_400 * unit) == at("2026-11-24T02:13:20")
    assert any_time(str(1_795_486_400 * unit)) == at("2026-11-24T02:13:20")


@pytest.mark.parametrize(
    "value", [True, None, 0, -1, 42, 1e300, float("nan"), float("inf"), "", "x", "42", [], {}]
)
def test_no_time(value: object) -> None:
    assert any_time(value) is None
