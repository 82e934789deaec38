from __future__ import annotations

from typing import ClassVar

from tui.screens.base import View


class LogsScreen(View):
    screen_name: ClassVar[str] = "logs"

    def choose(self, source: str | None) -> None:
        pass
