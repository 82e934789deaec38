"""One entry of the journal, as `journalctl -o json` prints it (systemd.journal-fields(7), journalctl(1)): pure.

A field is a string; a list of numbers where its bytes are not plain UTF-8 text; a list of those where the entry
holds it more than once; null where it was too long to print.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from backends.api.logs import Level, moment_of
from backends.logs.levels import SYSLOG
from backends.no_json import NO_JSON

FIELDS = (
    *("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_COMM", "_PID", "_HOSTNAME", "_TRANSPORT"),
    *("_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", "UNIT", "USER_UNIT", "CONTAINER_NAME"),
)
"""What is asked for; journalctl adds cursor, times and boot to it. All fields would be twice the bytes."""
UNKNOWN = "journal"
"""The origin of an entry that says neither a unit nor who wrote it."""


class Entry(Struct, frozen=True):
    """The fields of `FIELDS` that are read, as they came: `Any` is a string, a list of numbers, a list of those,
    or None."""

    cursor: str = msgspec.field(default="", name="__CURSOR")
    realtime: str = msgspec.field(default="", name="__REALTIME_TIMESTAMP")
    """Microseconds since 1970."""
    message: Any = msgspec.field(default=None, name="MESSAGE")
    priority: Any = msgspec.field(default=None, name="PRIORITY")
    identifier: Any = msgspec.field(default=None, name="SYSLOG_IDENTIFIER")
    said_pid: Any = msgspec.field(default=None, name="SYSLOG_PID")
    command: Any = msgspec.field(default=None, name="_COMM")
    pid: Any = msgspec.field(default=None, name="_PID")
    host: Any = msgspec.field(default=None, name="_HOSTNAME")
    transport: Any = msgspec.field(default=None, name="_TRANSPORT")
    system_unit: Any = msgspec.field(default=None, name="_SYSTEMD_UNIT")
    user_unit: Any = msgspec.field(default=None, name="_SYSTEMD_USER_UNIT")
    about_unit: Any = msgspec.field(default=None, name="UNIT")
    about_user_unit: Any = msgspec.field(default=None, name="USER_UNIT")
    container: Any = msgspec.field(default=None, name="CONTAINER_NAME")

    @property
    def time(self) -> datetime | None:
        try:
            return moment_of(int(self.realtime))
        except (ValueError, OverflowError):
            return None

    @property
    def level(self) -> Level | None:
        number = text(self.priority)
        return SYSLOG[int(number)] if len(number) == 1 and number in "01234567" else None

    @property
    def is_output(self) -> bool:
        """Whether it is a line that a service has printed."""
        return text(self.transport) == "stdout"

    @property
    def unit(self) -> str:
        """The unit that it is from; for what a service manager says of a unit, that unit, as `journalctl -u`
        has it. The field `UNIT` is anybody's to write, so only a manager's word counts."""
        if text(self.command) == "systemd" or text(self.pid) == "1":
            about = text(self.about_unit) or text(self.about_user_unit)
            if about:
                return about
        return text(self.user_unit) or text(self.system_unit)

    @property
    def writer(self) -> str:
        """Who wrote it: its syslog identifier, else the name of its command."""
        return text(self.identifier) or text(self.command)

    @property
    def origin(self) -> str:
        """What tells its lines from others: container, unit, else writer."""
        return text(self.container) or self.unit or self.writer or text(self.transport) or UNKNOWN

    def fields(self) -> dict[str, str]:
        named = {
            "unit": self.unit,
            "identifier": self.writer,
            "pid": text(self.pid) or text(self.said_pid),
            "host": text(self.host),
            "transport": text(self.transport),
            "container": text(self.container),
        }
        return {name: value for name, value in named.items() if value}

    def line(self) -> str:
        """As `journalctl -o short-iso` shows it, a message of several lines in one."""
        stamp = _stamp(self.realtime[:-6])
        pid = text(self.pid) or text(self.said_pid)
        who = (self.writer or UNKNOWN) + (f"[{pid}]" if pid else "")
        return _one_line(f"{stamp} {text(self.host) or '-'} {who}: {text(self.message)}")


_decode = msgspec.json.Decoder(Entry).decode


def read(raw: bytes) -> Entry | None:
    """One line of journalctl's; None where it is no entry."""
    if not raw.startswith(b"{"):
        return None
    try:
        return _decode(raw)
    except NO_JSON:
        return None


def text(value: object) -> str:
    """A field as text: bytes that are not UTF-8 are replaced; a field that was given twice is two lines."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    if all(isinstance(item, int) for item in value):
        return bytes(item & 255 for item in value).decode("utf-8", "replace")
    return "\n".join(map(text, value))


def shown(raw: bytes) -> bytes:
    """An entry's line for people; what is no entry stays as it is."""
    entry = read(raw)
    return raw if entry is None else entry.line().encode("utf-8", "replace")


@lru_cache(4096)
def _stamp(seconds: str) -> str:
    """Seconds since 1970 as journalctl prints them, in this host's zone."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).astimezone().strftime("%Y-%m-%dT%H:%M:%S%z")
    except (ValueError, OverflowError, OSError):
        return "-"


def _one_line(lines: str) -> str:
    return lines.rstrip("\n").replace("\n", " ⏎ ") if "\n" in lines else lines
