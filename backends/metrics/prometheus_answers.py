"""What a Prometheus server answers, as rows and series: pure functions (prometheus.io/docs, "HTTP API")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from backends.api.alerts import Alert, AlertState
from backends.api.details import Detail
from backends.api.errors import BadReply, Unsupported, WrongQuery
from backends.api.metrics import ScrapeTarget, Series, TargetState
from backends.host_port import is_loopback, join
from backends.masking import mask_url
from backends.metrics.prometheus_trouble import LESS, too_large
from backends.no_json import NO_JSON

_REQUEST = re.compile(r'^Get "[^"]*": ')
"""Before the reason of a failed scrape; the address is among the details."""
MOST_SERIES = 10_000
"""Series of an answer that are taken."""

Labels = dict[str, str]
Point = tuple[float, str | float | None]
"""Values are strings, "NaN" and "+Inf" among them; null, as some servers that speak this API say, is a gap."""


_NONE = msgspec.Raw(b"")


class _Series(Struct, frozen=True):
    metric: Labels = msgspec.field(default_factory=dict)
    value: msgspec.Raw = _NONE
    values: msgspec.Raw = _NONE


class _Result(Struct, frozen=True, rename="camel"):
    result_type: str
    result: msgspec.Raw


class ActiveTarget(Struct, frozen=True, rename="camel"):
    labels: Labels = msgspec.field(default_factory=dict)
    scrape_pool: str = ""
    scrape_url: str = ""
    last_error: str = ""
    last_scrape: str = ""
    last_scrape_duration: float | None = None
    health: str = ""
    scrape_interval: str = ""


class ActiveAlert(Struct, frozen=True, rename="camel"):
    labels: Labels = msgspec.field(default_factory=dict)
    annotations: Labels = msgspec.field(default_factory=dict)
    state: str = ""
    active_at: str | None = None
    value: str | float | None = None


class _Targets(Struct, frozen=True, rename="camel"):
    active_targets: list[ActiveTarget] = msgspec.field(default_factory=list)


class _Alerts(Struct, frozen=True):
    alerts: list[ActiveAlert] = msgspec.field(default_factory=list)


_point = msgspec.json.Decoder(Point)
_points = msgspec.json.Decoder(list[Point])
_many = msgspec.json.Decoder(list[_Series])


def series(data: bytes, where: str, *, instant: bool) -> tuple[Series, ...]:
    """The series of a query's answer, with one value each where that is `instant`. Raises `BadReply`,
    `Unsupported`, `WrongQuery` where it asks for something else, `TooLarge` where for more than `MOST_SERIES`."""
    try:
        # Values are decoded series by series: one call for all of them would hold every other thread up.
        answer = msgspec.json.decode(data, type=_Result)
        if answer.result_type == "string":
            raise WrongQuery("the query is a text, expected numbers")
        if answer.result_type == "matrix" and instant:
            raise WrongQuery(
                "the query is a range of values, expected one value of each series",
                hint="put it into rate(…) or last_over_time(…), or ask for a range",
            )
        if answer.result_type == "scalar":
            return (Series({}, _read((_point.decode(answer.result),))),)
        # A text in JSON holds no bare quote, so these words are keys and nothing else.
        if bytes(answer.result).count(b'"metric":') > MOST_SERIES:
            raise too_large(f"{MOST_SERIES:,} series", where, LESS)
        return tuple(map(_one, _many.decode(answer.result)))
    except NO_JSON as error:
        raise BadReply(f"the answer to a query makes no sense: {error}", where=where) from None
    except ValueError:
        raise BadReply("the answer to a query holds a value that is no number", where=where) from None


def _one(found: _Series) -> Series:
    if found.values is not _NONE:
        return Series(found.metric, _read(_points.decode(found.values)))
    if found.value is not _NONE:
        return Series(found.metric, _read((_point.decode(found.value),)))
    raise Unsupported(
        "the answer holds native histograms, which are not drawn",
        hint="take numbers of them: histogram_quantile(0.95, …), histogram_count(…)",
    )


def _read(points: Iterable[Point]) -> tuple[tuple[float, float], ...]:
    return tuple((at, float(value)) for at, value in points if value is not None)


def active_targets(data: bytes, where: str) -> list[ActiveTarget]:
    try:
        return msgspec.json.decode(data, type=_Targets).active_targets
    except NO_JSON as error:
        raise BadReply(f"the list of targets makes no sense: {error}", where=where) from None


def active_alerts(data: bytes, where: str) -> list[ActiveAlert]:
    try:
        return msgspec.json.decode(data, type=_Alerts).alerts
    except NO_JSON as error:
        raise BadReply(f"the list of alerts makes no sense: {error}", where=where) from None


def target_rows(
    found: Iterable[ActiveTarget], source: str, before: Mapping[str, ScrapeTarget], *, near: bool = True
) -> dict[str, ScrapeTarget]:
    """Rows by key; one that did not change is the same object as before. `near`: the server is on this host."""
    keyed = ((fingerprint(one.labels, one.scrape_pool), one) for one in found)
    return _rows(keyed, partial(_target, near=near), source, before)


def alert_rows(found: Iterable[ActiveAlert], source: str, before: Mapping[str, Alert]) -> dict[str, Alert]:
    return _rows(((fingerprint(one.labels), one) for one in found), _alert, source, before)


def fingerprint(labels: Labels, more: str = "") -> str:
    """A key that lasts as long as the labels stay the same, over restarts too."""
    data = msgspec.json.encode((more, labels), order="sorted")
    import hashlib

    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _rows(found: Iterable[tuple[str, Any]], made: Any, source: str, before: Mapping[str, Any]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for key, one in found:
        # Two rules may make alerts of equal labels; both are there.
        number, own = 1, key
        while own in rows:
            number += 1
            own = f"{key}-{number}"
        same = before.get(own)
        row = made(own, source, one, same)
        rows[own] = same if same == row else row
    return rows


def _target(
    key: str, source: str, found: ActiveTarget, before: ScrapeTarget | None, *, near: bool = True
) -> ScrapeTarget:
    try:
        state = TargetState(found.health)
    except ValueError:
        state = TargetState.UNKNOWN
    scraped, took = moment(found.last_scrape), found.last_scrape_duration
    since = None if before is None else before.since if before.state is state else scraped
    details = (
        Detail("pool", found.scrape_pool),
        Detail("scraped at", mask_url(found.scrape_url)),
        Detail("scrape interval", found.scrape_interval or None),
        Detail("scrape took", None if scraped is None or took is None else round(took * 1000, 1), "ms"),
    )
    return ScrapeTarget(
        key=key,
        source=source,
        job=found.labels.get("job", ""),
        instance=found.labels.get("instance", ""),
        state=state,
        last_scrape=scraped,
        since=since,
        error=_REQUEST.sub("", mask_url(found.last_error)) or None,
        address=_address(found.scrape_url, near=near),
        labels=found.labels,
        details=details,
    )


def _address(url: str, *, near: bool) -> str | None:
    """Where it is scraped; None where that is not known, or is an address of the server's own host that means
    another host here."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # A port that is none, brackets that do not close.
        return None
    if not parts.hostname or port is None or (is_loopback(parts.hostname) and not near):
        return None
    return join(parts.hostname, port)


def _alert(key: str, source: str, found: ActiveAlert, before: Alert | None) -> Alert:
    try:
        value = None if found.value is None else float(found.value)
    except ValueError:
        value = None
    return Alert(
        key=key,
        source=source,
        name=found.labels.get("alertname", ""),
        state=AlertState.FIRING if found.state == "firing" else AlertState.PENDING,
        severity=found.labels.get("severity"),
        since=moment(found.active_at),
        labels=found.labels,
        annotations=found.annotations,
        value=value,
    )


def moment(text: str | None) -> datetime | None:
    """A time of the API. Go's zero time, the year 1, is its word for never."""
    try:
        found = datetime.fromisoformat(text or "")
        return found.astimezone(UTC) if found.year > 1 and found.tzinfo is not None else None
    except (ValueError, OverflowError):  # In UTC it may be of a year that no calendar has.
        return None
