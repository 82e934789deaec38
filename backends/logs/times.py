"""Times of log lines. One without a zone is taken as this host's local time: most are written so."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
ISO = re.compile(
    r"(?P<date>\d{4}[-/]\d\d[-/]\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,9}))?"
    r"\s?(?P<zone>Z|[+-]\d\d:?\d\d|UTC)?"
)


def iso_match(text: str, at: int = 0) -> tuple[datetime, int] | None:
    """An ISO-like stamp (also with `/`, a comma before the fraction, no zone) at a place of a text, and where
    it ends."""
    found = ISO.match(text, at)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found['date'].replace('/', '-')}T{found['time']}")
    except ValueError:
        return None
    if found["part"]:
        moment = moment.replace(microsecond=int(found["part"][:6].ljust(6, "0")))
    return with_zone(moment, found["zone"]), found.end()


def with_zone(moment: datetime, zone: str | None) -> datetime:
    if zone is None:
        return moment.astimezone()
    if zone in ("Z", "UTC"):
        return moment.replace(tzinfo=UTC)
    return datetime.strptime(f"{moment.isoformat()} {zone.replace(':', '')}", _with_zone(moment))


def _with_zone(moment: datetime) -> str:
    return "%Y-%m-%dT%H:%M:%S.%f %z" if moment.microsecond else "%Y-%m-%dT%H:%M:%S %z"


def epoch(value: float) -> datetime | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size."""
    for most, unit in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if abs(value) < most:
            try:
                return datetime.fromtimestamp(value / unit, UTC)
            except (OverflowError, OSError, ValueError):
                return None
    return None


def any_time(value: object) -> datetime | None:
    """A time from a field: a number since 1970, or an ISO stamp."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return epoch(float(value))
    text = str(value)
    found = iso_match(text)
    if found is not None:
        return found[0]
    try:
        return epoch(float(text))
    except ValueError:
        return None


def without_year(month: str, day: int, clock: str) -> datetime | None:
    """RFC 3164's `Nov 24 04:08:11`: this year, or the last one where that would lie ahead by more than a day."""
    number = MONTHS.get(month)
    if number is None:
        return None
    now = datetime.now().astimezone()
    hour, minute, second = (int(part) for part in clock.split(":"))
    for year in (now.year, now.year - 1):
        try:
            moment = datetime(year, number, day, hour, minute, second).astimezone()
        except ValueError:
            continue
        if moment <= now + timedelta(days=1):
            return moment
    return None
