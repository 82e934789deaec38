"""Boards: several boards below each other, with one cursor that goes from each to the next."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.board import Board


class Boards:
    def __init__(self, *boards: Board) -> None:
        """From top to bottom."""
        self._all = boards
        self._moved = False

    def settle(self) -> None:
        """Until somebody moves it, the cursor is on the first line that can be chosen, or on what there is."""
        if not self._moved or not any(board.active for board in self._all):
            self._to_end(self._all, last=False)

    def move(self, rows: int) -> None:
        self._moved = True
        here = next((i for i, board in enumerate(self._all) if board.active), 0)
        if self._all[here].move(rows):
            return
        onward = self._all[here + 1 :] if rows > 0 else self._all[:here][::-1]
        for board in onward:
            if board.activate(True, last=rows < 0):
                self._all[here].activate(False)
                return

    def first(self) -> None:
        self._moved = True
        self._to_end(self._all, last=False)

    def last(self) -> None:
        self._moved = True
        self._to_end(self._all[::-1], last=True)

    def choose(self, board: Board) -> None:
        """It was clicked: it is meant now."""
        self._moved = True
        self._activate(board)

    def plain_lines(self) -> list[str]:
        return [text for board in self._all for text in board.plain_lines()]

    def _to_end(self, boards: Sequence[Board], *, last: bool) -> None:
        able = next((board for board in boards if board.can_be_chosen), None)
        if able is not None and not able.is_at_end(last=last):
            self._activate(able)
            able.to_end(last=last)

    def _activate(self, board: Board) -> None:
        for other in self._all:
            other.activate(other is board)
