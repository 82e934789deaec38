"""The formats of log lines: one function each, tried in order; what no format knows is shown as it is.

`FORMATS` is the table, and a new format is a row of it. A function gets the decoded line with colours removed
and returns a `Parsed` or None. The first characters say which lines it need not even look at.
"""

from __future__ import annotations

import logging
import string
from collections.abc import Callable
from typing import NamedTuple

from backends.api.logs import LogRecord
from backends.clean import without_colours
from backends.logs.levels import leading_level, marked_level
from backends.logs.parsed import Parsed
from backends.logs.rfc import syslog
from backends.logs.stamped import glog, python, stamped
from backends.logs.structured import json_line, logfmt
from backends.logs.web import access, haproxy, nginx_error

log = logging.getLogger("midwatch.formats")

_DIGITS, _CAPITALS = string.digits, string.ascii_uppercase


class Format(NamedTuple):
    """One format. `first` are the characters with which its lines begin; empty: any. `alone`: no other format
    takes a line of it, so that it may be tried first whatever stands before it in the table."""

    name: str
    parse: Callable[[str], Parsed | None]
    first: str = ""
    alone: bool = False


FORMATS: tuple[Format, ...] = (
    Format("json", json_line, "{"),
    Format("nginx", nginx_error, _DIGITS, alone=True),
    Format("syslog", syslog, "<" + _DIGITS + _CAPITALS),
    Format("stamped", stamped, "[" + _DIGITS),
    Format("go", glog, "IWEF", alone=True),
    Format("python", python, "DIWEC"),
    Format("haproxy", haproxy, alone=True),
    Format("logfmt", logfmt, string.ascii_letters + "_@"),
    Format("access", access, alone=True),
)
"""In the order in which they are tried: where two would take a line, the more particular one comes first."""

_BY_FIRST = {
    char: tuple(form for form in FORMATS if not form.first or char in form.first) for char in map(chr, range(128))
}
_OTHERS = tuple(form for form in FORMATS if not form.first)
FORMAT_WITHIN = 1 << 16
"""Characters of a line in which a format is looked for; a longer line is raw, save for JSON."""


class Formats:
    """Parses the lines of one source; the format that fitted an origin's last line is tried first."""

    ORIGINS = 1_000

    def __init__(self, source: str) -> None:
        self._source = source
        self._last: dict[str, Format] = {}

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        """One record; never raises. Bytes that are not UTF-8 are replaced in everything but `raw`.

        A time without a zone is this host's local time; one without a year is the last such day. A line that no
        format knows is its own message, format `raw`, with a level where it begins with one.
        """
        text = raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")
        if "\x1b" in text:
            text = without_colours(text)
        if not text:
            return LogRecord(self._source, raw, text)
        try:
            return self._known(raw, text, origin)
        except Exception:
            # A format that fails on a line nobody thought of must not cost the reader the line.
            log.debug("no format for a line of %s", origin, exc_info=True)
            return LogRecord(self._source, raw, text)

    def _known(self, raw: bytes, text: str, origin: str) -> LogRecord:
        forms = _BY_FIRST.get(text[0], _OTHERS)
        if len(text) > FORMAT_WITHIN:
            forms = tuple(form for form in forms if form.name == "json")
        last = self._last.get(origin)
        if last is not None and last in forms:
            forms = (last, *(form for form in forms if form is not last))
        for form in forms:
            parsed = form.parse(text)
            if parsed is not None:
                if form.alone and form is not last:
                    self._remember(origin, form)
                message, time, level, fields = parsed
                return LogRecord(self._source, raw, message, time, level, form.name, fields)
        level, message = leading_level(text)
        if level is None:
            level = marked_level(text)
        return LogRecord(self._source, raw, message, None, level)

    def _remember(self, origin: str, form: Format) -> None:
        if len(self._last) >= self.ORIGINS:
            self._last.clear()
        self._last[origin] = form
