"""Web servers' lines: access logs (common and combined), nginx's error log, HAProxy's HTTP log."""

from __future__ import annotations

import re

from backends.api.logs import Level
from backends.logs.levels import level_of
from backends.logs.parsed import Parsed
from backends.logs.times import MONTHS, clf_time, iso_match

_ACCESS = re.compile(
    r"(?:(\S+:\d+) )?(\S+) (\S+) (\S+(?: \S+){0,3}?) \[([^\]]{26})\] "
    r'"((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: (.*))?$',
    re.DOTALL,
)
_NAMES = ("vhost", "remote", "ident", "user")


def access(text: str) -> Parsed | None:
    """httpd's `common` and `combined` (also `vhost_combined`), and what configurations add at the end.

    The level is the status: 5xx error, 4xx warn, else info. A request that is no HTTP has no method and path.
    """
    found = _ACCESS.match(text)
    if found is None:
        return None
    *who, stamp, request, status, size, referer, agent, more = found.groups()
    moment = clf_time(stamp)
    if moment is None:
        return None
    fields = {name: value for name, value in zip(_NAMES, who, strict=True) if value and value != "-"}
    words = request.split(" ")
    if len(words) >= 2:
        fields["method"], fields["path"] = words[0], words[1]
        if len(words) > 2:
            fields["protocol"] = words[2]
    fields["status"] = status
    if size != "-":
        fields["bytes"] = size
    if referer and referer != "-":
        fields["referer"] = referer
    if agent and agent != "-":
        fields["agent"] = agent
    if more and more.strip():
        fields["more"] = more.strip()
    return Parsed(f"{status} {' '.join(words[:2])}", moment, _level(status), fields)


def _level(status: str) -> Level:
    return Level.ERROR if status >= "500" else Level.WARN if status >= "400" else Level.INFO


_HAPROXY = re.compile(
    r"(\S+):(\d+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?:\.(\d{3}))?\] (\S+) ([^/\s]+)/(\S+) "
    r"([-+\d]+(?:/[-+\d]+){4}) (\d{3}|-1) (\+?\d+) \S+ \S+ (\S{4}) [\d+/]+ \d+/\d+ "
    r'(?:\{[^{}]*\} ){0,2}"((?:[^"\\]|\\.)*)',
    re.DOTALL,
)
_PROXIED = ("remote", "port", "frontend", "backend", "server", "timers", "status", "bytes", "termination")


def haproxy(text: str) -> Parsed | None:
    """HAProxy's `option httplog` and `httpslog`: local time. The level is the status, as in an access log; -1, a
    request that got no answer, is a warning."""
    found = _HAPROXY.match(text)
    if found is None:
        return None
    remote, port, stamp, millis, *facts, request = found.groups()
    day, month, rest = stamp.split("/")
    if month not in MONTHS:
        return None
    local = iso_match(f"{rest[:4]}-{MONTHS[month]:02}-{day} {rest[5:]}.{millis or '000'}")
    if local is None:
        return None
    fields = dict(zip(_PROXIED, (remote, port, *facts), strict=True))
    words = request.split(" ")
    if len(words) >= 2:
        fields["method"], fields["path"] = words[0], words[1]
        if len(words) > 2:
            fields["protocol"] = words[2]
    status = fields["status"]
    level = Level.WARN if status == "-1" else _level(status)
    return Parsed(f"{status} {' '.join(words[:2])}", local[0], level, fields)


_ERROR = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)", re.DOTALL)
_CONTEXT = re.compile(r', (client|server|upstream|request|host|referrer): ("[^"]*"|[^,"]*)')


def nginx_error(text: str) -> Parsed | None:
    """nginx's error log (`ngx_log_error_core`): local time, and the request's facts after the message."""
    found = _ERROR.match(text)
    if found is None:
        return None
    stamp = iso_match(text)
    level = level_of(found[1])
    if stamp is None or level is None:
        return None
    rest = found[5]
    fields = {"pid": found[2]}
    if found[4]:
        fields["connection"] = found[4]
    begin = rest.find(", client: ")
    if begin >= 0:
        fields |= {key: value.strip('"') for key, value in _CONTEXT.findall(rest[begin:])}
        rest = rest[:begin]
    return Parsed(rest, stamp[0], level, fields)
