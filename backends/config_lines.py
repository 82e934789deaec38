"""Where each key of a TOML text stands, so that a mistake can be named by its line: tomllib tells none."""

from __future__ import annotations

import re

Path = tuple[str, ...]

_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*""")


def key_lines(text: str) -> dict[Path, int]:
    """Line numbers from 1 of every table and key by its path. Entries of an array of tables have their number
    as a part of the path ("page", "0", "title"). The text must have been read by tomllib before."""
    lines: dict[Path, int] = {}
    table: Path = ()
    arrays: dict[Path, int] = {}
    fence = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            if fence in line:
                fence = ""
            continue
        bare = line.strip()
        if depth > 0:
            depth += _depth(bare)
            continue
        if bare.startswith("["):
            double = bare.startswith("[[")
            path = _path(bare[2 if double else 1 :])[0]
            table = _numbered(path, arrays, double)
            lines.setdefault(table, number)
        elif bare and not bare.startswith("#"):
            path, rest = _path(bare)
            key = (*table, *path)
            for length in range(len(table) + 1, len(key) + 1):
                lines.setdefault(key[:length], number)
            value = rest.lstrip("= ")
            for name in re.findall(r"""[{,]\s*([A-Za-z0-9_-]+|"[^"]*")\s*=""", value):
                lines.setdefault((*key, name.strip('"')), number)
            fence = next((f for f in ('"""', "'''") if value.startswith(f) and f not in value[3:]), "")
            depth = 0 if fence else max(0, _depth(value))
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a key, or of the nearest table around it; 1 where there is none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def _path(text: str) -> tuple[Path, str]:
    """The dotted key that a text begins with, and what comes after it."""
    parts: list[str] = []
    while match := _KEY.match(text):
        part = match.group(1)
        parts.append(part[1:-1] if part[0] in "\"'" else part)
        text = text[match.end() :]
        if not text.startswith("."):
            break
        text = text[1:]
    return tuple(parts), text


def _numbered(path: Path, arrays: dict[Path, int], double: bool) -> Path:
    """A table header's path with the number of each array entry that it stands in."""
    out: Path = ()
    for i, part in enumerate(path):
        out = (*out, part)
        last = i == len(path) - 1
        if last and double:
            arrays[out] = arrays.get(out, -1) + 1
        if out in arrays:
            out = (*out, str(arrays[out]))
    return out


def _depth(text: str) -> int:
    """How many brackets a line leaves open; strings and comments don't count."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", text).split("#", 1)[0]
    return text.count("[") - text.count("]")
