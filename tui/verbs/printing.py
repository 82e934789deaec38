"""Printing without a screen: lines that act on no terminal, JSON, plain tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from backends.clean import clean
from widgets.freshness import Sight
from widgets.tables.columns import Kind
from widgets.tables.plain import plain_table


def say(*lines: str) -> None:
    """Lines to standard output, at once; whatever is in one, it is a line and acts on no terminal."""
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    sys.stdout.flush()


def complain(*lines: str) -> None:
    """The same to standard error."""
    sys.stdout.flush()
    sys.stderr.write("".join(f"{clean(line)}\n" for line in lines))
    sys.stderr.flush()


def hinted(text: str, hint: str) -> str:
    """What went wrong, and what to do next where somebody knows."""
    return f"{text} ({hint})" if hint else text


def to_json(document: Any) -> str:
    """Printable ASCII only: nothing in it can act on a terminal. DEL is what `json` calls printable."""
    from json import dumps  # Not for a table.

    return dumps(document, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")


def table(kind: Kind[Any], rows: Sequence[tuple[Any, Sight]]) -> list[str]:
    """Aligned columns, cleaned; whole in a pipe, cut to the width of a terminal."""
    return cut(plain_table(kind, rows))


def cut(lines: list[str]) -> list[str]:
    """Whole in a pipe, to the width of a terminal on one."""
    if not sys.stdout.isatty():
        return lines
    import shutil

    return [line[: shutil.get_terminal_size().columns] for line in lines]
