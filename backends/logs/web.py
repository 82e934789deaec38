"""Web servers' lines: access logs in the common and the combined format, nginx's error log."""

from __future__ import annotations

import re

from backends.api.logs import Level
from backends.logs.levels import level_of
from backends.logs.parsed import Parsed
from backends.logs.times import clf_time, iso_match

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
    level = Level.ERROR if status >= "500" else Level.WARN if status >= "400" else Level.INFO
    return Parsed(f"{status} {' '.join(words[:2])}", moment, level, fields)


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
