"""The formats of log lines: one function each, tried in order; what no format knows is shown as it is.

`FORMATS` is the table: a name and a function that returns a record or None. Functions get the decoded line with
colours removed, and never raise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from backends.api.models import Level, LogRecord
from backends.clean import without_colours
from backends.logs.levels import LETTERS, SYSLOG, leading_level, level_of
from backends.logs.times import MONTHS, any_time, iso_match, with_zone, without_year

TIMES = ("time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "date", "t")
LEVELS = ("level", "lvl", "severity", "levelname", "log.level", "loglevel", "priority")
MESSAGES = ("msg", "message", "event", "error", "err")
FIELDS = 64
"""Fields of a record that are kept."""


class Parsed(NamedTuple):
    message: str
    time: datetime | None = None
    level: Level | None = None
    fields: Mapping[str, str] = {}


Format = Callable[[str], Parsed | None]


def json_line(text: str) -> Parsed | None:
    if not text.startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    return _from_fields({str(key): value for key, value in list(data.items())[:FIELDS]}, text)


LOGFMT = re.compile(r"""([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)""")


def logfmt(text: str) -> Parsed | None:
    """`key=value key="quoted value"`; the line must begin with one and hold at least two."""
    fields: dict[str, object] = {}
    at = 0
    while len(fields) < FIELDS and (found := LOGFMT.match(text, at)):
        value = found.group(2)
        if value.startswith('"'):
            value = value[1:-1].replace('\\"', '"').replace("\\n", " ").replace("\\\\", "\\")
        fields[found.group(1)] = value
        at = found.end()
    if len(fields) < 2 or (at < len(text) and len(fields) < 3):
        return None
    return _from_fields(fields, text)


def _from_fields(fields: Mapping[str, object], text: str) -> Parsed:
    time_key = next((key for key in TIMES if any_time(fields.get(key)) is not None), "")
    level_key = next((key for key in LEVELS if level_of(fields.get(key)) is not None), "")
    message_key = next((key for key in MESSAGES if isinstance(fields.get(key), str)), "")
    rest = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in fields.items()
        if key not in (time_key, level_key, message_key)
    }
    message = fields[message_key] if message_key else text
    return Parsed(str(message), any_time(fields.get(time_key)), level_of(fields.get(level_key)), rest)


ACCESS = re.compile(
    r"(?P<remote>\S+) \S+ (?P<user>\S+) \[(?P<day>\d\d)/(?P<month>\w{3})/(?P<year>\d{4}):(?P<clock>[\d:]{8}) "
    r'(?P<zone>[+-]\d{4})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<more>.*)'
)


def access(text: str) -> Parsed | None:
    """The common and the combined format of web servers; the level is the status: 5xx error, 4xx warn."""
    found = ACCESS.match(text)
    if found is None or found["month"] not in MONTHS:
        return None
    try:
        stamp = f"{found['year']}-{MONTHS[found['month']]:02}-{found['day']}T{found['clock']}"
        moment = with_zone(datetime.fromisoformat(stamp), found["zone"])
    except ValueError:
        return None
    status = int(found["status"])
    request = found["request"].split(" ")
    fields = {key: value for key in ("remote", "user", "bytes", "referer", "agent") if (value := found[key])}
    fields = {key: value for key, value in fields.items() if value != "-"} | {"status": found["status"]}
    if len(request) >= 2:
        fields |= {"method": request[0], "path": request[1]}
    if found["more"].strip():
        fields["more"] = found["more"].strip()
    level = Level.ERROR if status >= 500 else Level.WARN if status >= 400 else Level.INFO
    return Parsed(f"{status} {' '.join(request[:2])}", moment, level, fields)


NGINX_ERROR = re.compile(
    r"(?P<date>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#\d+: (?P<rest>.*)"
)


def nginx_error(text: str) -> Parsed | None:
    found = NGINX_ERROR.match(text)
    if found is None:
        return None
    stamp = iso_match(found["date"])
    return Parsed(found["rest"], stamp and stamp[0], level_of(found["level"]), {"pid": found["pid"]})


TAG = re.compile(r"(?P<app>[\w./@-]{1,64})(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)", re.DOTALL)
RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r"(?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?P<message>.*)",
    re.DOTALL,
)
RFC3164 = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d) "
    r"(?P<host>\S+) (?P<rest>.*)",
    re.DOTALL,
)
RSYSLOG = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (?P<host>[\w.:-]+) "
    r"(?P<app>[\w./@-]{1,64})(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)",
    re.DOTALL,
)


def syslog(text: str) -> Parsed | None:
    """RFC 5424, RFC 3164 with or without its priority, and rsyslog's file format."""
    return _rfc5424(text) or _rfc3164(text) or _rsyslog(text)


def _rfc5424(text: str) -> Parsed | None:
    found = RFC5424.match(text)
    if found is None:
        return None
    fields = {key: found[key] for key in ("host", "app", "pid", "id", "data") if found[key] != "-"}
    return Parsed(found["message"], any_time(found["time"]), _severity(found["pri"]), fields)


def _rfc3164(text: str) -> Parsed | None:
    found = RFC3164.match(text)
    moment = found and without_year(found["month"], int(found["day"]), found["clock"])
    if found is None or moment is None:
        return None
    tag = TAG.match(found["rest"])
    message = tag["message"] if tag else found["rest"]
    fields = {"host": found["host"]} | ({key: tag[key] for key in ("app", "pid") if tag[key]} if tag else {})
    return Parsed(message, moment, _severity(found["pri"]) or leading_level(message)[0], fields)


def _rsyslog(text: str) -> Parsed | None:
    found = RSYSLOG.match(text)
    if found is None or level_of(found["host"]) is not None or level_of(found["app"]) is not None:
        return None
    fields = {key: found[key] for key in ("host", "app", "pid") if found[key]}
    return Parsed(found["message"], any_time(found["time"]), leading_level(found["message"])[0], fields)


def _severity(pri: str | None) -> Level | None:
    return None if pri is None else SYSLOG[int(pri) % 8]


PYTHON = re.compile(r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.]+):(?P<message>.*)", re.DOTALL)
NAMED = re.compile(r"\s*-\s*(?P<logger>[\w.]+)\s*-\s*(?P<level>[A-Z]+)\s*-\s*(?P<message>.*)", re.DOTALL)


def python(text: str) -> Parsed | None:
    """`logging`'s own default, and the form with a time and dashes that its manual shows."""
    found = PYTHON.match(text)
    if found is not None:
        return Parsed(found["message"], None, level_of(found["level"]), {"logger": found["logger"]})
    stamp = iso_match(text)
    found = NAMED.match(text, stamp[1]) if stamp else None
    level = level_of(found["level"]) if found else None
    if stamp is None or found is None or level is None:
        return None
    return Parsed(found["message"], stamp[0], level, {"logger": found["logger"]})


GLOG = re.compile(
    r"(?P<level>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d)\.(?P<part>\d{6})\s+(?P<pid>\d+) "
    r"(?P<where>[^\]]+)\] ?(?P<message>.*)",
    re.DOTALL,
)
_NAMES = {number: name for name, number in MONTHS.items()}


def go(text: str) -> Parsed | None:
    """glog's and klog's form; the standard library's (`2026/11/24 02:13:20 text`) is read by `stamped`."""
    found = GLOG.match(text)
    moment = found and without_year(_NAMES.get(int(found["month"]), ""), int(found["day"]), found["clock"])
    if found is None or moment is None:
        return None
    moment = moment.replace(microsecond=int(found["part"]))
    fields = {"pid": found["pid"], "where": found["where"]}
    return Parsed(found["message"], moment, LETTERS[found["level"]], fields)


def stamped(text: str) -> Parsed | None:
    """Any line that begins with an ISO-like stamp, and a level word after it where there is one."""
    start = 1 if text.startswith("[") else 0
    stamp = iso_match(text, start)
    if stamp is None:
        return None
    rest = text[stamp[1] :].lstrip("] \t|-:")
    level, message = leading_level(rest)
    return Parsed(message, stamp[0], level)


def levelled(text: str) -> Parsed | None:
    """A line that begins with nothing but a level word in brackets or before a colon."""
    level, message = leading_level(text)
    if level is None or (text[0] not in "[<(" and ":" not in text[: len(text) - len(message)]):
        return None
    return Parsed(message, None, level)


FORMATS: dict[str, Format] = {
    "json": json_line,
    "access": access,
    "nginx": nginx_error,
    "syslog": syslog,
    "python": python,
    "go": go,
    "logfmt": logfmt,
    "stamped": stamped,
    "level": levelled,
}


class Formats:
    """Parses the lines of one source; the format that fitted an origin's last line is tried first."""

    ORIGINS = 1000

    def __init__(self, source: str) -> None:
        self._source = source
        self._last: dict[str, str] = {}

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        """One record. Never raises; an unknown line is its own message, format `raw`."""
        text = without_colours(raw.decode("utf-8", "replace").rstrip("\r"))
        first = self._last.get(origin, "json")
        names = [first, *(name for name in FORMATS if name != first)] if first in _EARLY else list(FORMATS)
        for name in names:
            try:
                parsed = FORMATS[name](text)
            except (ValueError, OverflowError, IndexError, RecursionError):
                continue
            if parsed is not None:
                self._remember(origin, name)
                return LogRecord(
                    self._source, raw, parsed.message, parsed.time, parsed.level, name, dict(parsed.fields)
                )
        return LogRecord(self._source, raw, text)

    def _remember(self, origin: str, name: str) -> None:
        if len(self._last) > self.ORIGINS:
            self._last.clear()
        self._last[origin] = name


_EARLY = frozenset({"json", "access", "nginx", "syslog", "python", "go", "logfmt"})
"""Formats so particular that they may be tried first; the general ones would take lines of the others."""
