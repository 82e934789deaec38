"""What stands on the Logs screen while no line does: why there is none, and what to do about it."""

from __future__ import annotations

from backends.api.readings import Readings
from backends.config.context import Context
from tui.commands import key_of
from widgets.logs.lines import LogLines


def no_log_source(context: Context) -> list[str]:
    return [
        "no logs: this context has no log source; in the configuration:",
        "",
        f"  [context.{context.name}.files.app]",
        '  paths = ["/var/log/app/*.log"]',
        "",
        "or without it:  :logs /var/log/syslog",
        "",
        *context.tried,
    ]


def without_line(lines: LogLines, readings: Readings, none_passes: str, reading: str) -> list[str]:
    """`none_passes` says what was looked at; `reading`: that more is read now, if it is."""
    if lines.filtering:
        return ["searching …"]
    if lines.total and reading:
        return [f"{reading}; {key_of('step_back')} ends it"]
    if lines.total:
        return [f"{none_passes}; {key_of('step_back')} lifts what hides them"]
    errors = [f"{key[0]}: {r.error}" for key, r in readings.items() if r.error is not None]
    return errors or [_empty(source, readings) for source in (feeder.source for feeder in lines.feeders)]


def _empty(source: str, readings: Readings) -> str:
    reading = next((r for key, r in readings.items() if key[0] == source), None)
    if reading is None or reading.value is None:
        return f"{source}: not read yet"
    files = reading.value.files
    if files is None:
        return f"{source}: no line yet"
    followed = f"{files} file{'' if files == 1 else 's'} followed"
    return f"{source}: {followed if files else 'no file yet'}, no line yet; what comes is shown at once"
