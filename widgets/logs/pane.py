"""LogPane: a sheet of log lines on the terminal; only what differs from what stands there is painted."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from widgets.logs.line import NOTE_MARK, slice_of, under_cursor, window
from widgets.logs.sheet import HEAD, Piece, Sheet
from widgets.look import Look
from widgets.safe import line, style


class LogPane(Widget):
    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.left = 0
        """Cells of lines that are not wrapped that are out of sight on the left."""
        self._drawn: list[Piece | None] = []

    def flush(self) -> None:
        """Paint the lines that differ from what stands on the terminal."""
        if not self.is_attached or not self.size.height:
            return
        manner = self.sheet.manner
        layout = self.sheet.lay_out(*self.size)
        if len(layout) != len(self._drawn) or manner != self.sheet.manner:
            self._drawn = []
            self.refresh()
            return
        for y, (new, old) in enumerate(zip(layout, self._drawn, strict=True)):
            if new != old:
                self.refresh(Region(0, y, self.size.width, 1))
        self._drawn = layout

    def repaint(self) -> None:
        """Paint all of it: the manner has changed, or the rows."""
        self.forget()
        if self.is_attached:
            self.refresh()

    def forget(self) -> None:
        """Lay out and draw every line anew when it is painted next."""
        self._drawn = []
        self.sheet.forget()

    def on_resize(self) -> None:
        self.forget()

    def render_line(self, y: int) -> Strip:
        if len(self._drawn) != self.size.height:
            self._drawn = self.sheet.lay_out(*self.size)
        piece = self._drawn[y] if y < len(self._drawn) else None
        return painted(self.sheet, piece, self.size.width, self.left)


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
        inset = sheet.inset(text, piece.part)
        is_last = piece.part + 1 == len(starts)
        end = len(text.text) if is_last else starts[piece.part + 1]
        body = slice_of(text.body, starts[piece.part], end)
        head = text.head if not piece.part else [(" " * inset, style())]
        # A line may go on behind its last part.
        parts = [*head, *(window(body, 0, width - inset) if is_last else body)]
    return line(under_cursor(parts, width) if piece.cursor else parts, width)
