"""One line of a log view, as it is painted."""

from __future__ import annotations

from textual.strip import Strip

from widgets.columns import Look
from widgets.logline import NOTE_MARK, slice_of, under_cursor, window
from widgets.logsheet import HEAD, Piece, Sheet
from widgets.safe import line, style


def painted(sheet: Sheet, piece: Piece | None, width: int, left: int) -> Strip:
    """`left` cells of lines that are not wrapped are out of sight."""
    if piece is None:
        return line([], width)
    if piece.row < 0:
        mark = f"{NOTE_MARK} " if piece.row == HEAD else "  "
        return line([(mark + piece.text, style(Look.DIM))], width)
    text, starts = sheet.text(piece.row, piece.dated)
    if not sheet.wrapped:
        room = max(1, width - text.head_width)
        parts = [*text.head, *window(text.body, left, room)]
    else:
        end = starts[piece.part + 1] if piece.part + 1 < len(starts) else starts[piece.part] + width
        body = slice_of(text.body, starts[piece.part], end)
        head = text.head if not piece.part else [(" " * sheet.inset(text), style())]
        parts = [*head, *body]
    return line(under_cursor(parts, width) if piece.cursor else parts, width)
