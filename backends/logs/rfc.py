"""Syslog's lines: RFC 3164, RFC 5424, rsyslog's own file format, with and without the priority."""

from __future__ import annotations

import re
from datetime import datetime

from backends.api.logs import Level
from backends.logs.levels import SYSLOG, leading_level
from backends.logs.parsed import Parsed
from backends.logs.structured import json_line
from backends.logs.times import MONTHS, any_time, without_year
from backends.logs.web import access, haproxy, nginx_error

_RFC5424 = re.compile(
    r"<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(.*)", re.DOTALL
)
_NAMES = ("host", "app", "pid", "id", "data")
_RFC3164 = re.compile(
    r"(?:<(\d{1,3})>)?([A-Z][a-z]{2}) ( ?\d{1,2}) (\d\d:\d\d:\d\d)(?:\.\d+)? (\S+) (.*)", re.DOTALL
)
_TAG = re.compile(r"([\w./@() -]{1,64}?)(?:\[(\d+)\])?: ?(.*)", re.DOTALL)
_RSYSLOG = re.compile(
    r"(?:<(\d{1,3})>)?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6}[+-]\d\d:\d\d|"
    r"[+-]\d\d:?\d\d(?= \S+ \S+\[\d+\]:))) "
    r"([\w.:-]+) ([\w./@-]{1,64})(?:\[(\d+)\])?: ?(.*)",
    re.DOTALL,
)


def syslog(text: str) -> Parsed | None:
    """Any of them, and in their message JSON or a web server's line. Without a priority the level is that of the
    message, if it begins with one."""
    return _rfc5424(text) or _rfc3164(text) or _rsyslog(text)


def _rfc5424(text: str) -> Parsed | None:
    found = _RFC5424.match(text)
    if found is None:
        return None
    fields = {name: value for name, value in zip(_NAMES, found.groups()[2:7], strict=True) if value != "-"}
    return _made(found[8].removeprefix("\ufeff"), any_time(found[2]), found[1], fields)


def _rfc3164(text: str) -> Parsed | None:
    found = _RFC3164.match(text)
    if found is None or found[2] not in MONTHS:
        return None
    moment = without_year(MONTHS[found[2]], int(found[3]), found[4])
    if moment is None:
        return None
    tag = _TAG.match(found[6])
    if tag is None:
        return _made(found[6], moment, found[1], {"host": found[5]})
    fields = {"host": found[5], "app": tag[1]}
    if tag[2]:
        fields["pid"] = tag[2]
    return _made(tag[3], moment, found[1], fields)


def _rsyslog(text: str) -> Parsed | None:
    """`RSYSLOG_FileFormat` has microseconds and a numeric zone; `journalctl -o short-iso` neither, but a pid."""
    found = _RSYSLOG.match(text)
    if found is None or leading_level(found[3])[0] is not None:
        return None
    fields = {"host": found[3], "app": found[4]}
    if found[5]:
        fields["pid"] = found[5]
    return _made(found[6], any_time(found[2]), found[1], fields)


def _made(message: str, moment: datetime | None, pri: str | None, fields: dict[str, str]) -> Parsed:
    """What the message says itself is added. Programs give all of their lines one priority, mostly: where that
    is `info`, or none, the level is the message's own."""
    own = _within(message)
    level = _severity(pri)
    if level in (None, Level.INFO) and own is not None:
        level = own.level or level
    if level is None:
        level = leading_level(message)[0]
    return Parsed(message, moment, level, fields if own is None else {**own.fields, **fields})


def _within(message: str) -> Parsed | None:
    """The line of a program that knows more than text and writes it to syslog."""
    if message.startswith("{"):
        return json_line(message)
    if '"' not in message or "[" not in message:
        return None  # Nearly all: syslog's lines are many.
    return nginx_error(message) or haproxy(message) or access(message)


def _severity(pri: str | None) -> Level | None:
    """PRI is facility × 8 + severity, 191 at most (RFC 5424 §6.2.1)."""
    return SYSLOG[int(pri) % 8] if pri is not None and int(pri) < 192 else None
