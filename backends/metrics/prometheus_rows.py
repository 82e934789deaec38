"""One target or alert in the server's own words, and the command that shows it without us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from backends.api.alerts import Alert
from backends.api.errors import BadReply, NotFound
from backends.api.metrics import ScrapeTarget
from backends.api.nouns import Row
from backends.metrics.prometheus_access import Access
from backends.metrics.prometheus_answers import ActiveAlert, ActiveTarget, fingerprint
from backends.no_json import NO_JSON

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class _Targets(msgspec.Struct, frozen=True, rename="camel"):
    active_targets: list[msgspec.Raw] = msgspec.field(default_factory=list)


def raw_target(row: ScrapeTarget, data: bytes, where: str) -> str:
    """Raises `NotFound` where the server has it no more."""
    try:
        for item in msgspec.json.decode(data, type=_Targets).active_targets:
            found = msgspec.json.decode(item, type=ActiveTarget)
            if fingerprint(found.labels, found.scrape_pool) == _fingerprint_of(row):
                return _indented(bytes(item))
    except NO_JSON as error:
        raise BadReply(f"the list of targets makes no sense: {error}", where=where) from None
    raise NotFound("the server no longer scrapes it", where=f"{row.job} {row.instance}")


def raw_alert(row: Alert, data: bytes, where: str) -> str:
    """The alert, and its rule with the other alerts left out. Raises `NotFound` where it is over."""
    try:
        for group in msgspec.json.decode(data)["groups"]:
            for rule in group["rules"]:
                for alert in rule.get("alerts") or ():
                    labels = msgspec.convert(alert, ActiveAlert).labels
                    if fingerprint(labels) == _fingerprint_of(row):
                        rule = {name: value for name, value in rule.items() if name != "alerts"}
                        whole = {"alert": alert, "rule": rule, "group": group.get("name")}
                        return _indented(msgspec.json.encode(whole))
    except (*NO_JSON, KeyError, TypeError, AttributeError) as error:
        raise BadReply(f"the list of rules makes no sense: {error}", where=where) from None
    raise NotFound("the alert is over", where=row.name)


def command_for(row: Row, access: Access) -> tuple[str, ...] | None:
    """promtool where it gets in, else curl, which asks for a password itself; a token must be added."""
    if isinstance(row, ScrapeTarget):
        pool = next((str(detail.value) for detail in row.details if detail.label == "pool"), "")
        words = urlencode({"state": "active", "scrapePool": pool})
        return ("curl", "-s", *parameters(access), f"{access.base}/api/v1/targets?{words}")
    if not isinstance(row, Alert):
        return None
    query = f"ALERTS{selector(row.labels)}"
    if not (access.tls or parameters(access) or access.token or access.headers):
        return ("promtool", "query", "instant", access.base, query)
    url = f"{access.base}/api/v1/query"
    return ("curl", "-sG", *parameters(access), url, "--data-urlencode", f"query={query}")


def parameters(access: Access) -> list[str]:
    """What curl must be told to get in; it asks for a password itself."""
    words: list[Any] = ["--user", access.username] if access.username is not None else []
    for flag, path in (("--cacert", access.ca), ("--cert", access.cert), ("--key", access.key)):
        words += [flag, path] if path else []
    return [str(word) for word in words] + (["--insecure"] if access.skip_verify else [])


def selector(labels: Mapping[str, str]) -> str:
    """Labels as PromQL writes them. Nothing in it can act on a terminal."""
    return (
        "{"
        + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items() if NAME.fullmatch(name))
        + "}"
    )


def _quoted(text: str) -> str:
    return "".join(map(_char, text))


def _char(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"


def _fingerprint_of(row: ScrapeTarget | Alert) -> str:
    return row.key.partition("-")[0]


def _indented(data: bytes) -> str:
    return msgspec.json.format(data, indent=2).decode()
