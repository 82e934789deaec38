"""The peer of the start-up figures: a Textual app with one DataTable and nothing else."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield DataTable()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("NAME", "STATE")
        for number in range(9):
            table.add_row(f"row{number}", "up")


if __name__ == "__main__":
    Bare().run()
