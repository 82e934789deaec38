"""Where each key of a TOML text stands, so that a mistake can be named by its line: tomllib tells none."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
"""TOML 1.0's four kinds of strings; a multi-line one may end with two quotes of its own before its three."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Line numbers from 1 of every table, key and array entry by its path; an entry's part is its number
    ("page", "0", "title"). The text must be what tomllib has read without an error.

    Raises RecursionError where values are nested some hundred deep.
    """
    return _Scanner(text).document()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a key, or of the nearest table around it; 1 where there is none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        # Only LF ends a line in TOML; splitlines() would also count U+2028 and others in strings.
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self._peek():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> Path:
        line = self._line()
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        table = self._numbered(self._key(), double)
        self._at += 2 if double else 1
        self._note(table, 0, line)
        return table

    def _pair(self, table: Path) -> None:
        self._peek()
        line = self._line()
        path = (*table, *self._key())
        self._note(path, len(table), line)
        self._peek()
        self._at += 1  # the "="
        self._value(path)

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._peek()
            quoted = _STRING.match(self._text, self._at)
            found = quoted or _BARE.match(self._text, self._at)
            if found is None:
                raise ValueError(f"no key at character {self._at}")
            self._at = found.end()
            parts.append(_unquoted(found.group()) if quoted else found.group())
            if self._peek() != ".":
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._peek()
        if first == "[":
            self._entries(path)
        elif first == "{":
            self._inline(path)
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            if found is None:
                raise ValueError(f"no value at character {self._at}")
            self._at = found.end()

    def _entries(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._peek() != "]":
            self._lines.setdefault((*path, str(number)), self._line())
            self._value((*path, str(number)))
            number += 1
            if self._peek() == ",":
                self._at += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._peek() != "}":
            self._pair(path)
            if self._peek() == ",":
                self._at += 1
        self._at += 1

    def _note(self, path: Path, known: int, line: int) -> None:
        for length in range(known + 1, len(path) + 1):
            self._lines.setdefault(path[:length], line)

    def _numbered(self, path: Path, double: bool) -> Path:
        """A header's path with the number of each array entry that it stands in."""
        out: Path = ()
        for i, part in enumerate(path):
            out = (*out, part)
            if double and i == len(path) - 1:
                self._arrays[out] = self._arrays.get(out, -1) + 1
            if out in self._arrays:
                out = (*out, str(self._arrays[out]))
        return out

    def _peek(self) -> str:
        """The next character that is no blank and no comment; empty at the end."""
        found = _BLANK.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_left(self._ends, self._at) + 1


def _unquoted(part: str) -> str:
    if "\\" in part and part.startswith('"'):
        return next(iter(tomllib.loads(f"{part} = 0")))
    return part[1:-1]
