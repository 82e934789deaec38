"""The commands that every screen has: other contexts, help, prompts, the way back, what leaves the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from backends.config.context import Context
from tui.commands import Command
from tui.completion import completions
from tui.contexts import Contexts
from tui.front import Front
from tui.help import help_lines
from tui.screens.base import Desk


class EverywhereDesk(Desk, Protocol):
    """Whom they serve."""

    contexts: Contexts
    front: Front

    def offers(self, command: Command) -> bool:
        """Whether a command means something in this context's mode."""

    def is_free(self) -> bool:
        """Whether no action is under way; else that is said."""

    def tick(self) -> None: ...
    async def open_context(self, context: Context) -> None: ...
    def leave_by_key(self) -> None: ...


class Everywhere:
    """Its methods are named by rows of `commands.COMMANDS`. `log_file` is midwatch's own log."""

    def __init__(self, desk: EverywhereDesk, log_file: Path | None) -> None:
        self._desk, self._log_file = desk, log_file

    def switch_context(self, name: str = "") -> None:
        desk = self._desk
        if name not in desk.contexts.named:
            hint = desk.contexts.nearest(name)
            desk.say(f"no context {name}{hint}" if name else f":context NAME{hint}")
            return
        if not desk.is_free():
            return
        # Now, since what is typed from here on is meant for the new one.
        desk.front.unfilter()
        # Not in a group of its own: a second switch would end the first one, with the old context half closed.
        desk.work(desk.open_context(desk.contexts.named[name]))

    def deploy(self, name: str = "") -> None:
        """Of the deploys themselves the one at the cursor."""
        view, flow = self._desk.view, self._desk.flow
        row = view.current if view.kind_name == "deploys" and not name else None
        if row is not None:
            flow.menu([row])
            return
        flow.deploys.menu(name)

    def arm(self, rest: str = "") -> None:
        self._desk.flow.arming.arm(rest)
        self._desk.tick()

    def disarm(self) -> None:
        self._desk.flow.arming.disarm()
        self._desk.tick()

    def show_help(self) -> None:
        desk, view = self._desk, self._desk.view
        if view.passing and view.name_in_path == "help":
            desk.front.back()
            return
        lines = help_lines(view.screen_name, view.kind_name, desk.context.mode, desk.offers)
        desk.ways.show_text("help", lambda: lines)

    def open_command(self) -> None:
        desk = self._desk

        def of_metrics(takes: str, rest: str) -> list[str]:
            return desk.front.metrics.completions(takes, rest)

        def complete(text: str) -> list[str]:
            return completions(text, desk.offers, desk.contexts.named, desk.watching, of_metrics)

        desk.keys.ask(":", "", desk.keys.run_line, complete=complete)

    def open_search(self) -> None:
        keys, view, before = self._desk.keys, self._desk.view, self._desk.view.searching
        begin = before if view.filters else ""
        keys.ask("/", begin, view.searched, edited=view.search, cancelled=lambda: view.search(before))

    def step_back(self) -> None:
        if not self._desk.view.escape():
            self._desk.front.back()

    def up(self) -> None:
        if not self._desk.view.close() and not self._desk.front.up():
            self._desk.leave_by_key()

    def refresh_now(self) -> None:
        desk = self._desk
        if desk.watching is not None:
            desk.contexts.retry_now()
            desk.view.tick()
            desk.say("trying again now")

    def freeze(self) -> None:
        contexts = self._desk.contexts
        contexts.freeze(not contexts.frozen)
        self._desk.tick()

    def copy(self) -> None:
        from tui import saving

        saving.copy(self._desk, self._desk.view)

    def write(self, name: str = "") -> None:
        """Save what is shown; a file that is there already is left alone."""
        from tui import saving

        saving.write(self._desk, self._desk.view, name)

    def show_own_log(self) -> None:
        from tui import saving

        saving.show_own_log(self._desk, self._log_file)

    def show_audit(self) -> None:
        from tui import saving

        saving.show_audit(self._desk, self._desk.contexts.doors.unwritten)
