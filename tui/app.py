"""The app: one Textual screen with a masthead, the view in front, and a line for keys and commands.

It opens a context and answers what every view may ask. What a key does on a view is the view's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult

from backends.api.clock import Clock, LoopClock
from backends.context import Context
from backends.threads import leave_threads_behind
from backends.watch import Remembered, Watch
from tui.bridge import Bridge
from tui.commands import Command
from tui.completion import completions
from tui.doors import Doors
from tui.footer import Footer
from tui.front import Front
from tui.heldback import HeldBack
from tui.help import help_lines
from tui.keys import Keys
from tui.masthead import Masthead
from tui.screens.base import Job, View
from tui.terminal import ENDING, in_a_job, stop_job
from tui.ways import Ways
from widgets.columns import Look
from widgets.private.app import QuietApp

if TYPE_CHECKING:
    from backends.door import Door
    from tui.acting import ActionFlow
    from tui.screens.dashboards import Dashboards
    from widgets.dialog import Dialog

log = logging.getLogger("midwatch.app")

AGAIN = 2.0
"""Seconds within which a second ctrl+c quits."""
READ = 3.0
"""Seconds for which what became of an action stays, whatever is pressed."""


class MidwatchApp(QuietApp):
    """The dashboard over one of several contexts. `first` is the one to open, or None to let `discover` find
    one; `command` is a `:` line to begin with."""

    CSS: ClassVar[str] = """
    Screen { layout: vertical; overflow: hidden; }
    Screen { layers: base dialog; }
    #front { height: 1fr; }
    """

    def __init__(
        self,
        contexts: Mapping[str, Context],
        first: Context | None,
        *,
        discover: Callable[[], Awaitable[Context]] | None = None,
        command: str = "",
        timeout: float = 5.0,
        log_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self.contexts = dict(contexts)
        self.context = first or Context("default")
        self.watching: Watch | None = None
        self._remembered: dict[str, Remembered] = {}
        """Of the contexts that were open, by name."""
        self.bridge: Bridge | None = None
        self.keys = Keys(self)
        self.masthead = Masthead()
        self.footer = Footer()
        self.front = Front(self.tick)
        self.ways = Ways(self.front, self.say)
        self.held_back = HeldBack(
            self, lambda event: self.keys.press(event.key, event.character), self.tick, self._go_on
        )
        self.doors = Doors()
        self._flow: ActionFlow | None = None
        self._dashboards: Dashboards | None = None
        self._discover = None if first is not None else discover
        self._first_command = command
        self._timeout = timeout
        self._log_file = log_file
        self._clock = clock or LoopClock()
        self._frozen = False
        self._interrupted = float("-inf")

    # Opening

    def compose(self) -> ComposeResult:
        yield self.masthead
        with self.front:
            yield self.view
        yield self.footer

    def on_mount(self) -> None:
        leave_threads_behind()
        self.tick()
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self.exit, None, 128 + number)
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        self.set_interval(1.0, self.tick)
        self.held_back.hold()
        self.work(self._begin())

    async def _begin(self) -> None:
        if self._discover is not None:
            self.context = await self._discover()
            self.contexts[self.context.name] = self.context
            self._discover = None
        await self._open(self.context)
        if self._first_command:
            self.keys.run_line(self._first_command)

    async def _open(self, context: Context) -> None:
        old_watch, old_bridge = self.watching, self.bridge
        if self._flow is not None:
            self._flow.forget()
        if old_bridge is not None:
            self.view.detach()
            old_bridge.close()
        if old_watch is not None:
            self._remembered[old_watch.context.name] = old_watch.leave()
        self.context = context
        remembered = self._remembered.pop(context.name, None)
        self.watching = Watch(context, timeout=self._timeout, clock=self._clock, remembered=remembered)
        self._dashboards = None
        old_door = self.doors.turn()
        if old_watch is not None and old_door is not None and old_door.arming.left is not None:
            self.say(f"{old_watch.context.name} is armed no more: it was left")
        self.bridge = Bridge(self.watching)
        self.bridge.freeze(self._frozen)
        if self.held_back.holding and not self._first_command:
            self.watching.hold()
        self.watching.open()
        self.view.attach()
        self.tick()
        await self.doors.leave(old_door, self.watching)
        if old_watch is not None:
            await old_watch.close()

    def _go_on(self) -> None:
        if self.watching is not None:
            self.watching.go_on()

    async def on_unmount(self) -> None:
        if self.bridge is not None:
            self.bridge.close()
        await self.doors.close()
        if self.watching is not None:
            await self.watching.close()

    # What views ask

    @property
    def view(self) -> View:
        return self.front.view

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def ready(self) -> bool:
        """Whether the context is open: before that, nothing is known of what it has."""
        return self.watching is not None

    @property
    def without_source(self) -> tuple[str, Look]:
        return ("NO SOURCE", Look.WARN) if self.ready else ("LOADING", Look.DIM)

    @property
    def flow(self) -> ActionFlow:
        """The way to the door; made when somebody first wants to change something."""
        if self._flow is None:
            from tui.acting import ActionFlow

            self._flow = ActionFlow(self)
            self.mount(self._flow.dialog)
        return self._flow

    @property
    def dashboards(self) -> Dashboards | None:
        """The open context's pages of charts, made when somebody first looks at them."""
        if self._dashboards is None and self.watching is not None:
            from tui.screens.dashboards import Dashboards

            self._dashboards = Dashboards(self.watching, self.context)
        return self._dashboards

    @property
    def dialog(self) -> Dialog | None:
        return None if self._flow is None else self._flow.dialog

    @property
    def asking(self) -> bool:
        return self.dialog is not None and self.dialog.open

    @property
    def door(self) -> Door | None:
        return self.doors.now

    async def open_door(self) -> Door | None:
        return None if self.watching is None else await self.doors.open(self.watching)

    def work(self, job: Job, group: str = "default") -> None:
        self.run_worker(job, exclusive=group != "default", group=group, exit_on_error=False)

    def say(self, text: str) -> None:
        """One line, which stays until the next key."""
        self.footer.say(text)

    def report(self, text: str) -> None:
        """One line that keys do not take away before it can have been read."""
        self.footer.say(text, at_least=READ)

    def hush(self) -> None:
        self.footer.hush()
        self._tell_footer()

    def prompt_changed(self) -> None:
        self._tell_footer()

    def on_dialog_changed(self) -> None:
        self._tell_footer()

    def _tell_footer(self) -> None:
        keys = "" if self.dialog is None else self.dialog.keys
        self.footer.tell(self.view, self.keys.prompt, self.offers, keys)

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            event.stop()
            self.held_back.key(event)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            event.stop()
            self.keys.paste(event.text)
        else:
            await super().on_event(event)

    def tick(self) -> None:
        """Once a second: what changes only because time passes."""
        readings = {} if self.bridge is None else self.bridge.readings()
        charts = [] if self.bridge is None else self.bridge.charts()
        broken = () if self.watching is None else self.watching.broken
        missed = self.bridge.missed if self.bridge is not None and self._frozen else None
        armed = None if self.door is None else self.door.arming.left
        self.footer.armed = armed is not None
        self.masthead.tell(
            self.context,
            readings,
            broken,
            charts,
            ready=self.ready,
            armed=armed,
            held=len(self.doors.unwritten),
            missed=missed,
            clock=self._clock,
        )
        if self._flow is not None:
            self._flow.tick()
        self._tell_footer()
        if not self._frozen:
            self.view.tick()

    # Commands of every screen

    def switch_context(self, name: str = "") -> None:
        if name not in self.contexts:
            near = get_close_matches(name, self.contexts, 1, 0)
            hint = f"nearest is {near[0]}" if name and near else f"there are {', '.join(sorted(self.contexts))}"
            self.say(f"no context {name}; {hint}" if name else f":context NAME; {hint}")
            return
        if self._flow is not None and not self._flow.is_free():
            return
        # Now, since what is typed from here on is meant for the new one.
        self.front.unfilter()
        # Not in a group of its own: a second switch would end the first one, with the old context half closed.
        self.work(self._open(self.contexts[name]))

    def offers(self, command: Command) -> bool:
        """Whether a command means something in this context's mode."""
        return not (command.acts and self.context.read_only)

    def deploy(self, name: str = "") -> None:
        """Of the deploys themselves the one at the cursor."""
        row = self.view.current if self.view.kind_name == "deploys" and not name else None
        if row is not None:
            self.flow.menu([row])
            return
        self.flow.deploys.menu(name)

    def arm(self, rest: str = "") -> None:
        self.flow.arm(rest)
        self.tick()

    def disarm(self) -> None:
        self.flow.disarm()
        self.tick()

    def show_help(self) -> None:
        view = self.view
        if view.passing and view.name_in_path == "help":
            self.front.back()
            return
        lines = help_lines(view.screen_name, view.kind_name, self.context.mode, self.offers)
        self.ways.show_text("help", lambda: lines)

    def open_command(self) -> None:
        def of_metrics(takes: str, rest: str) -> list[str]:
            return self.front.metrics.completions(takes, rest)

        def complete(text: str) -> list[str]:
            return completions(text, self.offers, self.contexts, self.watching, of_metrics)

        self.keys.ask(":", "", self.keys.run_line, complete=complete)

    def open_search(self) -> None:
        view, before = self.view, self.view.searching
        begin = before if view.filters else ""
        self.keys.ask("/", begin, view.searched, edited=view.search, cancelled=lambda: view.search(before))

    def step_back(self) -> None:
        if not self.view.escape():
            self.front.back()

    def up(self) -> None:
        if not self.front.up():
            self.leave()

    def leave(self) -> None:
        under_way = "" if self._flow is None else self._flow.under_way
        now = asyncio.get_running_loop().time()
        if under_way and now - self._interrupted > AGAIN:
            self._interrupted = now
            self.say(f"{under_way} has not ended yet; again within {AGAIN:g} s leaves it to itself")
            return
        self.exit(return_code=0)

    def interrupt(self) -> None:
        """ctrl+c: end what runs; the second within two seconds quits."""
        now = asyncio.get_running_loop().time()
        if now - self._interrupted <= AGAIN:
            self.exit(return_code=130)
            return
        self._interrupted = now
        if self.view.cancel():
            return
        self.workers.cancel_group(self, "raw")
        self.say("nothing is running; ctrl+c again quits")

    def refresh_now(self) -> None:
        if self.watching is not None:
            self.watching.retry_now()
            if self._dashboards is not None:
                self._dashboards.ask_now()
            self.view.tick()
            self.say("trying again now")

    def freeze(self) -> None:
        self._frozen = not self._frozen
        if self.bridge is not None:
            self.bridge.freeze(self._frozen)
        self.tick()

    def copy(self) -> None:
        from tui import saving

        saving.copy(self, self.view)

    def write(self, name: str = "") -> None:
        """Save what is shown; a file that is there already is left alone."""
        from tui import saving

        saving.write(self, self.view, name)

    def show_own_log(self) -> None:
        from tui import saving

        saving.show_own_log(self, self._log_file)

    def to_shell(self) -> None:
        if in_a_job():
            with self.suspend():
                stop_job()
        else:
            self.say("no shell to go to: midwatch was not started from one with job control")
