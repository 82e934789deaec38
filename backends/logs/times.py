"""Times of log lines. One without a zone is taken as this host's local time: most are written so."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})(?!\d))?"
    r"(?: ?(Z\b|UTC\b|[+-]\d\d:?\d\d\b))?"
)
"""ISO 8601 as loggers write it: `T` or a space, dot or comma, with `/` too, mostly without a zone."""


def iso_match(text: str, at: int = 0) -> tuple[datetime, int] | None:
    """An ISO-like stamp at a place of a text, and where it ends. Digits beyond microseconds are dropped."""
    found = ISO.match(text, at)
    if found is None:
        return None
    try:
        if found[0][4] == "-":
            # Python reads most of them by itself, ten times as fast as piece by piece.
            moment = datetime.fromisoformat(found[0])
            return (moment if moment.tzinfo else with_zone(moment, None)), found.end()
    except ValueError:
        pass
    year, month, day, clock, part, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}")
        if part:
            moment = moment.replace(microsecond=int(part[:6].ljust(6, "0")))
        return with_zone(moment, zone), found.end()
    except (ValueError, OverflowError):
        return None


def with_zone(moment: datetime, zone: str | None) -> datetime:
    """A time in a zone: `Z`, `UTC`, `+0100`, `+01:00`; None is this host's own. Raises ValueError,
    OverflowError."""
    if zone is not None:
        return moment.replace(tzinfo=_zone(zone))
    quarter = moment.minute // 15
    return moment.replace(tzinfo=local_zone(moment.year, moment.month, moment.day, moment.hour, quarter))


@lru_cache(1024)
def local_zone(year: int, month: int, day: int, hour: int, quarter: int) -> tzinfo:
    """This host's offset from UTC in one quarter of an hour: no zone changes it within one."""
    zone = datetime(year, month, day, hour, quarter * 15).astimezone().tzinfo
    assert zone is not None
    return zone


@lru_cache(256)
def _zone(zone: str) -> timezone:
    if zone in ("Z", "UTC"):
        return UTC
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return timezone(timedelta(minutes=-minutes if zone.startswith("-") else minutes))


def epoch(value: float) -> datetime | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size. A number below
    the year 1990 is no time."""
    for least, most, unit in ((6e8, 1e11, 1), (1e11, 1e14, 1_000), (1e14, 1e17, 1_000_000), (1e17, 1e20, 10**9)):
        if least <= value < most:
            if isinstance(value, int):
                whole, rest = divmod(value, unit)
                return datetime.fromtimestamp(whole, UTC) + timedelta(microseconds=rest * 1_000_000 // unit)
            return datetime.fromtimestamp(value / unit, UTC)
    return None


def any_time(value: object) -> datetime | None:
    """A time from a field: a number since 1970, or a stamp."""
    if isinstance(value, str):
        found = iso_match(value)
        if found is not None:
            return found[0]
        digits = value.replace(".", "", 1)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 24):
            return clf_time(value)
        return epoch(float(value) if "." in value else int(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return epoch(value)


def clf_time(text: str) -> datetime | None:
    """`24/Nov/2026:04:05:36 +0000`, as web servers write it."""
    if len(text) < 26 or text[2] != "/" or text[6] != "/":
        return None
    month = MONTHS.get(text[3:6], 0)
    try:
        return datetime.fromisoformat(
            f"{text[7:11]}-{month:02}-{text[0:2]}T{text[12:20]}{text[21:24]}:{text[24:26]}"
        )
    except ValueError:
        return None


def without_year(month: int, day: int, clock: str, now: datetime | None = None) -> datetime | None:
    """`Nov 24 04:08:11`, local time: the latest year in which that is not more than a day ahead of `now`.

    So a line of December read in January is of last year, and one of a clock that is ahead, written on the
    first of January, is of the next.
    """
    now = now or datetime.now(UTC)
    hour, minute, second = int(clock[0:2]), int(clock[3:5]), int(clock[6:8])
    # The last leap day may be eight years back.
    for year in range(now.year + (now.month == 12 and month == 1), now.year - 9, -1):
        try:
            moment = with_zone(datetime(year, month, day, hour, minute, min(second, 59)), None)
        except (ValueError, OverflowError):
            continue
        if moment <= now + timedelta(days=1):
            return moment
    return None
