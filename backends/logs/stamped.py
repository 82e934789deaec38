"""Lines of programs: a stamp, a level, perhaps a logger, and text. Python, Go, etcd, supervisord, Java, …"""

from __future__ import annotations

import re

from backends.api.logs import Level
from backends.logs.levels import LETTERS, WORDS, leading_level, marked_level
from backends.logs.parsed import Parsed
from backends.logs.structured import json_line, logfmt
from backends.logs.times import iso_match, without_year

_PYTHON = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL):([^\s:]+):(.*)", re.DOTALL)


def python(text: str) -> Parsed | None:
    """`logging`'s default (`BASIC_FORMAT`): `LEVEL:name:message`."""
    found = _PYTHON.match(text)
    if found is None:
        return None
    return Parsed(found[3], None, WORDS[found[1].lower()], {"logger": found[2]})


_GLOG = re.compile(
    r"([IWEF])(\d{4})?(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d{6})\s+(\d+) ([^\]\s]+:\d+)\] ?(.*)", re.DOTALL
)


def glog(text: str) -> Parsed | None:
    """glog's and klog's header: `Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg`, local time."""
    found = _GLOG.match(text)
    if found is None:
        return None
    if found[2]:
        stamp = iso_match(f"{found[2]}-{found[3]}-{found[4]} {found[5]}")
        moment = stamp[0] if stamp else None
    else:
        moment = without_year(int(found[3]), int(found[4]), found[5])
    if moment is None:
        return None
    fields = {"pid": found[7], "caller": found[8]}
    return Parsed(found[9], moment.replace(microsecond=int(found[6])), LETTERS[found[1]], fields)


_DASHED = re.compile(r"\s*[-|] (\S{1,128}) [-|] \[?([A-Za-z]{3,9})\]? [-|]\s?(.*)", re.DOTALL)
_LETTER = re.compile(r" ([FCEWNIDT]) \| (?:([\w./-]+): )?(.*)", re.DOTALL)
_AHEAD = re.compile(r"(?:\[[^\]]{0,128}\]|\d+|---|-|[\w./$:-]{1,128}(?=\s))\s+")
_CRI = re.compile(r"(?:stdout|stderr) [FP] ")
"""Kubernetes' container runtime interface puts the stream between the stamp and the line."""
_CALLER = re.compile(r"([\w./-]+\.\w{1,4}:\d+)(?::\s|\t|\s+)")


def stamped(text: str) -> Parsed | None:
    """Any line that begins with an ISO-like stamp, in brackets or bare."""
    start = 1 if text.startswith("[") else 0
    stamp = iso_match(text, start)
    if stamp is None:
        return None
    moment, end = stamp
    if start and text.startswith("]", end):
        end += 1
    dashed = _DASHED.match(text, end)
    if dashed is not None and (level := WORDS.get(dashed[2].lower())) is not None:
        return Parsed(dashed[3], moment, level, {"logger": dashed[1]})
    letter = _LETTER.match(text, end)
    if letter is not None:
        return Parsed(letter[3], moment, LETTERS[letter[1]], {"logger": letter[2]} if letter[2] else {})
    rest = text[end:].lstrip(" \t|:-")
    stream = _CRI.match(rest)
    if stream is not None:
        rest = rest[stream.end() :]
    inner = json_line(rest) if rest.startswith("{") else logfmt(rest) if "=" in rest else None
    if inner is not None:
        return inner._replace(time=moment)
    level, message, fields = _levelled(rest)
    if level is None:
        return Parsed(message, moment, marked_level(message), fields)
    caller = _CALLER.match(message)
    if caller is not None:
        fields["caller"], message = caller[1], message[caller.end() :]
    return Parsed(message, moment, level, fields)


def _levelled(text: str) -> tuple[Level | None, str, dict[str, str]]:
    """The level that a text begins with, after at most three things that are put before it: a pid, something in
    brackets, one bare name (and then the level must be in brackets or capitals)."""
    level, message = leading_level(text)
    if level is None:
        level, message = _lower_case(text)
    if level is not None:
        return level, message, {}
    at = names = 0
    fields: dict[str, str] = {}
    for _ in range(3):
        ahead = _AHEAD.match(text, at)
        if ahead is None:
            break
        word = ahead[0].strip()
        if word[0] not in "[-" and not word.isdigit():
            names += 1
            fields["logger"] = word.rstrip(":")
        if names > 1:
            break
        at = ahead.end()
        level, message = leading_level(text[at:])
        if level is not None:
            return level, message, fields
    return None, text, {}


_LOWER = frozenset({"trace", "debug", "info", "warn", "warning", "error", "fatal", "critical"})


def _lower_case(text: str) -> tuple[Level | None, str]:
    """zap's console and others write the level in small letters."""
    word, tab, rest = text.partition("\t")
    if not tab:
        word, _, rest = text.partition(" ")
    return (WORDS[word], rest.lstrip()) if word in _LOWER else (None, text)
